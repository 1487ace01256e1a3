package exchange

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Beside is what stands on X-Road's addresses without being X-Road's. Each may
// be nil.
type Beside struct {
	// Route gives the handler of a request under /r1/ that speaks another protocol,
	// nil for all others. The caller is in the context, or nobody is; the handler
	// writes its own errors.
	Route func(*http.Request) httpx.Handler
	// Client gives whose address a request of Route is for, where nobody else may ask:
	// who comes without a key need not say it again.
	Client func(*http.Request) (SubsystemID, bool)
	// Later takes calls whose client prefers not to wait (RFC 7240, respond-async).
	// Without it they are answered at once.
	Later Later
	// Tokens reads the access tokens of clients without an API key.
	Tokens Tokens
}

// Later keeps a call and makes it later, with Call.
type Later interface {
	// Accept makes the call durable and gives the address of its state, the same one
	// when the same call comes again.
	Accept(ctx context.Context, c LateCall) (location string, err error)
}

// LateCall is a call that the exchange has admitted: its purpose and legal basis
// are those of the grant it rests on, if that is here. The grant is asked again
// when the call is made.
type LateCall struct {
	Call Call
	Push bool // the answer goes to the client's webhook
	Here bool // the service is offered here
}

// Join puts b beside X-Road's protocol; called by app at the start, before
// requests come.
func (x *Exchange) Join(b Beside) { x.beside, x.tokens = b, b.Tokens }

// aside is the handler of a request that is not X-Road's.
func (x *Exchange) aside(r *http.Request) httpx.Handler {
	if x.beside.Route == nil {
		return nil
	}
	return x.beside.Route(r)
}

// claimedAside is the client that a request which is not X-Road's says it is; zero
// when it does not say it well.
func (x *Exchange) claimedAside(r *http.Request) SubsystemID {
	if x.aside(r) == nil {
		return SubsystemID{}
	}
	if named := r.Header.Get("X-GovStack-Client"); named != "" {
		s, _ := parseEncodedSubsystem(named)
		return s
	}
	if x.beside.Client == nil {
		return SubsystemID{}
	}
	s, _ := x.beside.Client(r)
	return s
}

// prefersAsync reads Prefer: "respond-async" or "respond-async; push".
func prefersAsync(h http.Header) (async, push bool) {
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			parts := strings.Split(preference, ";")
			if !strings.EqualFold(strings.TrimSpace(parts[0]), "respond-async") {
				continue
			}
			async = true
			for _, p := range parts[1:] {
				name, _, _ := strings.Cut(p, "=")
				push = push || strings.EqualFold(strings.TrimSpace(name), "push")
			}
		}
	}
	return async, push
}

// mayWait says whether the answer to a call may lie here for its client. One that
// needs somebody's consent may not: it could be fetched after the consent ended.
// Then the preference is not followed, as RFC 7240 allows.
func (x *Exchange) mayWait(ctx context.Context, a *ask) bool {
	if x.beside.Later == nil {
		return false
	}
	r, err := x.freshen(ctx)
	return err == nil && !slices.ContainsFunc(r.grants[pair{a.Client, a.Service}], func(g *Grant) bool { return g.Consent })
}

// serveLater accepts a call that is made later.
func (x *Exchange) serveLater(w http.ResponseWriter, r *http.Request, a *ask, push bool) error {
	location, err := x.acceptLater(r.Context(), a, push)
	if err != nil {
		x.writeFault(w, r, err, a)
		return nil
	}
	body, err := json.Marshal(map[string]string{"status": "accepted", "location": location})
	if err != nil {
		return err
	}
	h := w.Header()
	x.xroadHeaders(w, a)
	h.Set("Content-Type", "application/json")
	h.Set("Location", location)
	h.Set("Preference-Applied", "respond-async")
	h.Set("Retry-After", "1")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(body)
	return nil
}

// acceptLater judges a call as if it were made now, so that a refusal does not
// wait, and hands it on. What is offered elsewhere is judged there.
func (x *Exchange) acceptLater(ctx context.Context, a *ask, push bool) (string, error) {
	x.identify(a, x.clock.Now())
	here, err := x.settleLater(ctx, a)
	if err != nil {
		return "", x.refuse(ctx, a, err)
	}
	return x.beside.Later.Accept(ctx, LateCall{Call: a.Call, Push: push, Here: here})
}

// settleLater checks a call, holds its body and fills in what its grant says.
func (x *Exchange) settleLater(ctx context.Context, a *ask) (here bool, err error) {
	if err := a.prepare(); err != nil {
		return false, err
	}
	if a.stream != nil {
		body, whole, err := held(a.stream, maxBody)
		if err != nil {
			return false, errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
		}
		if !whole {
			return false, errs.New(errs.TooLarge, "exchange.body_too_large", "max", maxBody)
		}
		a.Body, a.stream = body, nil
	}
	if !x.atHomeElsewhere(a.Service.SubsystemID) {
		o, err := x.find(ctx, a)
		if err == nil && o == nil {
			err = errs.New(errs.NotFound, "exchange.unknown_service", "service", a.Service.String())
		}
		if err == nil {
			err = a.settleOperation(o)
		}
		if err != nil {
			return false, err
		}
		d, _, err := x.decideHandover(ctx, a)
		if err != nil {
			return false, err
		}
		a.Purpose, a.LegalBasis, here = d.purpose, d.legalBasis, true
	}
	if a.Purpose == "" {
		return false, errs.New(errs.Invalid, "exchange.purpose_missing")
	}
	return here, nil
}
