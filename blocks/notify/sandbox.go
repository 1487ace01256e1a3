package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"
)

// sandboxSMS is a carrier for trying things out: it keeps what it was given,
// sealed, for the development mailbox.
type sandboxSMS struct{ n *Notify }

type sandboxRow struct {
	Key, Content string
	At           time.Time
}

type smsContent struct {
	Phone string `json:"phone"`
	Text  string `json:"text"`
}

const sandboxSubject = "notify-sandbox"

// SendSMS implements SMSProvider.
func (s *sandboxSMS) SendSMS(ctx context.Context, key, phone, text string) (string, error) {
	plain, err := json.Marshal(smsContent{Phone: phone, Text: text})
	if err != nil {
		return "", err
	}
	sealed, err := s.n.d.Keys.Seal(ctx, sandboxSubject, plain, []byte(key))
	if err != nil {
		return "", err
	}
	return "sandbox/" + key, s.n.store.insertSandboxSMS(ctx, key, base64.StdEncoding.EncodeToString(sealed), s.n.d.Clock.Now())
}

// SandboxSMS lists the texts that the sandbox carrier holds, newest first.
func (n *Notify) SandboxSMS(ctx context.Context, limit int) ([]SandboxText, error) {
	rows, err := n.store.sandboxSMS(ctx, limit)
	if err != nil {
		return nil, err
	}
	var out []SandboxText
	for _, r := range rows {
		sealed, err := base64.StdEncoding.DecodeString(r.Content)
		if err != nil {
			return nil, err
		}
		plain, err := n.d.Keys.Unseal(ctx, sandboxSubject, sealed, []byte(r.Key))
		if err != nil {
			return nil, err
		}
		var c smsContent
		if err := json.Unmarshal(plain, &c); err != nil {
			return nil, err
		}
		out = append(out, SandboxText{At: r.At, Phone: c.Phone, Text: c.Text})
	}
	return out, nil
}

// SandboxText is a text message that went to the sandbox.
type SandboxText struct {
	At          time.Time
	Phone, Text string
}
