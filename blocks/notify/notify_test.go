package notify_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/notify"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/keys"
)

type book struct{}

func (book) Contact(_ context.Context, number string) (notify.Contact, error) {
	switch number {
	case "001":
		return notify.Contact{Name: "Nguyễn Thị Mai", Email: "mai@vidu.example", Phone: "0900000001", Lang: i18n.VI}, nil
	case "002":
		return notify.Contact{Name: "Nobody", Lang: i18n.EN}, nil
	}
	return notify.Contact{}, errs.New(errs.NotFound, "identity.person_not_found")
}

type carrier struct {
	down  atomic.Bool
	texts atomic.Int64
}

func (c *carrier) SendSMS(context.Context, string, string, string) (string, error) {
	if c.down.Load() {
		return "", errs.New(errs.Unavailable, "notify.server_down")
	}
	c.texts.Add(1)
	return "ref", nil
}

type house struct {
	*notify.Notify
	mail  *notify.Mailbox
	sms   *carrier
	jobs  *job.Queue
	clock *clock.Fake
	keys  *keys.Keys
}

func open(t testing.TB, mail notify.MailConfig) *house {
	t.Helper()
	h := &house{sms: &carrier{}, clock: clock.New(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))}
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "job", FS: job.Migrations()}, dbtest.Set{Name: "notify", FS: notify.Migrations()})
	var err error
	if h.keys, err = keys.Open(t.Context(), keys.Deps{DB: d, Clock: h.clock, Master: [32]byte{1}, Instance: "VN"}); err != nil {
		t.Fatal(err)
	}
	if h.mail, err = notify.OpenMailbox(t.Context(), h.clock); err != nil {
		t.Fatal(err)
	}
	if mail.Host == "" {
		mail = h.mail.Config()
	}
	h.jobs = job.New(job.Deps{DB: d, Clock: h.clock, Log: slog.New(slog.DiscardHandler)})
	h.Notify, err = notify.New(notify.Deps{DB: d, Clock: h.clock, Keys: h.keys, Jobs: h.jobs, Log: slog.New(slog.DiscardHandler), Contacts: book{}, Mail: mail, SMS: h.sms,
		Origin: "https://dichvucong.example", Sender: i18n.Text{VI: "Cổng dịch vụ công", EN: "Public services"}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func message(key, number string, channels ...string) notify.Message {
	return notify.Message{Key: key, Number: number, Channels: channels, Link: "/applications/1", Reference: "H1",
		Subject: i18n.Text{VI: "Bé đã có giấy khai sinh", EN: "Your baby has a birth certificate"},
		Body:    i18n.Text{VI: "Chúc mừng gia đình.\n\nGiấy tờ ở trang Giấy tờ của tôi.", EN: "Congratulations.\n\nSee My documents."}}
}

func as(number string) context.Context {
	return auth.With(context.Background(), auth.Principal{Account: "a", Number: number, Level: auth.Low})
}

func TestOneKeyIsOneMessage(t *testing.T) {
	t.Parallel()
	h := open(t, notify.MailConfig{})
	for range 3 {
		if err := h.Send(t.Context(), message("k", "001", notify.Inbox, notify.Email, notify.SMS)); err != nil {
			t.Fatal(err)
		}
		if err := h.jobs.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := h.mail.Received()
	if len(got) != 1 || h.sms.texts.Load() != 1 {
		t.Fatalf("%d e-mails, %d texts", len(got), h.sms.texts.Load())
	}
	if m := got[0]; m.Subject != "Bé đã có giấy khai sinh" || m.To != "mai@vidu.example" || !strings.Contains(m.Text, "https://dichvucong.example/applications/1") || m.ContentLang != "vi" {
		t.Errorf("the e-mail: %+v", m)
	}
	inbox, err := h.Inbox(as("001"))
	if err != nil || len(inbox) != 1 || inbox[0].Read {
		t.Fatalf("inbox: %+v %v", inbox, err)
	}
	if n, _ := h.Unread(t.Context(), "001"); n != 1 {
		t.Errorf("%d unread", n)
	}
	one, err := h.Read(as("001"), inbox[0].ID)
	if err != nil || fmt.Sprint(len(one.Deliveries)) != "3" {
		t.Errorf("reading: %+v %v", one, err)
	}
	if n, _ := h.Unread(t.Context(), "001"); n != 0 {
		t.Errorf("%d unread after reading", n)
	}
	for name, ctx := range map[string]context.Context{"a stranger": as("002"), "nobody": context.Background()} {
		if _, err := h.Read(ctx, inbox[0].ID); errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s read it: %v", name, err)
		}
	}
}

func TestWhoCannotBeReached(t *testing.T) {
	t.Parallel()
	h := open(t, notify.MailConfig{})
	if err := h.Send(t.Context(), message("k", "002", notify.Inbox, notify.Email, notify.SMS)); err != nil {
		t.Fatal(err)
	}
	if err := h.jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	states, err := h.States(t.Context())
	if err != nil || states["email/failed"] != 1 || states["sms/failed"] != 1 || states["inbox/delivered"] != 1 {
		t.Errorf("%v %v", states, err)
	}
	chosen := message("k2", "002", notify.Email)
	chosen.Contact = &notify.Contact{Email: "where-i-said@vidu.example", Lang: i18n.EN}
	if err := h.Send(t.Context(), chosen); err != nil {
		t.Fatal(err)
	}
	if err := h.jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.mail.Received(); len(got) != 1 || got[0].To != "where-i-said@vidu.example" || got[0].Subject != "Your baby has a birth certificate" {
		t.Errorf("%+v", got)
	}
}

func TestAProviderThatIsDownIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := open(t, notify.MailConfig{})
	h.sms.down.Store(true)
	if err := h.Send(t.Context(), message("k", "001", notify.SMS)); err != nil {
		t.Fatal(err)
	}
	if err := h.jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if states, _ := h.States(t.Context()); states["sms/sending"] != 1 {
		t.Fatalf("%v", states)
	}
	h.sms.down.Store(false)
	h.clock.Advance(2 * time.Hour)
	if err := h.jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if states, _ := h.States(t.Context()); states["sms/delivered"] != 1 {
		t.Errorf("%v", states)
	}
}

// TestForgottenPeople: once a person's key is destroyed, nothing more is sent
// to them and nothing of the message can be read.
func TestForgottenPeople(t *testing.T) {
	t.Parallel()
	h := open(t, notify.MailConfig{})
	if err := h.Send(t.Context(), message("k", "001", notify.Email)); err != nil {
		t.Fatal(err)
	}
	if err := h.keys.Destroy(t.Context(), h.keys.Pseudonym("001")); err != nil {
		t.Fatal(err)
	}
	if err := h.jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if states, _ := h.States(t.Context()); states["email/failed"] != 1 || len(h.mail.Received()) != 0 {
		t.Errorf("%v, %d e-mails", states, len(h.mail.Received()))
	}
}

func TestBadMessages(t *testing.T) {
	t.Parallel()
	h := open(t, notify.MailConfig{})
	for code, m := range map[string]notify.Message{
		"notify.key_missing":     message("", "001", notify.Email),
		"notify.channel_unknown": message("k", "001", "pigeon"),
		"notify.empty":           {Key: "k", Number: "001", Channels: []string{notify.Email}},
	} {
		if err := h.Send(t.Context(), m); errs.CodeOf(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	if states, _ := h.States(t.Context()); len(states) != 0 {
		t.Errorf("half-written: %v", states)
	}
}
