package asic

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
)

// Format is the first member of every evidence.json.
const Format = "dinh-evidence/v1"

// The two kinds of containers that a message has.
const (
	Request  = "request"  // what was asked
	Response = "response" // what was asked and answered
)

const (
	nameRequest  = "request.txt"
	nameAnswer   = "answer.txt"
	nameEvidence = "evidence.json"
)

// statement is evidence.json: what the node says about the signed texts.
type statement struct {
	Format    string    `json:"format"`
	Kind      string    `json:"kind"`
	Instance  string    `json:"instance"`
	MessageID string    `json:"message_id"`
	At        time.Time `json:"at"` // when the exchange recorded it
	Request   signed    `json:"request"`
	Answer    *signed   `json:"answer,omitempty"`
	Ledger    string    `json:"ledger,omitempty"` // verifier key of the log
	Events    []commit  `json:"events,omitempty"`
}

// signed is a member's signature over one of the files.
type signed struct {
	File      string `json:"file"`
	Member    string `json:"member"`
	Key       jwk    `json:"key"`
	Signature string `json:"signature"` // base64: Ed25519, or the batch form of blocks/exchange
}

// jwk is an Ed25519 key as RFC 8037 writes it.
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Kid string `json:"kid"` // its RFC 7638 thumbprint
}

// commit is an access event's leaf in the ledger, with the proof that it is there.
type commit struct {
	Event string `json:"event"`
	Leaf  string `json:"leaf"`
	Proof string `json:"proof"` // the file
}

// contents are all that a container says before it is sealed.
type contents struct {
	statement
	request, answer string
	proofs          map[string][]byte // by name of the file
}

func proofName(event string) string { return "ledger/" + event + ".tlog-proof" }

// files are the sealed ones, in their order.
func (c contents) files() ([]file, error) {
	text, err := c.encode()
	if err != nil {
		return nil, err
	}
	out := []file{{nameRequest, mimeText, []byte(c.request)}}
	if c.Answer != nil {
		out = append(out, file{nameAnswer, mimeText, []byte(c.answer)})
	}
	out = append(out, file{nameEvidence, mimeJSON, text})
	for _, e := range c.Events {
		out = append(out, file{e.Proof, mimeText, c.proofs[e.Proof]})
	}
	return out, nil
}

func (s statement) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(s)
	return b.Bytes(), err
}

// readContents takes the contents out of the entries; false when they are not in
// a form of ours. Whether anything holds is another question.
func readContents(entries map[string][]byte) (c contents, ok bool) {
	if err := json.Unmarshal(entries[nameEvidence], &c.statement); err != nil || c.Format != Format {
		return c, false
	}
	if c.Kind == Response != (c.Answer != nil) || c.Kind != Request && c.Kind != Response || c.Request.File != nameRequest || c.Answer != nil && c.Answer.File != nameAnswer {
		return c, false
	}
	c.request, c.answer, c.proofs = string(entries[nameRequest]), string(entries[nameAnswer]), map[string][]byte{}
	event := regexp.MustCompile(`^[0-9a-f-]{1,64}$`)
	for _, e := range c.Events {
		if !event.MatchString(e.Event) || e.Proof != proofName(e.Event) || c.proofs[e.Proof] != nil {
			return c, false
		}
		c.proofs[e.Proof] = entries[e.Proof]
	}
	return c, true
}

// public is the key; false when it is none or does not have its own name.
func (k jwk) public() (ed25519.PublicKey, bool) {
	x, err := base64.RawURLEncoding.Strict().DecodeString(k.X)
	if err != nil || len(x) != ed25519.PublicKeySize || k.Kty != "OKP" || k.Crv != "Ed25519" {
		return nil, false
	}
	return x, directory.Thumbprint(x) == k.Kid
}

func newJWK(public ed25519.PublicKey, kid string) jwk {
	return jwk{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(public), kid}
}

// line is the value of a component in a signature base; false when it is not
// there exactly once.
func line(base, component string) (string, bool) {
	prefix := component + ": "
	found, n := "", 0
	for l := range strings.SplitSeq(base, "\n") {
		if v, ok := strings.CutPrefix(l, prefix); ok {
			found, n = v, n+1
		}
	}
	return found, n == 1
}

// lines are the components of a base that people read, in the order given,
// without the encoding that header values have.
func lines(base string, names ...string) []Line {
	var out []Line
	for _, name := range names {
		if value, ok := line(base, `"`+name+`"`); ok && value != "?" {
			if strings.HasPrefix(name, "x-") {
				value = unescaped(value)
			}
			out = append(out, Line{name, value})
		}
	}
	return out
}

// Line is a name and a value of a signed text.
type Line struct{ Name, Value string }
