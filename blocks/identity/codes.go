package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/text"
)

var validNumber = regexp.MustCompile(`^[0-9]{12}$`)

// tidyNumber reads a personal number as people type it.
func tidyNumber(s string) (string, bool) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' || r == '-' {
			return -1
		}
		return r
	}, s)
	return s, validNumber.MatchString(s)
}

// ask sends a code to an account and returns the token of the attempt, which
// only this browser keeps. An empty account gets a token too, whose code never
// comes, so that nobody can tell the difference.
func (x *Identity) ask(ctx context.Context, a *account, to Contact, purpose, next string) (token string, err error) {
	token = id.Token(24)
	row := attemptRow{Hash: hashed(token), Purpose: purpose, Expires: x.d.Clock.Now().Add(codeLife), Next: next, Code: hashed(id.Token(16))}
	if a == nil {
		return token, x.store.insertAttempt(ctx, row)
	}
	if err := x.limits.allow("code/"+a.ID, codesPerHour); err != nil {
		return "", err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	code := fmt.Sprintf("%06d", n.Int64())
	row.Account, row.Code = a.ID, hashed(token+code)
	return token, x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		if err := x.store.insertAttempt(ctx, row); err != nil {
			return err
		}
		return x.d.Codes.SendCode(ctx, to, "code/"+row.Hash, code)
	})
}

// answer checks a code. It is right once, for ten minutes, in five tries.
func (x *Identity) answer(ctx context.Context, token, code string) (attemptRow, account, error) {
	wrong := errs.New(errs.Invalid, "identity.code_wrong").With(errs.Field{Name: "code", Code: "identity.code_wrong"})
	row, err := x.store.attempt(ctx, hashed(token))
	if err != nil {
		return row, account{}, err
	}
	allowed, err := x.store.tried(ctx, row.Hash)
	if err != nil {
		return row, account{}, err
	}
	if !allowed || x.d.Clock.Now().After(row.Expires) {
		return row, account{}, errs.New(errs.Invalid, "identity.code_over").With(errs.Field{Name: "code", Code: "identity.code_over"})
	}
	code = strings.Join(strings.Fields(code), "")
	if subtle.ConstantTimeCompare([]byte(hashed(token+code)), []byte(row.Code)) != 1 || row.Account == "" {
		return row, account{}, wrong
	}
	spent, err := x.store.spend(ctx, row.Hash)
	if err != nil {
		return row, account{}, err
	}
	if !spent {
		return row, account{}, wrong
	}
	a, err := x.byID(ctx, row.Account)
	return row, a, err
}

// askPerson begins a code sign-in by personal number. The answer is the same
// whether there is such an account or not.
func (x *Identity) askPerson(ctx context.Context, number, next string) (string, error) {
	a, err := x.bySubject(ctx, x.d.Keys.Pseudonym(number))
	if errs.KindOf(err) == errs.NotFound {
		return x.ask(ctx, nil, Contact{}, "sign-in", next)
	}
	if err != nil {
		return "", err
	}
	to, err := x.contactOf(ctx, a)
	if err != nil {
		return "", err
	}
	return x.ask(ctx, &a, to, "sign-in", next)
}

// askOfficer begins a code sign-in by officer id.
func (x *Identity) askOfficer(ctx context.Context, officer, next string) (string, error) {
	a, err := x.bySubject(ctx, x.officerSubject(strings.ToLower(strings.TrimSpace(officer))))
	if errs.KindOf(err) == errs.NotFound {
		return x.ask(ctx, nil, Contact{}, "sign-in", next)
	}
	if err != nil {
		return "", err
	}
	return x.ask(ctx, &a, Contact{Subject: a.Subject, Name: a.Name, Email: a.Email, Lang: i18n.LangFrom(ctx)}, "sign-in", next)
}

func (x *Identity) contactOf(ctx context.Context, a account) (Contact, error) {
	if a.Kind == kindOfficer {
		return Contact{Subject: a.Subject, Name: a.Name, Email: a.Email, Lang: i18n.LangFrom(ctx)}, nil
	}
	c, err := x.Contact(ctx, a.Number)
	c.Lang = i18n.LangFrom(ctx)
	return c, err
}

// register compares what somebody says of themselves with the population
// register. If all of it is right, the account exists afterwards and a code is
// on its way to the address that the register holds; if not, everything looks
// the same and no code comes.
func (x *Identity) register(ctx context.Context, number, name, born string) (token, masked string, err error) {
	p, err := x.d.People.Person(ctx, number)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return "", "", err
	}
	same := err == nil && text.Fold(p.Name) == text.Fold(name) && p.BirthDate == born && p.Email != ""
	if !same {
		token, err = x.ask(ctx, nil, Contact{}, "register", "/account")
		return token, "", err
	}
	a, err := x.put(ctx, account{Kind: kindPerson, Subject: x.d.Keys.Pseudonym(number), content: content{Number: number, Name: p.Name, Email: p.Email, Phone: p.Phone, Lang: i18n.LangFrom(ctx)}})
	if err != nil {
		return "", "", err
	}
	if err := x.remember(ctx, a, p); err != nil {
		return "", "", err
	}
	token, err = x.ask(ctx, &a, Contact{Subject: a.Subject, Name: p.Name, Email: p.Email, Lang: i18n.LangFrom(ctx)}, "register", "/account")
	return token, "", err
}

// prove notes that the person behind a session has just answered a code.
func (x *Identity) prove(ctx context.Context, token string, a account) error {
	s, err := x.store.session(ctx, hashed(token))
	if err != nil {
		return err
	}
	if s.Account != a.ID {
		return errs.New(errs.Forbidden, "identity.other_account")
	}
	x.cache.forget(a.ID)
	return x.store.raise(ctx, s.Hash, max(s.Level, auth.Low), x.d.Clock.Now())
}
