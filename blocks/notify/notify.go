package notify

import (
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/job"
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

// Channels that a message may name.
const (
	Inbox = "inbox"
	Email = "email"
	SMS   = "sms"
)

// Deps is what notify stands on.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Keys     Sealer
	Jobs     *job.Queue
	Log      *slog.Logger
	Contacts Contacts
	Mail     MailConfig
	SMS      SMSProvider // nil: the sandbox
	Mailbox  *Mailbox    // development mailbox to show at /dev/mail; nil: no such page
	Origin   string      // https://… for links in e-mails
	Sender   i18n.Text   // who signs
	Pages    *web.Renderer
}

// Sealer keeps content readable only while its person's key lives.
type Sealer interface {
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
	Pseudonym(value string) string
}

// Contacts knows how to reach a person.
type Contacts interface {
	Contact(ctx context.Context, number string) (Contact, error)
}

// Contact is where a person can be reached. Empty members cannot be used.
type Contact struct {
	Name, Email, Phone string
	Lang               i18n.Lang
}

// SMSProvider hands a text to a carrier, once for a key. An error of kind
// Invalid means that trying again is of no use.
type SMSProvider interface {
	SendSMS(ctx context.Context, key, phone, text string) (ref string, err error)
}

// Message is something to tell one person.
type Message struct {
	Key       string   // the same key is the same message
	Number    string   // personal number
	Contact   *Contact // where to reach them if they are not in the registers; not kept after sending
	Channels  []string
	Subject   i18n.Text
	Body      i18n.Text // paragraphs separated by empty lines
	SMS       i18n.Text // empty: the subject
	Link      string    // local path of what it is about
	Reference string    // dossier code
}

// content is the sealed part of a stored message.
type content struct {
	Number  string    `json:"number"`
	Contact *Contact  `json:"contact,omitempty"`
	Subject i18n.Text `json:"subject"`
	Body    i18n.Text `json:"body"`
	SMS     i18n.Text `json:"sms"`
}

// Stored is a message as its person sees it.
type Stored struct {
	ID, Reference, Link string
	Subject, Body       i18n.Text
	Created             time.Time
	Read                bool
	Deliveries          []Delivery
}

// Delivery is how far a message got on one channel.
type Delivery struct {
	Channel  string
	State    string // created, sending, delivered, failed
	Attempts int
	Detail   string // error code when it failed
	Updated  time.Time
}

// Notify is the block.
type Notify struct {
	d     Deps
	store store
	mail  *mailer
	sms   SMSProvider
}

// New builds the block and registers its jobs.
func New(d Deps) (*Notify, error) {
	n := &Notify{d: d, store: store{db: d.DB}, sms: d.SMS}
	if n.sms == nil {
		n.sms = &sandboxSMS{n: n}
	}
	var err error
	if n.mail, err = newMailer(d.Mail); err != nil {
		return nil, err
	}
	d.Jobs.Handle("notify.email", n.deliver(n.sendEmail))
	d.Jobs.Handle("notify.sms", n.deliver(n.sendSMS))
	return n, nil
}

// Send takes a message, in the transaction of ctx: the inbox has it with the
// commit, other channels follow. A key that was sent before is done already.
// Errors: notify.key_missing, notify.channel_unknown, notify.empty.
func (n *Notify) Send(ctx context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	return n.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		now := n.d.Clock.Now()
		row := stored{ID: id.New(now), Subject: n.d.Keys.Pseudonym(m.Number), Reference: m.Reference, Link: m.Link, Created: now, Inbox: slices.Contains(m.Channels, Inbox)}
		var err error
		if row.Content, err = n.seal(ctx, row.Subject, row.ID, content{Number: m.Number, Contact: m.Contact, Subject: m.Subject, Body: m.Body, SMS: m.SMS}); err != nil {
			return err
		}
		made, err := n.store.insert(ctx, m.Key, row)
		if err != nil || !made {
			return err
		}
		for _, ch := range m.Channels {
			if err := n.open(ctx, row.ID, ch, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m Message) check() error {
	if m.Key == "" || m.Number == "" {
		return errs.New(errs.Invalid, "notify.key_missing")
	}
	if m.Subject.VI == "" || m.Subject.EN == "" || m.Body.VI == "" || m.Body.EN == "" {
		return errs.New(errs.Invalid, "notify.empty")
	}
	for _, ch := range m.Channels {
		if ch != Inbox && ch != Email && ch != SMS {
			return errs.New(errs.Invalid, "notify.channel_unknown", "channel", ch)
		}
	}
	return nil
}

// open begins a delivery; everything but the inbox is a job.
func (n *Notify) open(ctx context.Context, message, channel string, now time.Time) error {
	d := delivery{ID: message + "/" + channel, Message: message, Channel: channel, State: "created", Updated: now}
	if channel == Inbox {
		d.State = "delivered"
	}
	if err := n.store.insertDelivery(ctx, d); err != nil || channel == Inbox {
		return err
	}
	return n.d.Jobs.Enqueue(ctx, "notify."+channel, deliveryJob{Delivery: d.ID}, job.Key(d.ID), job.MaxAttempts(15))
}

type deliveryJob struct {
	Delivery string `json:"delivery"`
}

// deliver wraps a channel: it notes attempts and outcomes around send.
func (n *Notify) deliver(send func(ctx context.Context, m stored, c content, to Contact) (ref string, err error)) func(context.Context, job.Job) error {
	return func(ctx context.Context, j job.Job) error {
		var p deliveryJob
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			return job.Permanent(err)
		}
		d, m, err := n.store.delivery(ctx, p.Delivery)
		if err != nil || d.State == "delivered" || d.State == "failed" {
			return err
		}
		c, err := n.unseal(ctx, m)
		if errs.KindOf(err) == errs.Gone { // the person's key was destroyed: there is nothing left to say
			return n.store.move(ctx, d.ID, outcome{"failed", errs.CodeOf(err), "", n.d.Clock.Now()})
		}
		if err != nil {
			return err
		}
		to, err := n.contact(ctx, d.Channel, c)
		if err == nil {
			var ref string
			ref, err = send(ctx, m, c, to)
			if err == nil {
				return n.store.move(ctx, d.ID, outcome{"delivered", "", ref, n.d.Clock.Now()})
			}
		}
		if k := errs.KindOf(err); k == errs.Invalid || k == errs.NotFound {
			return n.store.move(ctx, d.ID, outcome{"failed", errs.CodeOf(err), "", n.d.Clock.Now()})
		}
		if moveErr := n.store.move(ctx, d.ID, outcome{"sending", errs.CodeOf(err), "", n.d.Clock.Now()}); moveErr != nil {
			return moveErr
		}
		return err
	}
}

// contact says where a message goes on a channel: where its sender said, else
// where the person can be reached.
func (n *Notify) contact(ctx context.Context, channel string, c content) (Contact, error) {
	if c.Contact != nil && (channel == Email && c.Contact.Email != "" || channel == SMS && c.Contact.Phone != "") {
		return *c.Contact, nil
	}
	return n.d.Contacts.Contact(ctx, c.Number)
}

func (n *Notify) sendSMS(ctx context.Context, m stored, c content, to Contact) (string, error) {
	if to.Phone == "" {
		return "", errs.New(errs.Invalid, "notify.no_phone")
	}
	text := c.SMS
	if text.IsZero() {
		text = c.Subject
	}
	return n.sms.SendSMS(ctx, m.ID, to.Phone, text.In(to.Lang))
}

func (n *Notify) sendEmail(ctx context.Context, m stored, c content, to Contact) (string, error) {
	if to.Email == "" {
		return "", errs.New(errs.Invalid, "notify.no_email")
	}
	return n.mail.send(ctx, email{
		ID: m.ID, To: to.Email, Name: to.Name, Lang: to.Lang, Subject: c.Subject.In(to.Lang), Body: c.Body.In(to.Lang),
		Link: link(n.d.Origin, m.Link), Sender: n.d.Sender.In(to.Lang), At: m.Created,
	})
}

func link(origin, path string) string {
	if path == "" {
		return ""
	}
	return origin + path
}

// Inbox lists the caller's messages, newest first, at most 100.
func (n *Notify) Inbox(ctx context.Context) ([]Stored, error) {
	p := auth.From(ctx)
	if !p.IsPerson() {
		return nil, errs.New(errs.Forbidden, "notify.not_yours")
	}
	rows, err := n.store.inbox(ctx, n.d.Keys.Pseudonym(p.Number))
	if err != nil {
		return nil, err
	}
	out := make([]Stored, 0, len(rows))
	for _, r := range rows {
		c, err := n.unseal(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, r.show(c))
	}
	return out, nil
}

// Read gives the caller one of their messages and marks it read. Anybody
// else's is not found.
func (n *Notify) Read(ctx context.Context, messageID string) (Stored, error) {
	p := auth.From(ctx)
	r, err := n.store.message(ctx, messageID)
	if err != nil {
		return Stored{}, err
	}
	if !p.IsPerson() || !r.Inbox || n.d.Keys.Pseudonym(p.Number) != r.Subject {
		return Stored{}, errs.New(errs.NotFound, "notify.not_found")
	}
	c, err := n.unseal(ctx, r)
	if err != nil {
		return Stored{}, err
	}
	if r.ReadAt.IsZero() {
		if err := n.store.markRead(ctx, r.ID, n.d.Clock.Now()); err != nil {
			return Stored{}, err
		}
	}
	s := r.show(c)
	s.Deliveries, err = n.store.deliveries(ctx, r.ID)
	return s, err
}

// Unread counts the unread messages of the person with this number.
func (n *Notify) Unread(ctx context.Context, number string) (int, error) {
	return n.store.unread(ctx, n.d.Keys.Pseudonym(number))
}

// States counts deliveries by channel and state, for operators and tests.
func (n *Notify) States(ctx context.Context) (map[string]int, error) { return n.store.states(ctx) }

func (n *Notify) seal(ctx context.Context, subject, id string, c content) (string, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	sealed, err := n.d.Keys.Seal(ctx, subject, plain, []byte(id))
	return base64.StdEncoding.EncodeToString(sealed), err
}

func (n *Notify) unseal(ctx context.Context, m stored) (c content, err error) {
	sealed, err := base64.StdEncoding.DecodeString(m.Content)
	if err != nil {
		return c, err
	}
	plain, err := n.d.Keys.Unseal(ctx, m.Subject, sealed, []byte(m.ID))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(plain, &c)
}
