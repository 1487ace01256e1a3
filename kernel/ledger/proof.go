package ledger

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	proofHeader = "c2sp.org/tlog-proof@v1"
	maxProof    = 1 << 20 // far above 64 hashes, a few cosignatures and extra data
	maxPath     = 64      // a tree of 2^63 leaves has no longer audit path
)

// proof is a parsed c2sp.org/tlog-proof@v1.
type proof struct {
	Extra      []byte // not authenticated: never trust it
	Index      int64
	Path       tlog.RecordProof
	Checkpoint []byte
}

func formatProof(p proof) []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader + "\n")
	if len(p.Extra) > 0 {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Extra) + "\n")
	}
	b.WriteString("index " + strconv.FormatInt(p.Index, 10) + "\n")
	for _, h := range p.Path {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// parseProof reads the format strictly: there is exactly one spelling of a proof, so that a changed
// byte can never go unnoticed.
func parseProof(data []byte) (proof, error) {
	var p proof
	if len(data) > maxProof {
		return p, malformed("longer than 1 MiB")
	}
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	if !ok {
		return p, malformed("no empty line before the checkpoint")
	}
	lines := strings.Split(head, "\n")
	if lines[0] != proofHeader {
		return p, malformed("the first line must be " + proofHeader)
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		extra, ok := strictBase64(strings.TrimPrefix(lines[0], "extra "))
		if !ok || len(extra) == 0 {
			return p, malformed("the extra line is not base64")
		}
		p.Extra, lines = extra, lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return p, malformed("no index line")
	}
	if p.Index, ok = decimal(strings.TrimPrefix(lines[0], "index ")); !ok {
		return p, malformed("the index is not a plain decimal number")
	}
	if len(lines)-1 > maxPath {
		return p, malformed("more than 64 hashes")
	}
	for _, line := range lines[1:] {
		h, ok := strictHash(line)
		if !ok {
			return p, malformed("a proof line is not a base64 SHA-256 hash")
		}
		p.Path = append(p.Path, h)
	}
	p.Checkpoint = []byte(checkpoint)
	return p, nil
}

// VerifyProof says whether a receipt proves that the leaf is in the log of the verifier key. It
// needs no database and no network. Errors are errs.Invalid: "ledger.proof_malformed" (not a
// receipt), "ledger.proof_wrong_log" (no valid signature of this key over a checkpoint of its
// origin), "ledger.proof_wrong_leaf" (the receipt is for other data), "ledger.key_malformed".
func VerifyProof(proof, leaf []byte, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return errs.New(errs.Invalid, "ledger.key_malformed").Wrap(err)
	}
	p, err := parseProof(proof)
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(p.Checkpoint, verifier)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(p.Path, tree.N, tree.Hash, p.Index, tlog.RecordHash(leaf)); err != nil {
		return errs.New(errs.Invalid, "ledger.proof_wrong_leaf", "index", p.Index, "size", tree.N).Wrap(err)
	}
	return nil
}

// OpenCheckpoint verifies a signed checkpoint against a verifier key and returns the tree it vouches
// for. Errors are those of VerifyProof.
func OpenCheckpoint(signed []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, errs.New(errs.Invalid, "ledger.key_malformed").Wrap(err)
	}
	return openCheckpoint(signed, verifier)
}

// CheckConsistency says whether the proof shows that older is the beginning of newer: no leaf was
// changed, moved or removed in between.
func CheckConsistency(p tlog.TreeProof, older, newer tlog.Tree) error {
	bad := func(cause error) error {
		return errs.New(errs.Invalid, "ledger.not_consistent", "old", older.N, "new", newer.N).Wrap(cause)
	}
	switch {
	case older.N > newer.N, older.N == newer.N && older.Hash != newer.Hash, older.N == 0 && older.Hash != emptyRoot():
		return bad(nil)
	case older.N == 0, older.N == newer.N:
		if len(p) > 0 {
			return bad(nil)
		}
		return nil
	}
	if err := tlog.CheckTree(p, newer.N, newer.Hash, older.N, older.Hash); err != nil {
		return bad(err)
	}
	return nil
}

func openCheckpoint(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, errs.New(errs.Invalid, "ledger.proof_wrong_log", "origin", verifier.Name()).Wrap(err)
	}
	for _, s := range n.Sigs {
		// note.Open takes base64 whose spare bits are set: two spellings of one signature.
		if _, ok := strictBase64(s.Base64); !ok {
			return tlog.Tree{}, malformed("the signature is not canonical base64")
		}
	}
	origin, tree, ok := parseCheckpoint(n.Text)
	if !ok {
		return tlog.Tree{}, malformed("the checkpoint is not origin, size and root hash")
	}
	if origin != verifier.Name() {
		return tlog.Tree{}, errs.New(errs.Invalid, "ledger.proof_wrong_log", "origin", verifier.Name())
	}
	return tree, nil
}

// parseCheckpoint reads the text of a tlog-checkpoint; lines after the third are extensions, which
// the signature covers and we do not use.
func parseCheckpoint(text string) (origin string, tree tlog.Tree, ok bool) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 || lines[0] == "" {
		return "", tlog.Tree{}, false
	}
	size, okSize := decimal(lines[1])
	root, okRoot := strictHash(lines[2])
	return lines[0], tlog.Tree{N: size, Hash: root}, okSize && okRoot
}

func formatCheckpoint(origin string, tree tlog.Tree) string {
	return origin + "\n" + strconv.FormatInt(tree.N, 10) + "\n" + tree.Hash.String() + "\n"
}

// decimal reads a non-negative number with no sign, space or leading zero.
func decimal(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == s
}

func strictHash(s string) (h tlog.Hash, ok bool) {
	b, ok := strictBase64(s)
	if !ok || len(b) != tlog.HashSize {
		return h, false
	}
	copy(h[:], b)
	return h, true
}

// strictBase64 takes only the one canonical spelling: the decoder alone would skip line breaks.
func strictBase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, false
	}
	return b, true
}

func malformed(why string) error {
	return errs.New(errs.Invalid, "ledger.proof_malformed", "why", why)
}
