package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/blocks/exchange/origin"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
)

// The types of services, as X-Road names them.
const (
	TypeOpenAPI = "OPENAPI"
	TypeREST    = "REST"
)

// PublishedService is an HTTP service that its owner put on the exchange. Every
// process of the node offers it from its next request on.
type PublishedService struct {
	ID    ServiceID `json:"id"`
	Title i18n.Text `json:"title"` // empty: that of the description
	Type  string    `json:"type"`
	// URL is the address to which path and query of a request are appended; empty:
	// the first server of the description.
	URL string `json:"url"`
	// DescriptionURL is where the OpenAPI document lies; getOpenAPI asks there. The
	// document of the last publication stays the one that decides.
	DescriptionURL string     `json:"description_url,omitempty"`
	Description    string     `json:"description,omitempty"` // the document, unless it is fetched
	Endpoints      []Endpoint `json:"endpoints,omitempty"`   // of an OPENAPI service: those of the description
	// Checked services are held to their description: a request that leaves it does
	// not reach them, nor such an answer the client.
	Checked          bool            `json:"checked"`
	Timeouts         ServiceTimeouts `json:"timeouts,omitzero"`
	TLS              ServiceTLS      `json:"tls,omitzero"`
	PublicStatistics bool            `json:"public_statistics"` // anybody may see how often it is used
	Local            bool            `json:"local"`             // it may stand on this machine; operators decide

	CreatedAt      time.Time `json:"created_at,omitzero"`
	ChangedAt      time.Time `json:"changed_at,omitzero"`
	ChangedBy      string    `json:"changed_by,omitempty"` // opaque id
	DisabledAt     time.Time `json:"disabled_at,omitzero"`
	DisabledBy     string    `json:"disabled_by,omitempty"`
	DisabledReason string    `json:"disabled_reason,omitempty"` // clients read it

	revision int64
}

// ServiceTimeouts are milliseconds; 0 is what origin.Timeouts gives.
type ServiceTimeouts struct {
	Connect int64 `json:"connect_ms,omitempty"`
	Header  int64 `json:"header_ms,omitempty"`
	Idle    int64 `json:"idle_ms,omitempty"`
	Total   int64 `json:"total_ms,omitempty"`
}

// ServiceTLS says whom to trust for the service, see origin.Trust. With
// ClientCertificate the owner's TLS key shows who we are; the key itself stays
// in the keystore.
type ServiceTLS struct {
	Roots             string   `json:"roots,omitempty"`
	Pins              []string `json:"pins,omitempty"`
	Name              string   `json:"name,omitempty"`
	ClientCertificate bool     `json:"client_certificate,omitempty"`
}

// ServiceHealth is what a look at a service found.
type ServiceHealth struct {
	Reachable bool   `json:"reachable"`
	Status    int    `json:"status,omitempty"`  // of what it answered
	Problem   string `json:"problem,omitempty"` // an error code
}

// PublishService puts a service on the exchange, or replaces all that is said of
// one that is there; by is an opaque id. The caller has checked that it speaks
// for the owner. A description is fetched if it only has an address, read, and
// decides the endpoints. Errors: errs.Invalid exchange.bad_publication that names
// the fields, exchange.description_invalid and exchange.description_unread;
// errs.NotFound exchange.unknown_client; errs.Conflict exchange.service_exists
// for one that a process serves itself.
func (x *Exchange) PublishService(ctx context.Context, s PublishedService, by string) (PublishedService, error) {
	if s.ID.Instance != x.instance {
		return s, errs.New(errs.Invalid, "exchange.other_instance", "id", clip(s.ID.String()), "instance", x.instance)
	}
	if x.ownService(s.ID) {
		return s, errs.New(errs.Conflict, "exchange.service_exists", "service", s.ID.String())
	}
	r, err := x.freshen(ctx)
	if err != nil {
		return s, err
	}
	if !r.subsystems[s.ID.SubsystemID] {
		return s, errs.New(errs.NotFound, "exchange.unknown_client", "client", s.ID.SubsystemID.String())
	}
	if s.Type == "" {
		s.Type = TypeREST
		if s.Description != "" || s.DescriptionURL != "" {
			s.Type = TypeOpenAPI
		}
	}
	if err := s.settings(); err != nil {
		return s, err
	}
	if err := x.readDescription(ctx, &s); err != nil {
		return s, err
	}
	if err := s.complete(); err != nil {
		return s, err
	}
	s.ChangedAt, s.ChangedBy = x.clock.Now(), by
	err = x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error { return putService(ctx, q, s) })
	if err != nil {
		return s, err
	}
	return x.PublishedService(ctx, s.ID)
}

// ownService says whether this process itself serves a service.
func (x *Exchange) ownService(id ServiceID) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.services[id] != nil
}

// settings checks what can be checked before anything is fetched.
func (s *PublishedService) settings() error {
	var wrong []errs.Field
	add := func(bad bool, name, code string) {
		if bad {
			wrong = append(wrong, errs.NewField(name, code))
		}
	}
	_, idErr := ParseService(s.ID.String())
	add(idErr != nil, "id", "exchange.bad_service_field")
	add(s.Type != TypeOpenAPI && s.Type != TypeREST, "type", "exchange.bad_type")
	add(s.URL != "" && !validAddress(s.URL), "url", "exchange.address_field")
	add(s.DescriptionURL != "" && !validDescriptionAddress(s.DescriptionURL), "description_url", "exchange.address_field")
	add(s.Type == TypeOpenAPI && s.Description == "" && s.DescriptionURL == "", "description", "exchange.description_missing")
	add(s.Type == TypeREST && (s.Description != "" || s.DescriptionURL != ""), "description", "exchange.description_needless")
	add(s.Type == TypeREST && s.Checked, "checked", "exchange.nothing_to_check")
	for _, ms := range []int64{s.Timeouts.Connect, s.Timeouts.Header, s.Timeouts.Idle, s.Timeouts.Total} {
		add(ms < 0 || ms > time.Hour.Milliseconds(), "timeouts", "exchange.bad_timeout")
	}
	err := s.trust(nil).Check()
	add(errors.Is(err, origin.ErrRoots), "tls.roots", "exchange.bad_roots")
	add(errors.Is(err, origin.ErrPin), "tls.pins", "exchange.bad_pin")
	if s.Type == TypeREST {
		for _, e := range s.Endpoints {
			_, op := operationOf(nil, e.Method, "")
			add(op != nil && e.Method != "*" || !strings.HasPrefix(e.Path, "/") || len(e.Path) > maxPath ||
				e.Operation != "" && !slices.Contains(operations(), e.Operation), "endpoints", "exchange.bad_endpoint")
		}
	}
	return badPublication(wrong)
}

func badPublication(wrong []errs.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	return errs.New(errs.Invalid, "exchange.bad_publication").With(wrong...)
}

// complete checks what only the description could tell.
func (s *PublishedService) complete() error {
	var wrong []errs.Field
	if s.Title.VI == "" || s.Title.EN == "" || len(s.Title.VI) > maxText || len(s.Title.EN) > maxText {
		wrong = append(wrong, errs.NewField("title", "exchange.title_missing"))
	}
	if !validAddress(s.URL) {
		wrong = append(wrong, errs.NewField("url", "exchange.address_field"))
	}
	return badPublication(wrong)
}

// readDescription reads an OpenAPI document and takes from it what it says.
func (x *Exchange) readDescription(ctx context.Context, s *PublishedService) error {
	if s.Type != TypeOpenAPI {
		return nil
	}
	if s.Description == "" {
		doc, _, err := fetchDescription(ctx, s.DescriptionURL, x.originOf(s))
		if u, ok := errors.AsType[*unread](err); ok {
			return errs.New(errs.Invalid, "exchange.description_unread", "url", s.DescriptionURL, "status", u.status, "reason", u.reason).Wrap(err)
		} else if err != nil {
			return err
		}
		s.Description = string(doc)
	}
	d, err := description.Read(ctx, []byte(s.Description))
	if err != nil {
		return errs.New(errs.Invalid, "exchange.description_invalid", "service", s.ID.String(), "reason", longClip(err.Error())).Wrap(err)
	}
	if s.Checked {
		if _, err := d.Checker(); err != nil {
			return errs.New(errs.Invalid, "exchange.description_invalid", "service", s.ID.String(), "reason", longClip(err.Error())).Wrap(err)
		}
	}
	if s.URL == "" {
		s.URL = d.Server
	}
	if s.Title.IsZero() {
		s.Title = i18n.Text{VI: d.Title, EN: d.Title}
	}
	s.Endpoints = nil
	for _, e := range d.Endpoints {
		s.Endpoints = append(s.Endpoints, Endpoint(e))
	}
	return nil
}

func longClip(s string) string {
	const most = 600
	if len(s) > most {
		s = s[:most] + "…"
	}
	return printable(strings.ToValidUTF8(strings.ReplaceAll(s, "\n", " "), "?"))
}

// validAddress takes http and https addresses to which a path can be appended.
func validAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && validDescriptionAddress(s) && u.RawQuery == "" && !u.ForceQuery
}

func validDescriptionAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxPath && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && u.Fragment == ""
}

// trust gives the TLS settings with the owner's certificate.
func (s *PublishedService) trust(certificate func() (*tls.Certificate, error)) origin.Trust {
	t := origin.Trust{Roots: s.TLS.Roots, Pins: s.TLS.Pins, Name: s.TLS.Name}
	if s.TLS.ClientCertificate {
		t.Client = certificate
	}
	return t
}

func (x *Exchange) originOf(s *PublishedService) origin.Config {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	owner := s.ID.Owner()
	return origin.Config{
		Timeouts: origin.Timeouts{Connect: ms(s.Timeouts.Connect), Header: ms(s.Timeouts.Header), Idle: ms(s.Timeouts.Idle), Total: ms(s.Timeouts.Total)},
		Local:    s.Local,
		Trust: s.trust(func() (*tls.Certificate, error) {
			if x.certificate == nil {
				return nil, errors.New("exchange: Deps.Certificate gives no certificates")
			}
			c, err := x.certificate(context.Background(), owner)
			return &c, err
		}),
	}
}

// DisableService takes a service off the exchange until it is enabled; clients
// read the reason. by is an opaque id. errs.Invalid exchange.disable_reason,
// errs.NotFound exchange.unknown_service.
func (x *Exchange) DisableService(ctx context.Context, id ServiceID, by, reason string) error {
	reason = text.Tidy(reason, false)
	if reason == "" || len(reason) > maxText {
		return errs.New(errs.Invalid, "exchange.disable_reason").With(errs.NewField("reason", "exchange.disable_reason"))
	}
	return x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return switchService(ctx, q, switching{id, x.clock.Now(), by, reason})
	})
}

// EnableService ends DisableService. errs.NotFound exchange.unknown_service.
func (x *Exchange) EnableService(ctx context.Context, id ServiceID) error {
	return x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return switchService(ctx, q, switching{service: id})
	})
}

// PublishedServices lists the published services without their descriptions, in
// order of their identifiers.
func (x *Exchange) PublishedServices(ctx context.Context) ([]PublishedService, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]PublishedService, 0, len(r.services))
	for _, o := range r.services {
		out = append(out, *o.published)
	}
	slices.SortFunc(out, func(a, b PublishedService) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	return out, nil
}

// PublishedService gives a published service without its description.
// errs.NotFound exchange.unknown_service.
func (x *Exchange) PublishedService(ctx context.Context, id ServiceID) (PublishedService, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return PublishedService{}, err
	}
	o := r.services[id]
	if o == nil {
		return PublishedService{}, errs.New(errs.NotFound, "exchange.unknown_service", "service", id.String())
	}
	return *o.published, nil
}

// Document gives the OpenAPI document that decides for a service, without the
// addresses of its machines; nil when it has none. errs.NotFound
// exchange.unknown_service.
func (x *Exchange) Document(ctx context.Context, id ServiceID) ([]byte, error) {
	if _, err := x.freshen(ctx); err != nil {
		return nil, unavailable("exchange.rules_unreadable", err)
	}
	o := x.offer(id)
	switch {
	case o == nil:
		return nil, errs.New(errs.NotFound, "exchange.unknown_service", "service", clip(id.String()))
	case o.published == nil:
		return o.openAPI, nil
	case o.info.Type != TypeOpenAPI:
		return nil, nil
	}
	text, _, err := x.store.serviceDescription(ctx, id)
	if err != nil {
		return nil, err
	}
	return description.Anonymise([]byte(text))
}

// ServiceHealth looks whether a published service is there.
// errs.NotFound exchange.unknown_service.
func (x *Exchange) ServiceHealth(ctx context.Context, id ServiceID) (ServiceHealth, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return ServiceHealth{}, err
	}
	o := r.services[id]
	if o == nil {
		return ServiceHealth{}, errs.New(errs.NotFound, "exchange.unknown_service", "service", id.String())
	}
	p, ok := o.provider.(*HTTPProvider)
	if !ok {
		return ServiceHealth{Problem: "exchange.no_provider"}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, err := p.Health(ctx)
	if err != nil {
		return ServiceHealth{Problem: errs.CodeOf(err)}, nil
	}
	return ServiceHealth{Reachable: true, Status: status}, nil
}

// find gives what is offered under an identifier: of a published service the
// newest, which another process may have changed a moment ago.
func (x *Exchange) find(ctx context.Context, a *ask) (*offered, error) {
	if a.isMeta() {
		return x.metaservices, nil
	}
	o := x.offer(a.Service)
	if o != nil && o.published == nil {
		a.revision = o.revision()
		return o, nil
	}
	if _, err := x.freshen(ctx); err != nil {
		return nil, unavailable("exchange.rules_unreadable", err)
	}
	a.fresh = true
	o = x.offer(a.Service)
	a.revision = o.revision()
	return o, nil
}

func (o *offered) revision() int64 {
	if o == nil || o.published == nil {
		return 0
	}
	return o.published.revision
}

// open says whether the rules still let a call go to the service it was meant
// for: not when that is disabled, nor when it has moved meanwhile.
func (r *rules) open(a *ask) error {
	o := r.services[a.Service]
	switch {
	case o == nil:
		return nil
	case !o.published.DisabledAt.IsZero():
		return errs.New(errs.Unavailable, "exchange.service_disabled", "service", a.Service.String(), "reason", o.published.DisabledReason)
	case a.revision != 0 && o.published.revision != a.revision:
		return errs.New(errs.Unavailable, "exchange.rules_changing")
	}
	return nil
}

// adopt makes published services of new rules ready. One that did not change
// keeps its provider with its connections. It runs under x.loading.
func (x *Exchange) adopt(r *rules) {
	var before map[ServiceID]*offered
	if old := x.rules.Load(); old != nil {
		before = old.services
	}
	for id, o := range r.services {
		if x.ownService(id) {
			x.log.Warn("exchange: a published service is hidden by one of the house itself", "service", id.String())
		}
		if b := before[id]; b != nil && b.published.revision == o.published.revision {
			r.services[id] = b
			continue
		}
		s := o.published
		p, err := NewHTTPProvider(s.URL, x.originOf(s))
		if err != nil { // was checked when it was published
			o.provider = noProvider{err}
			continue
		}
		if s.Checked {
			p.checker = (&checking{x: x, service: s.ID, revision: s.revision}).get
		}
		o.provider = p
	}
	for id, b := range before {
		if p, ok := b.provider.(*HTTPProvider); ok && r.services[id] != b {
			p.Close()
		}
	}
}

// noProvider stands for a service whose settings no longer mean anything.
type noProvider struct{ err error }

// Serve implements Provider.
func (p noProvider) Serve(context.Context, Delivery) (Reply, error) { return Reply{}, p.err }

// checking reads a description when it is first needed: rules are read often,
// and documents are long.
type checking struct {
	x        *Exchange
	service  ServiceID
	revision int64

	mu      sync.Mutex
	checker *description.Checker
}

func (c *checking) get(ctx context.Context) (*description.Checker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.checker != nil {
		return c.checker, nil
	}
	text, revision, err := c.x.store.serviceDescription(ctx, c.service)
	if err != nil {
		return nil, unavailable("exchange.rules_unreadable", err)
	}
	if revision != c.revision {
		return nil, errs.New(errs.Unavailable, "exchange.rules_changing")
	}
	d, err := description.Read(ctx, []byte(text))
	if err != nil {
		return nil, err
	}
	c.checker, err = d.Checker()
	return c.checker, err
}
