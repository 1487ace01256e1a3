package ledger

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// maxConsistency is the longest proof that c2sp.org/tlog-witness lets a log send.
const maxConsistency = 63

// Watched is a log of somebody else that a witness knows.
type Watched struct {
	Origin string // the first line of its checkpoints
	VKey   string // one of the keys that it signs them with
}

// WitnessDeps is what a witness stands on.
type WitnessDeps struct {
	DB    *db.DB
	Clock clock.Clock
	Log   *slog.Logger
	// Name is a URL without scheme, whose path is where the witness answers: "dinh.gov.vn/witness".
	Name string
	// Key is Ed25519, and cosigns for this witness and nobody else.
	Key crypto.Signer
	// Logs may name one origin several times, while its log changes keys.
	Logs []Watched
	// Listed gives the verifier key of a log that Logs does not name, "" for none: a
	// list of logs that grows while the witness runs. May be nil.
	Listed func(origin string) string
}

// Witness cosigns the checkpoints of other logs after c2sp.org/tlog-witness. For each log it
// remembers, durably and before it answers, the newest tree that it cosigned, and it cosigns only
// what continues that tree: a log cannot show one history to some and another to others.
type Witness struct {
	db      *db.DB
	log     *slog.Logger
	clock   clock.Clock
	key     *cosigner
	vkey    string
	logs    map[string][]note.Verifier
	listed  func(string) string
	answers *prometheus.CounterVec
}

// NewWitness returns a witness over tables that exist already. It refuses keys that it cannot read.
func NewWitness(d WitnessDeps) (*Witness, error) {
	if d.DB == nil || d.Clock == nil || d.Key == nil {
		return nil, fmt.Errorf("ledger: WitnessDeps needs DB, Clock and Key")
	}
	w := &Witness{db: d.DB, log: d.Log, clock: d.Clock, logs: make(map[string][]note.Verifier), listed: d.Listed}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if w.key, w.vkey, err = newCosigner(d.Name, d.Key, d.Clock); err != nil {
		return nil, err
	}
	for _, l := range d.Logs {
		v, err := note.NewVerifier(l.VKey)
		if err != nil || l.Origin == "" {
			return nil, fmt.Errorf("ledger: the witness needs an origin and a verifier key of the log %q: %w", l.Origin, err)
		}
		w.logs[l.Origin] = append(w.logs[l.Origin], v)
	}
	w.answers = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dinh_witness_answers_total",
		Help: "Checkpoints of other logs that were cosigned or refused; any under split_view is an alarm.",
	}, []string{"log", "answer"})
	return w, nil
}

// VKey is the witness's verifier key, of type 0x04, which logs and their readers are told.
func (w *Witness) VKey() string { return w.vkey }

// Figures counts answers for each log that the witness knows.
func (w *Witness) Figures() prometheus.Collector { return w.answers }

// Cosign answers an add-checkpoint request with the witness's signature line. What it refuses:
// "ledger.witness_request" (malformed), "ledger.witness_unknown_log", "ledger.witness_wrong_key",
// "ledger.witness_stale" (the witness knows another tree; see Size), "ledger.witness_split_view" and,
// naming the field proof, "ledger.witness_wrong_proof".
func (w *Witness) Cosign(ctx context.Context, request []byte) ([]byte, error) {
	req, err := parseRequest(request)
	if err != nil {
		return nil, err
	}
	keys := w.known(req.origin)
	if len(keys) == 0 {
		return nil, errs.New(errs.NotFound, "ledger.witness_unknown_log")
	}
	line, err := w.cosign(ctx, req, keys)
	answer := "cosigned"
	if err != nil {
		answer = strings.TrimPrefix(errs.CodeOf(err), "ledger.witness_")
	}
	w.answers.WithLabelValues(req.origin, answer).Inc()
	if answer == "split_view" || answer == "wrong_proof" {
		// The signed checkpoint is the evidence; it holds nothing personal.
		w.log.ErrorContext(ctx, "ledger: a log showed a tree that does not continue the one it showed before", "log", req.origin, "old", req.old, "checkpoint", string(req.signed))
	}
	return line, err
}

// known gives the keys of a log that this is a witness of.
func (w *Witness) known(origin string) []note.Verifier {
	if keys := w.logs[origin]; len(keys) > 0 || w.listed == nil {
		return keys
	}
	v, err := note.NewVerifier(w.listed(origin))
	if err != nil {
		return nil
	}
	return []note.Verifier{v}
}

func (w *Witness) cosign(ctx context.Context, req request, keys []note.Verifier) (line []byte, err error) {
	if _, err := note.Open(req.signed, note.VerifierList(keys...)); err != nil {
		return nil, errs.New(errs.Forbidden, "ledger.witness_wrong_key", "origin", req.origin).Wrap(err)
	}
	if req.old > req.tree.N {
		return nil, badRequest("the old size is above that of the checkpoint")
	}
	err = w.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		known, err := readWitnessed(ctx, q, req.origin)
		if err != nil {
			return err
		}
		if err := req.continues(known); err != nil {
			return err
		}
		if line, err = w.key.line(req.text); err != nil {
			return err
		}
		return writeWitnessed(ctx, q, witnessed{req.origin, req.tree, req.signed}, db.Micros(w.clock.Now()))
	})
	return line, err
}

// Size is the size of the newest tree of a log that was cosigned; 0 before the first.
func (w *Witness) Size(ctx context.Context, origin string) (n int64, err error) {
	err = w.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		tree, err := readWitnessed(ctx, q, origin)
		n = tree.N
		return err
	})
	return n, err
}

// request is a parsed add-checkpoint request.
type request struct {
	old    int64
	proof  tlog.TreeProof
	signed []byte // the checkpoint with its signatures
	text   string // and without
	origin string
	tree   tlog.Tree
}

// continues refuses a tree that is not the known one or grown out of it.
func (r request) continues(known tlog.Tree) error {
	switch {
	case r.old != known.N:
		return errs.New(errs.Conflict, "ledger.witness_stale", "size", known.N)
	case r.tree.N == known.N && r.tree.Hash != known.Hash:
		return errs.New(errs.Conflict, "ledger.witness_split_view", "origin", r.origin, "size", known.N)
	}
	if err := CheckConsistency(r.proof, known, r.tree); err != nil {
		return errs.New(errs.Invalid, "ledger.witness_wrong_proof", "old", known.N, "new", r.tree.N).Wrap(err).
			With(errs.NewField("proof", "ledger.witness_wrong_proof", "old", known.N, "new", r.tree.N))
	}
	return nil
}

// parseRequest reads the format strictly. It trusts nothing yet: no signature is looked at.
func parseRequest(body []byte) (request, error) {
	head, signed, ok := strings.Cut(string(body), "\n\n")
	if !ok || len(body) > maxNote {
		return request{}, badRequest("no empty line before the checkpoint, or too long")
	}
	r := request{signed: []byte(signed)}
	lines := strings.Split(head, "\n")
	size, found := strings.CutPrefix(lines[0], "old ")
	if r.old, ok = decimal(size); !ok || !found {
		return request{}, badRequest("the first line must be old and a size")
	}
	if len(lines)-1 > maxConsistency {
		return request{}, badRequest("more than 63 hashes")
	}
	for _, line := range lines[1:] {
		h, ok := strictHash(line)
		if !ok {
			return request{}, badRequest("a proof line is not a base64 SHA-256 hash")
		}
		r.proof = append(r.proof, h)
	}
	_, err := note.Open(r.signed, note.VerifierList()) // for its form: nobody is trusted
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return request{}, badRequest("the checkpoint is not a signed note")
	}
	r.text = unverified.Note.Text
	if r.origin, r.tree, ok = parseCheckpoint(r.text); !ok {
		return request{}, badRequest("the checkpoint is not origin, size and root hash")
	}
	return r, nil
}

func badRequest(why string) error {
	return errs.New(errs.Invalid, "ledger.witness_request", "why", why)
}
