package ledger

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	cosigned "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// witnessTimeout is how long one witness may take: others are asked meanwhile, and again later.
const witnessTimeout = 5 * time.Second

// WitnessAt is a witness of ours: where it answers and whom we believe.
type WitnessAt struct {
	URL  string       // what add-checkpoint is appended to: "https://toaan.gov.vn/witness"
	VKey string       // its verifier key
	HTTP *http.Client // nil: one with a limit of five seconds
}

// cosigningWitness is a WitnessAt, ready.
type cosigningWitness struct {
	url  string
	http *http.Client
	note.Verifier
}

func newCosigningWitness(at WitnessAt) (*cosigningWitness, error) {
	v, err := cosigned.NewVerifierForCosignatureV1(at.VKey)
	if err != nil || at.URL == "" {
		return nil, fmt.Errorf("ledger: the witness at %q needs its address and its verifier key: %w", at.URL, err)
	}
	w := &cosigningWitness{url: strings.TrimRight(at.URL, "/") + "/add-checkpoint", http: at.HTTP, Verifier: v}
	if w.http == nil {
		w.http = &http.Client{}
	}
	return w, nil
}

// staleError is the answer of a witness that knows another size than we thought.
type staleError int64

func (e staleError) Error() string { return fmt.Sprintf("the witness is at size %d", int64(e)) }

// ask sends a checkpoint that continues the tree of size old.
func (w *cosigningWitness) ask(ctx context.Context, old int64, proof tlog.TreeProof, signed []byte) (cosignature, error) {
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	body := fmt.Appendf(nil, "old %d\n", old)
	for _, h := range proof {
		body = append(body, h.String()+"\n"...)
	}
	body = append(append(body, '\n'), signed...)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return cosignature{}, err
	}
	res, err := w.http.Do(req)
	if err != nil {
		return cosignature{}, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxNote+1))
	if err != nil {
		return cosignature{}, err
	}
	if res.StatusCode == http.StatusConflict && res.Header.Get("Content-Type") == "text/x.tlog.size" {
		if size, ok := decimal(strings.TrimSuffix(string(answer), "\n")); ok {
			return cosignature{}, staleError(size)
		}
	}
	if res.StatusCode != http.StatusOK {
		return cosignature{}, fmt.Errorf("status %d", res.StatusCode)
	}
	return readCosignature(signed, answer, w)
}
