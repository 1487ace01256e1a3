package identity

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations gives the block's tables.
func Migrations() fs.FS { return migrations }

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// Deps is what identity stands on.
type Deps struct {
	DB     *db.DB
	Clock  clock.Clock
	Keys   Sealer
	Log    *slog.Logger
	Origin string // https://dichvucong.example.vn; passkeys are bound to its host
	Demo   bool
	People People
	Codes  Codes
	Pages  *web.Renderer // nil: no pages
	// Address tells callers apart for the limits on tries, as the server's own
	// ClientKey does; nil: by network address. Behind a proxy it must read the
	// header that the proxy sets, or everybody shares one limit.
	Address AddressOf
}

// Sealer keeps content readable only while its person's key lives.
type Sealer interface {
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
	Pseudonym(value string) string
}

// People answers from the registers. It must not be called in a transaction.
type People interface {
	Person(ctx context.Context, number string) (Person, error) // errs.NotFound when there is none
	Children(ctx context.Context, number string) ([]Person, error)
}

// Codes brings a one-time code to its person, and word of what changed in how
// they sign in. Both join the transaction of ctx.
type Codes interface {
	SendCode(ctx context.Context, to Contact, key, code string) error
	SendNotice(ctx context.Context, to Contact, key string, n Notice) error
}

// Notice says what changed in how somebody signs in. They may not have done it.
type Notice string

// The notices.
const (
	PasskeyAdded   Notice = "passkey_added"
	PasskeyRemoved Notice = "passkey_removed"
	AppAdded       Notice = "app_added"
	AppRemoved     Notice = "app_removed"
	EmailChanged   Notice = "email_changed" // goes to the old address
	WaysRemoved    Notice = "ways_removed"  // by whoever runs the house
)

// Person is somebody in the population register.
type Person struct{ Number, Name, BirthDate, Email, Phone string }

// Contact is where somebody can be reached. Subject is a stable id without
// personal content.
type Contact struct {
	Subject, Name, Email, Phone string
	Lang                        i18n.Lang
}

// Officer works for a member.
type Officer struct {
	ID, Name, Member string
	Roles            []string
	Number           string // personal number, for conflicts of interest; may be empty
	Email            string
}

// Sample is somebody to sign in as in a demonstration: a person by number, or
// an officer by id.
type Sample struct {
	ID, Number, Officer, Name string
	Label                     i18n.Text
}

// account is who can sign in.
type account struct {
	ID, Kind, Subject, Member string
	Roles                     []string
	content
}

// content is the sealed part of an account.
type content struct {
	Number  string    `json:"number,omitempty"`
	Officer string    `json:"officer,omitempty"`
	Name    string    `json:"name"`
	Born    string    `json:"born,omitempty"`
	Email   string    `json:"email,omitempty"`
	Chosen  string    `json:"chosen,omitempty"` // the address the person proved and prefers to the register's
	Phone   string    `json:"phone,omitempty"`
	Lang    i18n.Lang `json:"lang,omitempty"`
}

const (
	kindPerson  = "person"
	kindOfficer = "officer"
)

// Identity is the block.
type Identity struct {
	d        Deps
	store    store
	webauthn *webauthn.WebAuthn
	cache    *cache
	limits   *limits
	swept    atomic.Int64 // when the tables were last swept, in microseconds
}

// New builds the block.
func New(d Deps) (*Identity, error) {
	u, err := url.Parse(d.Origin)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("identity: origin %q: write the public address, such as https://dichvucong.example.vn", d.Origin)
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	wa, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Đình", RPOrigins: []string{strings.TrimSuffix(d.Origin, "/")},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, err
	}
	return &Identity{d: d, store: store{db: d.DB}, webauthn: wa, cache: newCache(), limits: newLimits(d.Clock)}, nil
}

// officerSubject reads an officer's id as people type it.
func (x *Identity) officerSubject(officer string) string {
	return x.d.Keys.Pseudonym("officer:" + strings.ToLower(strings.TrimSpace(officer)))
}

func (x *Identity) mailKey(email string) string {
	if email == "" {
		return ""
	}
	return x.d.Keys.Pseudonym("mail:" + strings.ToLower(strings.TrimSpace(email)))
}

// EnsureAccount makes a person's account if there is none and returns its id.
// It does not ask the population register: the caller knows the name.
// Error: identity.number_wrong.
func (x *Identity) EnsureAccount(ctx context.Context, number, name string) (string, error) {
	if !validNumber.MatchString(number) {
		return "", errs.New(errs.Invalid, "identity.number_wrong")
	}
	a, err := x.put(ctx, account{Kind: kindPerson, Subject: x.d.Keys.Pseudonym(number), content: content{Number: number, Name: name}})
	return a.ID, err
}

// AddOfficer makes or updates an officer's account; roles and member hold from
// the next request on. Errors: identity.officer_incomplete,
// identity.email_wrong, identity.number_wrong.
func (x *Identity) AddOfficer(ctx context.Context, o Officer) error {
	if o.ID == "" || o.Name == "" || o.Member == "" || len(o.Roles) == 0 {
		return errs.New(errs.Invalid, "identity.officer_incomplete")
	}
	if _, ok := tidyEmail(o.Email); !ok && o.Email != "" {
		return errs.New(errs.Invalid, "identity.email_wrong")
	}
	if o.Number != "" && !validNumber.MatchString(o.Number) {
		return errs.New(errs.Invalid, "identity.number_wrong")
	}
	_, err := x.put(ctx, account{
		Kind: kindOfficer, Subject: x.officerSubject(o.ID), Member: o.Member, Roles: o.Roles,
		content: content{Officer: o.ID, Number: o.Number, Name: o.Name, Email: o.Email},
	})
	return err
}

// Officers lists all officers by member and id.
func (x *Identity) Officers(ctx context.Context) ([]Officer, error) {
	rows, err := x.store.officers(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Officer, 0, len(rows))
	for _, row := range rows {
		a, err := x.unseal(ctx, row)
		if err != nil {
			return nil, err
		}
		out = append(out, Officer{ID: a.Officer, Name: a.Name, Member: a.Member, Roles: a.Roles, Number: a.Number, Email: a.Email})
	}
	slices.SortFunc(out, func(a, b Officer) int { return cmp.Or(cmp.Compare(a.Member, b.Member), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// RemoveOfficer ends an officer's sessions and forgets how they sign in; what
// they did stays where it was done. It holds at once here and within five
// seconds in other processes. It gives the id as it was written when the
// officer was added. Error: identity.no_officer.
func (x *Identity) RemoveOfficer(ctx context.Context, officer string) (id string, err error) {
	row, err := x.store.account(ctx, "subject", x.officerSubject(officer))
	if errs.KindOf(err) == errs.NotFound {
		return "", errs.New(errs.NotFound, "identity.no_officer", "officer", officer)
	}
	if err != nil {
		return "", err
	}
	a, err := x.unseal(ctx, row)
	if err != nil {
		return "", err
	}
	return a.Officer, x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		db.AfterCommit(ctx, func() { x.cache.forget(a.ID) })
		return x.store.removeAccount(ctx, row)
	})
}

// AddSample puts somebody on the list of a demonstration.
func (x *Identity) AddSample(ctx context.Context, s Sample) error {
	subject := x.officerSubject(s.Officer)
	if s.Officer == "" {
		if _, err := x.EnsureAccount(ctx, s.Number, s.Name); err != nil {
			return err
		}
		subject = x.d.Keys.Pseudonym(s.Number)
	}
	label, err := json.Marshal(s.Label)
	if err != nil {
		return err
	}
	return x.store.putSample(ctx, s.ID, subject, string(label))
}

// Sample finds somebody of the demonstration's list.
func (x *Identity) Sample(ctx context.Context, sample string) (Sample, error) {
	row, err := x.store.sample(ctx, sample)
	if err != nil {
		return Sample{}, err
	}
	return x.showSample(ctx, row)
}

func (x *Identity) showSample(ctx context.Context, row sampleRow) (Sample, error) {
	a, err := x.bySubject(ctx, row.Subject)
	if err != nil {
		return Sample{}, err
	}
	s := Sample{ID: row.ID, Number: a.Number, Officer: a.Officer, Name: a.Name}
	return s, json.Unmarshal([]byte(row.Label), &s.Label)
}

// put makes an account, or brings an officer's up to date; a person's stays as
// it is.
func (x *Identity) put(ctx context.Context, a account) (out account, err error) {
	err = x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		out = a
		if out.ID, err = x.subjectsID(ctx, a.Subject); err != nil {
			return err
		}
		if out.ID == "" {
			out.ID = id.New(x.d.Clock.Now())
			row, err := x.row(ctx, out)
			if err != nil {
				return err
			}
			made, err := x.store.insertAccount(ctx, row)
			if err != nil || made {
				return err
			}
		}
		have, err := x.bySubject(ctx, a.Subject)
		if err != nil {
			return err
		}
		if a.Kind == kindPerson {
			out = have
			return nil
		}
		out.ID, out.Lang = have.ID, have.Lang
		row, err := x.row(ctx, out)
		if err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { x.cache.forget(have.ID) })
		return x.store.updateAccount(ctx, row)
	})
	return out, err
}

// subjectsID gives the id of a subject's account, empty when there is none.
func (x *Identity) subjectsID(ctx context.Context, subject string) (string, error) {
	row, err := x.store.account(ctx, "subject", subject)
	if errs.KindOf(err) == errs.NotFound {
		return "", nil
	}
	return row.ID, err
}

func (x *Identity) row(ctx context.Context, a account) (accountRow, error) {
	sealed, err := x.seal(ctx, a)
	if err != nil {
		return accountRow{}, err
	}
	roles, err := json.Marshal(a.Roles)
	row := accountRow{ID: a.ID, Kind: a.Kind, Subject: a.Subject, Member: a.Member, Roles: string(roles), Created: x.d.Clock.Now(), Content: sealed}
	if a.Kind == kindOfficer {
		row.MailKey = x.mailKey(a.Email)
	}
	return row, err
}

// amend changes the sealed part of an account; nobody else changes it meanwhile.
func (x *Identity) amend(ctx context.Context, accountID string, change func(*content)) error {
	return x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		a, err := x.byID(ctx, accountID)
		if err != nil {
			return err
		}
		before := a.content
		if change(&a.content); a.content == before {
			return nil
		}
		sealed, err := x.seal(ctx, a)
		if err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { x.cache.forget(accountID) })
		return x.store.updateContent(ctx, accountID, sealed)
	})
}

func (x *Identity) seal(ctx context.Context, a account) (string, error) {
	plain, err := json.Marshal(a.content)
	if err != nil {
		return "", err
	}
	return x.sealFor(ctx, a, string(plain), a.ID)
}

func (x *Identity) bySubject(ctx context.Context, subject string) (account, error) {
	row, err := x.store.account(ctx, "subject", subject)
	if err != nil {
		return account{}, err
	}
	return x.unseal(ctx, row)
}

func (x *Identity) byID(ctx context.Context, accountID string) (account, error) {
	row, err := x.store.account(ctx, "id", accountID)
	if err != nil {
		return account{}, err
	}
	return x.unseal(ctx, row)
}

func (x *Identity) unseal(ctx context.Context, row accountRow) (account, error) {
	a := account{ID: row.ID, Kind: row.Kind, Subject: row.Subject, Member: row.Member}
	plain, err := x.unsealFor(ctx, a, row.Content, row.ID)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal([]byte(plain), &a.content); err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(row.Roles), &a.Roles)
}

// Contact says how to reach the person with this number: what they chose for
// their account, else what the population register holds.
func (x *Identity) Contact(ctx context.Context, number string) (Contact, error) {
	subject := x.d.Keys.Pseudonym(number)
	c := Contact{Subject: subject, Lang: i18n.VI}
	if a, err := x.bySubject(ctx, subject); err == nil {
		c.Name, c.Email, c.Phone = a.Name, cmp.Or(a.Chosen, a.Email), a.Phone
		if a.Lang != "" {
			c.Lang = a.Lang
		}
	} else if errs.KindOf(err) != errs.NotFound {
		return c, err
	}
	if c.Email != "" && c.Phone != "" {
		return c, nil
	}
	p, err := x.Person(ctx, number)
	if err != nil {
		return c, err
	}
	c.Name, c.Email, c.Phone = cmp.Or(c.Name, p.Name), cmp.Or(c.Email, p.Email), cmp.Or(c.Phone, p.Phone)
	return c, nil
}

// remember keeps what the population register said, so that messages need not
// ask it again.
func (x *Identity) remember(ctx context.Context, a account, p Person) error {
	keep := func(c *content) {
		c.Name, c.Email, c.Phone, c.Born = cmp.Or(p.Name, c.Name), p.Email, p.Phone, p.BirthDate
	}
	same := a.content
	if keep(&same); same == a.content {
		return nil
	}
	return x.amend(ctx, a.ID, keep)
}

// Person says who somebody is. The population register is asked once for an
// account; afterwards the account remembers.
func (x *Identity) Person(ctx context.Context, number string) (Person, error) {
	a, err := x.bySubject(ctx, x.d.Keys.Pseudonym(number))
	if err == nil && a.Born != "" {
		return Person{Number: number, Name: a.Name, BirthDate: a.Born, Email: a.Email, Phone: a.Phone}, nil
	}
	known := err == nil
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return Person{}, err
	}
	p, err := x.d.People.Person(ctx, number)
	if err != nil || !known {
		return p, err
	}
	return p, x.remember(ctx, a, p)
}

// ChildrenOf lists the caller's children under 18, for whom they may act.
func (x *Identity) ChildrenOf(ctx context.Context, number string) ([]Person, error) {
	all, err := x.d.People.Children(ctx, number)
	if err != nil {
		return nil, err
	}
	grown := x.d.Clock.Now().In(i18n.Zone()).AddDate(-18, 0, 0).Format(time.DateOnly)
	var out []Person
	for _, c := range all {
		if c.BirthDate > grown {
			out = append(out, c)
		}
	}
	return out, nil
}
