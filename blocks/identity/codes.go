package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/text"
)

// What a code is for.
const (
	forSignIn   = "sign-in"
	forRegister = "register"
	forStepUp   = "step-up"
	forEmail    = "email"

	// inSession is where those sit who are signed in already.
	inSession = "session"
)

var (
	validCode   = regexp.MustCompile(`^[0-9]{6}$`)
	validNumber = regexp.MustCompile(`^[0-9]{12}$`)
	validEmail  = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$`)
)

// without drops the separators that people put into numbers.
func without(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '.' || r == '-' {
			return -1
		}
		return r
	}, s)
}

// tidyNumber reads a personal number as people type it.
func tidyNumber(s string) (string, bool) {
	s = without(s)
	return s, validNumber.MatchString(s)
}

// tidyEmail reads an e-mail address as people type it.
func tidyEmail(s string) (string, bool) {
	s = strings.TrimSpace(s)
	return s, len(s) <= 254 && strings.IndexByte(s, '@') <= 64 && validEmail.MatchString(s)
}

// dateOf reads a date typed in three boxes; days that do not exist are not dates.
func dateOf(day, month, year string) (string, bool) {
	var n [3]int
	for i, s := range []string{day, month, year} {
		s = strings.TrimSpace(s)
		v, err := strconv.ParseUint(s, 10, 16)
		if err != nil || len(s) > 4 {
			return "", false
		}
		n[i] = int(v)
	}
	iso := fmt.Sprintf("%04d-%02d-%02d", n[2], n[1], n[0])
	_, err := time.Parse(time.DateOnly, iso)
	return iso, err == nil && n[2] >= 1880 && n[2] <= 2200
}

// masked lets somebody recognise their address and tells others little.
func masked(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || domain == "" {
		return "•••"
	}
	end := domain[strings.LastIndexByte(domain, '.')+1:]
	return string([]rune(local)[:1]) + "•••@" + string([]rune(domain)[:1]) + "•••." + end
}

// asking is a code to be sent. Without an account, or without an address,
// everything happens but the sending.
type asking struct {
	account *account
	subject string // whom the limits count for
	seat    seat
	to      Contact
	purpose string
	next    string
	data    string // of an e-mail address to be proved
}

// ask sends a code and returns the token of the attempt, which only this
// browser keeps. Whoever has no account gets a token too, whose code never
// comes, so that nobody can tell the difference.
func (x *Identity) ask(ctx context.Context, q asking) (token string, err error) {
	x.sweep(ctx)
	token = id.Token(24)
	row := attemptRow{Hash: hashed(token), Subject: q.subject, Purpose: q.purpose, Expires: x.d.Clock.Now().Add(codeLife), Next: q.next}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	code := fmt.Sprintf("%06d", n.Int64())
	row.Code = hashed(token + code)
	if q.account != nil {
		row.Account = q.account.ID
		if q.data != "" {
			if row.Data, err = x.sealFor(ctx, *q.account, q.data, row.Hash); err != nil {
				return "", err
			}
		}
	}
	return token, x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		if err := x.takeCode(ctx, x.seeker(q.seat, q.subject, row.Account)); err != nil {
			return err
		}
		if err := x.store.insertAttempt(ctx, row); err != nil {
			return err
		}
		if q.account == nil || q.to.Email == "" {
			return nil
		}
		return x.d.Codes.SendCode(ctx, q.to, "code/"+row.Hash, code)
	})
}

func (x *Identity) sealFor(ctx context.Context, a account, plain, aad string) (string, error) {
	sealed, err := x.d.Keys.Seal(ctx, a.Subject, []byte(plain), []byte(aad))
	return base64.StdEncoding.EncodeToString(sealed), err
}

func (x *Identity) unsealFor(ctx context.Context, a account, sealed, aad string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", err
	}
	plain, err := x.d.Keys.Unseal(ctx, a.Subject, raw, []byte(aad))
	return string(plain), err
}

// answer checks a code. It is right once, for ten minutes, in five tries; what
// is no code at all is no try.
func (x *Identity) answer(ctx context.Context, token, code string, at seat) (attemptRow, account, error) {
	refuse := func(code string) (attemptRow, account, error) {
		return attemptRow{}, account{}, errs.New(errs.Invalid, code).With(errs.Field{Name: "code", Code: code})
	}
	row, err := x.store.attempt(ctx, hashed(token))
	if err != nil {
		return row, account{}, err
	}
	if !validCode.MatchString(without(code)) {
		return refuse("identity.code_shape")
	}
	who := x.seeker(at, row.Subject, row.Account)
	allowed, err := x.guess(ctx, row, who)
	if err != nil {
		return row, account{}, err
	}
	if !allowed || !x.d.Clock.Now().Before(row.Expires) {
		return refuse("identity.code_over")
	}
	if subtle.ConstantTimeCompare([]byte(hashed(token+without(code))), []byte(row.Code)) != 1 || row.Account == "" {
		return refuse("identity.code_wrong")
	}
	spent, err := x.store.spend(ctx, row.Hash)
	if err != nil {
		return row, account{}, err
	}
	if !spent {
		return refuse("identity.code_over")
	}
	for _, key := range []string{who.here("guess"), who.all("guess")} {
		if err := x.store.forgive(ctx, key); err != nil {
			return row, account{}, err
		}
	}
	a, err := x.byID(ctx, row.Account)
	return row, a, err
}

// askPerson begins a code sign-in by personal number. The answer is the same
// whether there is such an account or not.
func (x *Identity) askPerson(ctx context.Context, number, next string, at seat) (string, error) {
	subject := x.d.Keys.Pseudonym(number)
	return x.askBySubject(ctx, asking{subject: subject, seat: at, purpose: forSignIn, next: next}, subject)
}

// askOfficer begins a code sign-in by officer id or e-mail address.
func (x *Identity) askOfficer(ctx context.Context, officer, next string, at seat) (string, error) {
	typed := x.officerSubject(officer)
	subject := typed
	if strings.Contains(officer, "@") {
		typed = x.mailKey(officer)
		var err error
		if subject, err = x.store.subjectByMail(ctx, typed); err != nil && errs.KindOf(err) != errs.NotFound {
			return "", err
		}
	}
	return x.askBySubject(ctx, asking{subject: typed, seat: at, purpose: forSignIn, next: next}, subject)
}

func (x *Identity) askBySubject(ctx context.Context, q asking, subject string) (string, error) {
	a, err := x.bySubject(ctx, subject)
	if gone(err) {
		return x.ask(ctx, q)
	}
	if err != nil {
		return "", err
	}
	if q.to, err = x.contactOf(ctx, a); err != nil {
		return "", err
	}
	q.account = &a
	return x.ask(ctx, q)
}

// gone says that there is no account, or that its person's key was destroyed.
func gone(err error) bool {
	kind := errs.KindOf(err)
	return err != nil && (kind == errs.NotFound || kind == errs.Gone)
}

// contactOf is where an account's codes go.
func (x *Identity) contactOf(ctx context.Context, a account) (Contact, error) {
	c := Contact{Subject: a.Subject, Name: a.Name, Email: a.Email, Phone: a.Phone, Lang: i18n.LangFrom(ctx)}
	if a.Chosen != "" {
		c.Email = a.Chosen
	}
	if c.Email != "" || a.Kind == kindOfficer {
		return c, nil
	}
	p, err := x.Person(ctx, a.Number)
	if gone(err) {
		return c, nil
	}
	c.Email, c.Phone = p.Email, p.Phone
	return c, err
}

// whoIs is what somebody says of themselves to register.
type whoIs struct{ number, name, born string }

// register compares what somebody says of themselves with the population
// register. If all of it is right, the account exists afterwards and a code is
// on its way to the address that the register holds; if not, everything looks
// the same and no code comes.
func (x *Identity) register(ctx context.Context, w whoIs, at seat) (token string, err error) {
	q := asking{subject: x.d.Keys.Pseudonym(w.number), seat: at, purpose: forRegister, next: "/account"}
	p, err := x.d.People.Person(ctx, w.number)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return "", err
	}
	folded := text.Fold(w.name)
	same := err == nil && folded != "" && text.Fold(p.Name) == folded && p.BirthDate == w.born && p.Email != ""
	if !same {
		return x.ask(ctx, q)
	}
	a, err := x.put(ctx, account{Kind: kindPerson, Subject: q.subject, content: content{
		Number: w.number, Name: p.Name, Born: p.BirthDate, Email: p.Email, Phone: p.Phone, Lang: i18n.LangFrom(ctx),
	}})
	if err != nil {
		return "", err
	}
	if err := x.remember(ctx, a, p); err != nil {
		return "", err
	}
	q.account, q.to = &a, Contact{Subject: a.Subject, Name: p.Name, Email: p.Email, Lang: i18n.LangFrom(ctx)}
	return x.ask(ctx, q)
}

// askStepUp sends a code to the person behind a session.
func (x *Identity) askStepUp(ctx context.Context, a account, next string) (string, error) {
	to, err := x.contactOf(ctx, a)
	if err != nil {
		return "", err
	}
	if to.Email == "" {
		return "", errs.New(errs.Conflict, "identity.no_address")
	}
	return x.ask(ctx, asking{account: &a, subject: a.Subject, seat: seat{address: inSession}, to: to, purpose: forStepUp, next: next})
}

// prove notes that the person behind a session has just answered a code.
func (x *Identity) prove(ctx context.Context, session string, a account) error {
	s, err := x.own(ctx, session, a)
	if err != nil {
		return err
	}
	defer x.cache.forget(a.ID)
	return x.store.raise(ctx, s.Hash, max(s.Level, auth.Low), x.d.Clock.Now())
}

// own finds a session and makes sure that it is of this account.
func (x *Identity) own(ctx context.Context, session string, a account) (sessionRow, error) {
	s, err := x.session(ctx, session)
	if err == nil && s.Account != a.ID {
		err = errs.New(errs.Forbidden, "identity.other_account")
	}
	return s, err
}
