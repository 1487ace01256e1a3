package pubsub

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

const (
	headerClient  = "X-GovStack-Client"
	headerXRoad   = "X-Road-Client"
	headerMessage = "X-Road-Id"
	headerPurpose = "X-Dinh-Purpose"

	maxRequest = 2 * maxEvent // room for another spelling of an event, and for its type
)

// address is one of GovStack's paths.
type address struct {
	room      exchange.SubsystemID
	door      string // the path behind the room, with {} for its parameters
	eventType string
	eventID   string
}

// parse reads a path as it was sent; false for every path that is not exactly one
// of GovStack's.
func parse(escaped string) (a address, ok bool) {
	parts := strings.Split(escaped, "/")
	if len(parts) < 9 || len(parts) > 10 || parts[0] != "" || parts[1] != "r1" {
		return address{}, false
	}
	for i, p := range parts[2:] {
		decoded, err := url.PathUnescape(p)
		if err != nil || decoded == "" || strings.ContainsAny(decoded, "/\x00") {
			return address{}, false
		}
		parts[i+2] = decoded
	}
	room, err := exchange.ParseSubsystem(strings.Join(parts[2:6], "/"))
	if err != nil {
		return address{}, false
	}
	a = address{room: room, door: strings.Join(parts[6:8], "/")}
	rest := parts[8:]
	switch a.door {
	case "api/v1":
		if rest[0] != "eventType" && rest[0] != "subs" {
			return address{}, false
		}
		a.door += "/" + rest[0]
		rest = rest[1:]
	case "pub/v1", "pull/v1":
	default:
		return address{}, false
	}
	if len(rest) > 0 {
		a.door, a.eventType = a.door+"/{}", rest[0]
	}
	if len(rest) > 1 {
		a.door, a.eventID = a.door+"/{}", rest[1]
	}
	return a, true
}

// caller is who asks for what.
type caller struct {
	address
	client exchange.SubsystemID
}

func (c caller) subscriber(r *http.Request) Subscriber {
	return Subscriber{Client: c.client, Room: c.room, EventType: c.eventType, Purpose: header(r, headerPurpose)}
}

// header reads text that may be percent-encoded, because headers hold ASCII.
func header(r *http.Request, name string) string {
	v := r.Header.Get(name)
	if d, err := url.PathUnescape(v); err == nil {
		return d
	}
	return v
}

// serve is one operation.
type serve func(w http.ResponseWriter, r *http.Request, c caller) error

// doors are GovStack's operations.
func (p *Pubsub) doors() map[string]serve {
	return map[string]serve{
		"POST api/v1/eventType":      p.room(p.apiAddType),
		"GET api/v1/eventType":       p.apiTypes,
		"GET api/v1/eventType/{}":    p.apiType,
		"DELETE api/v1/eventType/{}": p.room(p.apiRemoveType),
		"POST pub/v1/{}":             p.room(p.apiPublish),
		"GET pub/v1/{}/{}":           p.room(p.apiEvent),
		"DELETE pub/v1/{}/{}":        p.room(p.apiStop),
		"GET api/v1/subs":            p.apiSubscriptions,
		"POST api/v1/subs/{}":        p.apiSubscribe,
		"GET api/v1/subs/{}":         p.apiSubscription,
		"PATCH api/v1/subs/{}":       p.apiAmend,
		"DELETE api/v1/subs/{}":      p.apiUnsubscribe,
		"GET pull/v1/{}":             p.apiPull,
		"DELETE pull/v1/{}/{}":       p.apiAcknowledge,
	}
}

// Route is for exchange.Beside: it gives the handler of a request on one of
// GovStack's paths and nil for every other one. A request that names X-Road-Client
// and no X-GovStack-Client is X-Road's: there are services called "api".
func (p *Pubsub) Route(r *http.Request) httpx.Handler {
	a, ok := parse(r.URL.EscapedPath())
	if !ok || len(r.Header.Values(headerClient)) == 0 && len(r.Header.Values(headerXRoad)) > 0 {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		err := p.serve(w, r, a)
		if err != nil {
			p.problem(w, r, err)
		}
		return nil
	}
}

func (p *Pubsub) serve(w http.ResponseWriter, r *http.Request, a address) error {
	do := p.doors()[r.Method+" "+a.door]
	if do == nil {
		return errs.New(errs.Invalid, "httpx.method_not_allowed")
	}
	who := auth.From(r.Context())
	if !who.IsClient() {
		return errs.New(errs.Unauthenticated, "exchange.client_key_revoked")
	}
	names := r.Header.Values(headerClient)
	if len(names) != 1 {
		return errs.New(errs.Invalid, "pubsub.client_missing")
	}
	parts := strings.Split(strings.TrimSpace(names[0]), "/")
	for i, part := range parts {
		d, err := url.PathUnescape(part)
		if err != nil || strings.Contains(d, "/") {
			return errs.New(errs.Invalid, "pubsub.client_missing")
		}
		parts[i] = d
	}
	client, err := exchange.ParseSubsystem(strings.Join(parts, "/"))
	if err != nil {
		return errs.New(errs.Invalid, "pubsub.client_missing")
	}
	if who.Subsystem != client.String() {
		return errs.New(errs.Forbidden, "pubsub.client_mismatch", "client", client.String())
	}
	if err := p.exchange.Confirm(r.Context(), who); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	return do(w, r, caller{a, client})
}

// room lets only the room itself in.
func (p *Pubsub) room(do serve) serve {
	return func(w http.ResponseWriter, r *http.Request, c caller) error {
		if c.client != c.room {
			return errs.New(errs.Forbidden, "pubsub.not_your_room", "room", c.address.room.String())
		}
		return do(w, r, c)
	}
}

// problem answers an error with the status that GovStack gives it.
func (p *Pubsub) problem(w http.ResponseWriter, r *http.Request, err error) {
	lang := i18n.LangFrom(r.Context())
	doc := httpx.NewDocument(p.catalog, lang, httpx.RequestID(r.Context()), err)
	if doc.Status == http.StatusUnprocessableEntity {
		doc.Status = http.StatusBadRequest
	}
	if doc.Status >= 500 {
		p.log.ErrorContext(r.Context(), "pubsub: request failed", "code", errs.CodeOf(err), "error", err)
	}
	body, merr := json.Marshal(doc)
	if merr != nil {
		body = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", string(lang))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(doc.Status)
	_, _ = w.Write(body)
}

func (p *Pubsub) apiAddType(w http.ResponseWriter, r *http.Request, c caller) error {
	var in EventType
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	if err := p.AddType(r.Context(), c.room, in); err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, in)
}

func (p *Pubsub) apiTypes(w http.ResponseWriter, r *http.Request, c caller) error {
	names, err := p.Types(r.Context(), c.client, c.room)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return empty(w)
	}
	return httpx.WriteJSON(w, http.StatusOK, names)
}

func empty(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (p *Pubsub) apiType(w http.ResponseWriter, r *http.Request, c caller) error {
	t, found, err := p.Type(r.Context(), c.client, c.room, c.eventType)
	if err != nil {
		return err
	}
	if !found {
		return empty(w)
	}
	return httpx.WriteJSON(w, http.StatusOK, t)
}

func (p *Pubsub) apiRemoveType(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := p.RemoveType(r.Context(), c.room, c.eventType); err != nil {
		return err
	}
	return empty(w)
}

func (p *Pubsub) apiPublish(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		EventType string          `json:"eventType"`
		Event     json.RawMessage `json:"event"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	if in.EventType != c.eventType {
		return errs.New(errs.Invalid, "pubsub.type_mismatch")
	}
	eventID, err := p.Publish(r.Context(), Publishing{
		Room: c.room, EventType: c.eventType, MessageID: r.Header.Get(headerMessage), Event: in.Event,
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, map[string]string{"id": eventID})
}

func (p *Pubsub) apiEvent(w http.ResponseWriter, r *http.Request, c caller) error {
	item, err := p.Event(r.Context(), c.room, c.eventType, c.eventID)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, item)
}

func (p *Pubsub) apiStop(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := p.Stop(r.Context(), c.room, c.eventType, c.eventID); err != nil {
		return err
	}
	return empty(w)
}

func (p *Pubsub) apiSubscriptions(w http.ResponseWriter, r *http.Request, c caller) error {
	all, err := p.Subscriptions(r.Context(), c.client, c.room)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, all)
}

func (p *Pubsub) apiSubscribe(w http.ResponseWriter, r *http.Request, c caller) error {
	var in Subscription
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	s, err := p.Subscribe(r.Context(), c.subscriber(r), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, s)
}

func (p *Pubsub) apiSubscription(w http.ResponseWriter, r *http.Request, c caller) error {
	s, err := p.Subscription(r.Context(), c.subscriber(r))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, s)
}

func (p *Pubsub) apiAmend(w http.ResponseWriter, r *http.Request, c caller) error {
	var in Subscription
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	s, err := p.Amend(r.Context(), c.subscriber(r), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, s)
}

func (p *Pubsub) apiUnsubscribe(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := p.Unsubscribe(r.Context(), c.subscriber(r)); err != nil {
		return err
	}
	return empty(w)
}

func (p *Pubsub) apiPull(w http.ResponseWriter, r *http.Request, c caller) error {
	got, err := p.Pull(r.Context(), c.subscriber(r))
	if err != nil {
		return err
	}
	var item EventItem
	if err := json.Unmarshal(got.Body, &item); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Digest", httpsig.ContentDigest(got.Body))
	h.Set(headerMessage, item.ID)
	h.Set("Signature-Input", got.SignatureInput)
	h.Set("Signature", got.Signature)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(got.Body)
	return nil
}

func (p *Pubsub) apiAcknowledge(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := p.Acknowledge(r.Context(), c.subscriber(r), c.eventID); err != nil {
		return err
	}
	return empty(w)
}
