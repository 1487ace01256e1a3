package notify

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/dinh-gov/dinh/kernel/clock"
)

const mailboxSize = 500 // e-mails that the development mailbox keeps

// Mailbox is a real SMTP server that keeps what it receives in memory, for
// trying things out: where no other server is configured, e-mails go here and
// /dev/mail shows them.
type Mailbox struct {
	clock  clock.Clock
	server *smtp.Server
	lis    net.Listener

	mu       sync.Mutex
	received []Received
	total    int
}

// Received is an e-mail in the development mailbox.
type Received struct {
	At                         time.Time
	MessageID, From, To        string
	Subject, Text, ContentLang string
}

// OpenMailbox listens on a free port of the loopback interface until ctx ends.
func OpenMailbox(ctx context.Context, c clock.Clock) (*Mailbox, error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &Mailbox{clock: c, lis: lis}
	m.server = smtp.NewServer(m)
	m.server.Domain, m.server.MaxMessageBytes, m.server.ReadTimeout, m.server.WriteTimeout = "localhost", 10<<20, time.Minute, time.Minute
	m.server.AllowInsecureAuth = true
	go func() { _ = m.server.Serve(lis) }() // ends when the listener closes
	context.AfterFunc(ctx, func() { _ = m.server.Close() })
	return m, nil
}

// Config is how notify reaches the mailbox.
func (m *Mailbox) Config() MailConfig {
	return MailConfig{Host: "127.0.0.1", Port: m.lis.Addr().(*net.TCPAddr).Port, From: "khong-tra-loi@dinh.example", FromName: "Đình", TLS: "none"}
}

// Received lists what came in, newest first.
func (m *Mailbox) Received() []Received {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Received, 0, len(m.received))
	for i := len(m.received) - 1; i >= 0; i-- {
		out = append(out, m.received[i])
	}
	return out
}

// Total counts what came in, also what is no longer kept.
func (m *Mailbox) Total() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// NewSession implements smtp.Backend.
func (m *Mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: m}, nil }

type mailSession struct {
	box  *Mailbox
	from string
	to   []string
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	msg, err := mail.ReadMessage(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: "not an e-mail"}
	}
	dec := new(mime.WordDecoder)
	subject, err := dec.DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		subject = msg.Header.Get("Subject")
	}
	text, err := plainPart(msg)
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: "unreadable body"}
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.total++
	s.box.received = append(s.box.received, Received{
		At: s.box.clock.Now(), MessageID: msg.Header.Get("Message-Id"), From: s.from, To: strings.Join(s.to, ", "),
		Subject: subject, Text: text, ContentLang: msg.Header.Get("Content-Language"),
	})
	if len(s.box.received) > mailboxSize {
		s.box.received = append([]Received(nil), s.box.received[len(s.box.received)-mailboxSize:]...)
	}
	return nil
}

// Reset implements smtp.Session.
func (s *mailSession) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *mailSession) Logout() error { return nil }

// plainPart finds the text/plain part of an e-mail.
func plainPart(msg *mail.Message) (string, error) {
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		b, err := io.ReadAll(decoded(msg.Body, msg.Header.Get("Content-Transfer-Encoding")))
		return string(b), err
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			b, err := io.ReadAll(decoded(part, part.Header.Get("Content-Transfer-Encoding")))
			return string(b), err
		}
	}
}

func decoded(r io.Reader, encoding string) io.Reader {
	if strings.EqualFold(encoding, "quoted-printable") {
		return quotedprintable.NewReader(r)
	}
	return r
}
