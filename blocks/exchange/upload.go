package exchange

import (
	"context"
	"io"
	"strconv"
	"sync"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// upload is a long body on its way to a provider, which may answer before it had
// all of it.
type upload struct {
	source io.ReadCloser
	body   *lastHeld

	mu      sync.Mutex
	over    bool // its end was seen, or it broke
	stopped bool // the answer came first: nothing more is read, and nothing is proven
}

func newUpload(source io.ReadCloser, promised int64, withLong bool, prove func(sums) error) *upload {
	u := &upload{source: source}
	u.body = newLastHeld(u, promised, withLong, prove)
	return u
}

// Read implements io.Reader for the body.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.source.Read(p)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return 0, io.ErrClosedPipe
	}
	u.over = u.over || err != nil
	return n, err
}

// stop ends an upload that is not over; false: it is.
func (u *upload) stop() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped = !u.over
	return u.stopped
}

// leave closes the source. Whoever carries a stopped one to the provider may still
// be waiting for its next bytes, and the answer shall not wait with them.
func (u *upload) leave() {
	if u.stopped {
		go u.source.Close()
		return
	}
	_ = u.source.Close()
}

// outcome is what became of the call that the upload belongs to. Before an answer
// passes the whole question must have come, and be proven. A refusal that was faster
// does not wait for it: it is an error, for what it answers was never proven.
func (u *upload) outcome(ctx context.Context, reply Reply, err error) error {
	if (err != nil || reply.Status >= 400) && u.stop() {
		if err == nil {
			err = answeredEarly(reply)
		}
		return err
	}
	if berr := u.body.settled(ctx); berr != nil {
		return bodyError(berr)
	}
	return err
}

const (
	codeEarly  = "exchange.answered_early"
	maxProblem = 8 << 10 // of a refusal's document
)

// answeredEarly is a refusal that came before the end of its question: its status,
// and what a problem document says.
func answeredEarly(r Reply) error {
	problem := keepProblem(r.Body)
	if len(problem) > maxProblem {
		problem = nil
	}
	kind := errs.Invalid
	switch r.Status {
	case 401, 403:
		kind = errs.Forbidden
	case 404:
		kind = errs.NotFound
	case 409:
		kind = errs.Conflict
	case 410:
		kind = errs.Gone
	case 413:
		kind = errs.TooLarge
	case 429:
		kind = errs.TooMany
	}
	if r.Status >= 500 {
		kind = errs.Unavailable
	}
	return errs.New(kind, codeEarly, "status", strconv.Itoa(r.Status), "problem", string(problem))
}

// early gives what answeredEarly kept; the error may come from another node.
func early(err error) (status int, problem []byte, ok bool) {
	e, coded := errs.As(err)
	if !coded || e.Code != codeEarly {
		return 0, nil, false
	}
	text, _ := e.Args["status"].(string)
	if status, err = strconv.Atoi(text); err != nil || status < 400 || status > 599 {
		status = 502
	}
	text, _ = e.Args["problem"].(string)
	return status, keepProblem([]byte(text)), true
}
