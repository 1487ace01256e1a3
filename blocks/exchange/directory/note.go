package directory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// header is the first line of the signed text: no other text that the same key
// may sign can be taken for a directory.
const header = "dinh-directory/1"

// MaxSigned bounds a signed directory: some ten thousand members.
const MaxSigned = 16 << 20

// Trust is what a reader pins: the instance it belongs to, and the verifier keys
// of the directory as signed notes write them. One signature by one of them is
// enough, so that the key can be changed: readers pin the next one beforehand.
type Trust struct {
	Instance string
	Keys     []string
}

func (t Trust) verifiers() (note.Verifiers, error) {
	all := make([]note.Verifier, 0, len(t.Keys))
	for _, k := range t.Keys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return nil, fmt.Errorf("directory: %q is no verifier key: %w", k, err)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("directory: pin at least one verifier key of the directory")
	}
	return note.VerifierList(all...), nil
}

// Sign gives the signed text of a document: the header, the document as one line
// of JSON, an empty line and the signatures. It refuses a document that Open
// would refuse.
func Sign(d Document, signers ...note.Signer) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	if len(signers) == 0 {
		return nil, fmt.Errorf("directory: nobody signs")
	}
	var b bytes.Buffer
	b.WriteString(header + "\n")
	enc := json.NewEncoder(&b) // ends the line
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: b.String()}, signers...)
	if err != nil {
		return nil, err
	}
	if len(signed) > MaxSigned {
		return nil, fmt.Errorf("directory: %d bytes are more than the %d that readers take", len(signed), MaxSigned)
	}
	return signed, nil
}

// Leaf is the entry of a signed directory in the ledger of its source. Whoever has
// the directory can make it and look for its hash in the log: a source that shows
// some a directory of their own has to log it where everybody sees it.
func Leaf(signed []byte) []byte {
	return []byte(header + " " + hashOf([]byte(textOf(signed)+"\n")))
}

// Open verifies a signed text and gives its document. seen is the newest version
// that the reader knows; an older one is refused. The refusals are errs.Invalid:
// "directory.not_signed" when no pinned key signed it or it is no signed text,
// "directory.not_readable" when what was signed makes no sense,
// "directory.other_instance", and "directory.older".
func Open(signed []byte, t Trust, seen int64) (Document, error) {
	verifiers, err := t.verifiers()
	if err != nil {
		return Document{}, err
	}
	if len(signed) > MaxSigned {
		return Document{}, errs.New(errs.Invalid, "directory.not_readable")
	}
	n, err := note.Open(signed, verifiers)
	if err != nil {
		return Document{}, errs.New(errs.Invalid, "directory.not_signed").Wrap(err)
	}
	d, err := read(n.Text)
	if err != nil {
		return Document{}, errs.New(errs.Invalid, "directory.not_readable").Wrap(err)
	}
	if d.Instance != t.Instance {
		return Document{}, errs.New(errs.Invalid, "directory.other_instance", "found", d.Instance, "instance", t.Instance)
	}
	if d.Version < seen {
		return Document{}, errs.New(errs.Invalid, "directory.older", "version", d.Version, "seen", seen)
	}
	return d, nil
}

// read takes unknown members of objects: newer sources may say more.
func read(text string) (d Document, err error) {
	first, line, _ := strings.Cut(text, "\n")
	if first != header {
		return d, fmt.Errorf("the first line is not %q", header)
	}
	line, rest, _ := strings.Cut(line, "\n")
	if rest != "" {
		return d, fmt.Errorf("there is more than one line of JSON")
	}
	if err := json.Unmarshal([]byte(line), &d); err != nil {
		return d, err
	}
	return d, d.check()
}
