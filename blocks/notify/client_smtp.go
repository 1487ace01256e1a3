package notify

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// MailConfig says which SMTP server takes e-mails.
type MailConfig struct {
	Host     string
	Port     int
	From     string // address
	FromName string
	User     string // empty: no authentication
	Password string
	TLS      string // starttls (default), implicit, none
}

type mailer struct {
	cfg    MailConfig
	domain string
}

type email struct {
	ID, To, Name, Subject, Body, Link, Sender string
	Lang                                      i18n.Lang
	At                                        time.Time
}

func newMailer(cfg MailConfig) (*mailer, error) {
	_, domain, ok := strings.Cut(cfg.From, "@")
	if !ok || cfg.Host == "" || cfg.Port == 0 {
		return nil, errors.New("notify: mail needs a host, a port and a from address, such as DINH_SMTP=smtp://host:25 and DINH_MAIL_FROM=no-reply@example.vn")
	}
	return &mailer{cfg: cfg, domain: domain}, nil
}

// send hands one e-mail to the server. Its Message-ID is made of the message's
// id, so that an e-mail that is sent again is the same e-mail.
func (m *mailer) send(ctx context.Context, e email) (string, error) {
	msg := mail.NewMsg()
	messageID := e.ID + "@" + m.domain
	err := errors.Join(msg.FromFormat(m.cfg.FromName, m.cfg.From), msg.AddToFormat(e.Name, e.To))
	if err != nil {
		return "", errs.New(errs.Invalid, "notify.address_invalid").Wrap(err)
	}
	msg.SetMessageIDWithValue(messageID)
	msg.SetDateWithValue(e.At)
	msg.Subject(e.Subject)
	msg.SetGenHeader(mail.HeaderContentLang, string(e.Lang))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, plainBody(e))
	html, err := htmlBody(e)
	if err != nil {
		return "", err
	}
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	client, err := m.client()
	if err != nil {
		return "", err
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return "", classify(err)
	}
	return messageID, nil
}

func (m *mailer) client() (*mail.Client, error) {
	opts := []mail.Option{mail.WithPort(m.cfg.Port), mail.WithTimeout(15 * time.Second), mail.WithHELO(m.domain)}
	switch m.cfg.TLS {
	case "none":
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	case "implicit":
		opts = append(opts, mail.WithSSL())
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.cfg.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.cfg.User), mail.WithPassword(m.cfg.Password))
	}
	return mail.NewClient(m.cfg.Host, opts...)
}

// classify tells refusals for good (5xx) from a server that is down. The
// server's words may hold the address, so only the code is passed on.
func classify(err error) error {
	var tp *textproto.Error
	if errors.As(err, &tp) && tp.Code >= 500 {
		return errs.New(errs.Invalid, "notify.refused", "status", tp.Code)
	}
	var send *mail.SendError
	if errors.As(err, &send) && !send.IsTemp() && send.ErrorCode() >= 500 {
		return errs.New(errs.Invalid, "notify.refused", "status", send.ErrorCode())
	}
	return errs.New(errs.Unavailable, "notify.server_down").Wrap(fmt.Errorf("%T", err))
}

func plainBody(e email) string {
	var b strings.Builder
	b.WriteString(e.Body + "\n")
	if e.Link != "" {
		b.WriteString("\n" + e.Link + "\n")
	}
	b.WriteString("\n-- \n" + e.Sender + "\n")
	return b.String()
}
