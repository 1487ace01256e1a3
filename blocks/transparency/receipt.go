package transparency

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// ReceiptFormat is the first member of every receipt.
const ReceiptFormat = "dinh-receipt/v1"

const (
	maxReceipt = 256 << 10 // far above any event and 64 hashes
	keyLength  = 32
)

// receipt is the file; docs/receipts.md describes it. Event stands in it byte
// for byte as it was committed.
type receipt struct {
	Format   string          `json:"format"`
	Event    json.RawMessage `json:"event"`
	Key      string          `json:"key"`      // of the commitment, base64
	Leaf     string          `json:"leaf"`     // HMAC-SHA-256(key, event), base64
	Log      string          `json:"log"`      // the ledger's name
	Verifier string          `json:"verifier"` // its public key
	Proof    string          `json:"proof"`    // c2sp.org/tlog-proof@v1
}

// encode is the one spelling of a receipt: a member a line.
func (r receipt) encode() ([]byte, error) {
	var b bytes.Buffer
	sep := "{\n"
	for _, m := range []struct {
		name  string
		value any
	}{
		{"format", r.Format}, {"event", r.Event}, {"key", r.Key}, {"leaf", r.Leaf},
		{"log", r.Log}, {"verifier", r.Verifier}, {"proof", r.Proof},
	} {
		v, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.WriteString(sep + `"` + m.name + `": `)
		b.Write(v)
		sep = ",\n"
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}

// VerifyReceipt says whether a receipt proves that its event is in the ledger,
// and gives the event. It needs no database, no network and no clock. vkey is
// the ledger's verifier key, from a source that the reader trusts; when it is
// empty the receipt's own is used, which shows only that the receipt is whole,
// not whose log it is from.
//
// There is exactly one spelling of a receipt: any changed byte is an error.
// Errors are errs.TooLarge "transparency.receipt_too_large" and errs.Invalid
// "transparency.receipt_" with not_json, wrong_format, rewritten (the same
// content in other bytes), event_malformed, key_malformed, event_altered (event
// and key do not make the leaf), other_key (not the pinned verifier key),
// not_signed (no signature of that key), proof_malformed, not_in_log (the leaf is
// not where the proof says); "ledger.key_malformed" when vkey is none.
func VerifyReceipt(file []byte, vkey string) (exchange.Event, error) {
	r, err := parseReceipt(file)
	if err != nil {
		return exchange.Event{}, err
	}
	event, err := exchange.ParseCanonical(r.Event)
	if err != nil {
		return exchange.Event{}, invalid("event_malformed").Wrap(err)
	}
	leaf, err := r.commitment()
	if err != nil {
		return exchange.Event{}, err
	}
	if err := r.inLog(leaf, vkey); err != nil {
		return exchange.Event{}, err
	}
	return event, nil
}

// IsNoReceipt says of an error of VerifyReceipt that the file is something else
// than a receipt, so that nothing can be said of any.
func IsNoReceipt(err error) bool {
	e, ok := errs.As(err)
	return ok && slices.Contains([]string{"transparency.receipt_too_large", "transparency.receipt_not_json", "transparency.receipt_wrong_format"}, e.Code)
}

func parseReceipt(file []byte) (receipt, error) {
	var r receipt
	if len(file) > maxReceipt {
		return r, errs.New(errs.TooLarge, "transparency.receipt_too_large", "max", maxReceipt>>10)
	}
	if !json.Valid(file) {
		return r, invalid("not_json")
	}
	if err := json.Unmarshal(file, &r); err != nil || r.Format != ReceiptFormat {
		return r, errs.New(errs.Invalid, "transparency.receipt_wrong_format", "format", ReceiptFormat).Wrap(err)
	}
	if spelt, err := r.encode(); err != nil || !bytes.Equal(spelt, file) {
		return r, invalid("rewritten").Wrap(err)
	}
	return r, nil
}

// commitment recomputes the leaf and compares it with the one in the file.
func (r receipt) commitment() ([]byte, error) {
	key, ok := strictBase64(r.Key)
	if !ok || len(key) != keyLength {
		return nil, invalid("key_malformed")
	}
	leaf := ledger.Commit(key, r.Event)
	if base64.StdEncoding.EncodeToString(leaf) != r.Leaf {
		return nil, invalid("event_altered")
	}
	return leaf, nil
}

func (r receipt) inLog(leaf []byte, vkey string) error {
	if vkey == "" {
		vkey = r.Verifier
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil || !spelt(vkey, verifier) {
		return errs.New(errs.Invalid, "ledger.key_malformed").Wrap(err)
	}
	if r.Verifier != vkey || r.Log != verifier.Name() {
		return errs.New(errs.Invalid, "transparency.receipt_other_key", "log", verifier.Name())
	}
	err = ledger.VerifyProof([]byte(r.Proof), leaf, vkey)
	switch errs.CodeOf(err) {
	case "ledger.proof_malformed":
		return invalid("proof_malformed").Wrap(err)
	case "ledger.proof_wrong_log":
		return errs.New(errs.Invalid, "transparency.receipt_not_signed", "log", verifier.Name()).Wrap(err)
	case "ledger.proof_wrong_leaf":
		return invalid("not_in_log").Wrap(err)
	}
	return err
}

// spelt says whether a verifier key is written in the one usual way: the parser
// would also take the key id in capitals.
func spelt(vkey string, v note.Verifier) bool {
	key, ok := strings.CutPrefix(vkey, fmt.Sprintf("%s+%08x+", v.Name(), v.KeyHash()))
	if !ok {
		return false
	}
	_, ok = strictBase64(key)
	return ok
}

func invalid(what string) *errs.Error { return errs.New(errs.Invalid, "transparency.receipt_"+what) }

// strictBase64 takes only the one canonical spelling.
func strictBase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return b, err == nil && base64.StdEncoding.EncodeToString(b) == s
}

// makeReceipt writes the receipt of an event. The caller has checked who asks.
// Errors: errs.NotFound "exchange.no_event", errs.Gone "exchange.event_erased",
// errs.Unavailable "ledger.not_sealed_yet".
func (t *Transparency) makeReceipt(ctx context.Context, eventID string) ([]byte, error) {
	_, key, canonical, err := t.d.Events.Event(ctx, eventID)
	if err != nil {
		return nil, err
	}
	proof, err := t.d.Proofs.Proof(ctx, eventID)
	if err != nil {
		return nil, err
	}
	return receipt{
		Format: ReceiptFormat, Event: canonical, Key: base64.StdEncoding.EncodeToString(key),
		Leaf: base64.StdEncoding.EncodeToString(ledger.Commit(key, canonical)), Log: t.log, Verifier: t.d.VKey, Proof: string(proof),
	}.encode()
}
