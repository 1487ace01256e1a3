package deferred

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// address is where a client finds its answer: beneath its own name, so that both
// listeners serve it and nobody takes it for a service's.
func address(client exchange.SubsystemID, entryID string) string {
	parts := []string{client.Instance, client.Class, client.Member, client.Subsystem}
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/r1/" + strings.Join(parts, "/") + "/deferred/v1/" + entryID
}

// parse reads such an address; false for every other path.
func parse(escaped string) (client exchange.SubsystemID, entryID string, ok bool) {
	parts := strings.Split(escaped, "/")
	if len(parts) != 9 || parts[0] != "" || parts[1] != "r1" || parts[6] != "deferred" || parts[7] != "v1" || len(parts[8]) != 36 {
		return client, "", false
	}
	for i, p := range parts[2:6] {
		decoded, err := url.PathUnescape(p)
		if err != nil || strings.Contains(decoded, "/") {
			return client, "", false
		}
		parts[i+2] = decoded
	}
	client, err := exchange.ParseSubsystem(strings.Join(parts[2:6], "/"))
	return client, parts[8], err == nil
}

// Route is for exchange.Beside: it gives the handler of a request for an answer, or
// of its acknowledgement, and nil for every other one.
func (l *Deferred) Route(r *http.Request) httpx.Handler {
	client, entryID, ok := parse(r.URL.EscapedPath())
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodDelete {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := l.serve(w, r, client, entryID); err != nil {
			l.problem(w, r, 0, err)
		}
		return nil
	}
}

// Client is for exchange.Beside: whose answer a request is for.
func (l *Deferred) Client(r *http.Request) (exchange.SubsystemID, bool) {
	client, _, ok := parse(r.URL.EscapedPath())
	return client, ok
}

func (l *Deferred) serve(w http.ResponseWriter, r *http.Request, client exchange.SubsystemID, entryID string) error {
	p := auth.From(r.Context())
	if !p.IsClient() {
		return errs.New(errs.Unauthenticated, "exchange.client_key_revoked")
	}
	if p.Subsystem != client.String() {
		return errs.New(errs.NotFound, "deferred.none")
	}
	if err := l.exchange.Confirm(r.Context(), p); err != nil {
		return err
	}
	if r.Method == http.MethodDelete {
		if err := l.acknowledge(r.Context(), p.Subsystem, entryID); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	e, got, ready, err := l.fetch(r.Context(), p.Subsystem, entryID)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Road-Id", url.PathEscape(e.MessageID))
	if !ready {
		h.Set("Retry-After", "1")
		return httpx.WriteJSON(w, http.StatusAccepted, map[string]string{"status": waiting})
	}
	if got.Code != "" {
		l.problem(w, r, got.Status, errs.New(errs.Unavailable, "deferred.failed", "code", got.Code))
		return nil
	}
	for _, line := range got.Headers {
		h.Add(line.Name, line.Value)
	}
	if got.ContentType != "" {
		h.Set("Content-Type", got.ContentType)
	}
	h.Set("X-Road-Request-Id", got.RequestID)
	h.Set("X-Road-Request-Hash", got.RequestHash)
	h.Set("Content-Length", strconv.Itoa(len(got.Body)))
	w.WriteHeader(got.Status)
	_, _ = w.Write(got.Body)
	return nil
}

// problem answers an error; status is that of the call when it is about the call.
func (l *Deferred) problem(w http.ResponseWriter, r *http.Request, status int, err error) {
	lang := i18n.LangFrom(r.Context())
	doc := httpx.NewDocument(l.catalog, lang, httpx.RequestID(r.Context()), err)
	if status != 0 {
		doc.Status = status
	} else if doc.Status >= 500 {
		l.log.ErrorContext(r.Context(), "deferred: request failed", "code", errs.CodeOf(err), "error", err)
	}
	body, merr := json.Marshal(doc)
	if merr != nil {
		body = nil
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(doc.Status)
	_, _ = w.Write(body)
}
