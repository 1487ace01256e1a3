package notify

import (
	"context"
	"errors"
	"fmt"
	"html/template"
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

var mailTemplate = template.Must(template.New("mail").Parse(`<!DOCTYPE html><html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title></head>
<body style="margin:0;background:#f6f3ee;font-family:'Be Vietnam Pro',Arial,sans-serif;color:#1d1d1b">
<div style="max-width:560px;margin:0 auto;padding:24px 16px"><div style="border-top:6px solid #0a4a46;background:#fff;padding:28px 28px 20px;border-radius:0 0 8px 8px">
<h1 style="font-size:20px;line-height:1.35;margin:0 0 16px">{{.Subject}}</h1>
{{range .Paragraphs}}<p style="font-size:16px;line-height:1.55;margin:0 0 14px">{{.}}</p>
{{end}}{{if .Link}}<p style="margin:22px 0 8px"><a href="{{.Link}}" style="background:#0a4a46;color:#fff;text-decoration:none;padding:12px 20px;border-radius:6px;font-weight:600;display:inline-block">{{.Action}}</a></p>{{end}}
</div><p style="font-size:13px;color:#5c5a55;margin:16px 4px">{{.Sender}}</p></div></body></html>`))

func htmlBody(e email) (string, error) {
	action := "Xem chi tiết"
	if e.Lang == i18n.EN {
		action = "See the details"
	}
	var b strings.Builder
	err := mailTemplate.Execute(&b, struct {
		email
		Paragraphs []string
		Action     string
	}{e, strings.Split(strings.TrimSpace(e.Body), "\n\n"), action})
	return b.String(), err
}
