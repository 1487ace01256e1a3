package ledger

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	cosigned "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// algCosignature is the algorithm byte of a c2sp.org/tlog-cosignature with Ed25519.
const algCosignature = 4

// maxNote is far above a checkpoint with a hundred cosignatures.
const maxNote = 64 << 10

// cosigner signs checkpoints of others: cosignature/v1, which says when.
type cosigner struct {
	name  string
	hash  uint32
	key   crypto.Signer
	clock clock.Clock
}

func newCosigner(name string, key crypto.Signer, c clock.Clock) (*cosigner, string, error) {
	if _, err := NewSigner(name, key); err != nil { // the same rules for name and key
		return nil, "", err
	}
	public := append([]byte{algCosignature}, key.Public().(ed25519.PublicKey)...)
	s := &cosigner{name: name, hash: keyID(name, public), key: key, clock: c}
	return s, fmt.Sprintf("%s+%08x+%s", name, s.hash, base64.StdEncoding.EncodeToString(public)), nil
}

// line is the signature line for the text of a checkpoint.
func (s *cosigner) line(text string) ([]byte, error) {
	at := uint64(s.clock.Now().Unix())
	sig, err := s.key.Sign(rand.Reader, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text), crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	raw := binary.BigEndian.AppendUint32(nil, s.hash)
	raw = append(binary.BigEndian.AppendUint64(raw, at), sig...)
	return fmt.Appendf(nil, "— %s %s\n", s.name, base64.StdEncoding.EncodeToString(raw)), nil
}

// cosignature is one witness's word on one checkpoint.
type cosignature struct {
	line []byte
	at   time.Time
}

// readCosignature finds the witness's valid cosignature among what it answered for a checkpoint.
func readCosignature(signed, lines []byte, w note.Verifier) (cosignature, error) {
	if len(lines) > maxNote {
		return cosignature{}, fmt.Errorf("the answer is longer than any cosignature")
	}
	n, err := note.Open(append(bytes.Clone(signed), lines...), note.VerifierList(w))
	if err != nil {
		return cosignature{}, err
	}
	at, err := cosigned.CoSigV1Timestamp(n.Sigs[0])
	return cosignature{line: fmt.Appendf(nil, "— %s %s\n", n.Sigs[0].Name, n.Sigs[0].Base64), at: at}, err
}

// OpenCosigned is OpenCheckpoint for a tree head that so many of the witnesses, named by their
// verifier keys, have to have cosigned. A tree that is shown to everybody alike can be cosigned; of
// two that contradict each other, an honest witness cosigns one. Error: errs.Invalid
// "ledger.too_few_witnesses", and those of OpenCheckpoint.
func OpenCosigned(signed []byte, vkey string, witnesses []string, atLeast int) (tlog.Tree, error) {
	tree, err := OpenCheckpoint(signed, vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	seen := make(map[string]bool) // by key: one witness named twice is one
	for _, text := range witnesses {
		w, err := cosigned.NewVerifierForCosignatureV1(text)
		if err != nil {
			return tlog.Tree{}, errs.New(errs.Invalid, "ledger.key_malformed").Wrap(err)
		}
		if _, err := note.Open(signed, note.VerifierList(w)); err == nil {
			seen[fmt.Sprintf("%s+%08x", w.Name(), w.KeyHash())] = true
		}
	}
	if len(seen) < atLeast {
		return tlog.Tree{}, errs.New(errs.Invalid, "ledger.too_few_witnesses", "have", len(seen), "need", atLeast)
	}
	return tree, nil
}
