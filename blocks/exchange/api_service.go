package exchange

import (
	"net/http"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// serviceRoutes are the doors to published services. Identifiers have slashes,
// so they stand in the body.
func (x *Exchange) serviceRoutes() []httpx.Route {
	publishing := auth.AnyOf(auth.Operator(), auth.Officer(RoleGrants))
	const limit = 2 * description.MaxDocument // as a string in JSON it is longer
	return []httpx.Route{
		{Method: "GET", Path: "/api/exchange/services", Access: auth.Public(), Handle: x.apiServices},
		{Method: "GET", Path: "/api/exchange/services/published", Access: publishing, Handle: x.apiPublished},
		{Method: "POST", Path: "/api/exchange/services/publish", Access: publishing, Body: limit, Handle: x.apiPublish},
		{Method: "POST", Path: "/api/exchange/services/disable", Access: publishing, Handle: x.apiDisable},
		{Method: "POST", Path: "/api/exchange/services/enable", Access: publishing, Handle: x.apiEnable},
		{Method: "POST", Path: "/api/exchange/services/health", Access: publishing, Handle: x.apiServiceHealth},
	}
}

func (x *Exchange) apiServices(w http.ResponseWriter, r *http.Request) error {
	type service struct {
		ID        ServiceID  `json:"id"`
		Title     i18n.Text  `json:"title"`
		Type      string     `json:"type"`
		Disabled  bool       `json:"disabled"`
		Endpoints []Endpoint `json:"endpoints"`
	}
	if _, err := x.freshen(r.Context()); err != nil {
		return unavailable("exchange.rules_unreadable", err)
	}
	out := []service{}
	for _, s := range x.Services() {
		row := service{s.ID, s.Title, s.Type, false, append([]Endpoint{}, s.Endpoints...)}
		if o := x.offer(s.ID); o != nil && o.published != nil {
			row.Disabled = !o.published.DisabledAt.IsZero()
		}
		out = append(out, row)
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"services": out})
}

// apiPublished lists the caller's member's services with their settings; an
// operator sees all.
func (x *Exchange) apiPublished(w http.ResponseWriter, r *http.Request) error {
	all, err := x.PublishedServices(r.Context())
	if err != nil {
		return err
	}
	mine := []PublishedService{}
	for i := range all {
		if speaksFor(auth.From(r.Context()), all[i].ID.Owner()) {
			mine = append(mine, all[i])
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"services": mine})
}

// apiPublish publishes or changes. Only an operator decides that a service may
// stand on the node's own machine.
func (x *Exchange) apiPublish(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		ID               string          `json:"id"`
		Title            i18n.Text       `json:"title"`
		Type             string          `json:"type"`
		URL              string          `json:"url"`
		DescriptionURL   string          `json:"description_url"`
		Description      string          `json:"description"`
		Endpoints        []Endpoint      `json:"endpoints"`
		Checked          bool            `json:"checked"`
		Timeouts         ServiceTimeouts `json:"timeouts"`
		TLS              ServiceTLS      `json:"tls"`
		PublicStatistics bool            `json:"public_statistics"`
		Local            bool            `json:"local"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	id, p, err := owned(r, in.ID)
	if err != nil {
		return err
	}
	if in.Local && !p.HasRole(auth.RoleOperator) {
		return errs.New(errs.Forbidden, "exchange.local_service")
	}
	s, err := x.PublishService(r.Context(), PublishedService{
		ID: id, Title: in.Title, Type: in.Type, URL: in.URL, DescriptionURL: in.DescriptionURL, Description: in.Description, Endpoints: in.Endpoints,
		Checked: in.Checked, Timeouts: in.Timeouts, TLS: in.TLS, PublicStatistics: in.PublicStatistics, Local: in.Local,
	}, actor(p))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, s)
}

// owned reads a service's identifier and checks that the caller speaks for its owner.
func owned(r *http.Request, service string) (ServiceID, auth.Principal, error) {
	p := auth.From(r.Context())
	id, err := ParseService(service)
	if err != nil {
		return id, p, err
	}
	if !speaksFor(p, id.Owner()) {
		return id, p, errs.New(errs.Forbidden, "exchange.not_your_service", "service", id.String())
	}
	return id, p, nil
}

func (x *Exchange) apiDisable(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Service string `json:"service"`
		Reason  string `json:"reason"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	id, p, err := owned(r, in.Service)
	if err != nil {
		return err
	}
	if err := x.DisableService(r.Context(), id, actor(p), in.Reason); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type namedService struct {
	Service string `json:"service"`
}

func (x *Exchange) apiEnable(w http.ResponseWriter, r *http.Request) error {
	var in namedService
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	id, _, err := owned(r, in.Service)
	if err != nil {
		return err
	}
	if err := x.EnableService(r.Context(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (x *Exchange) apiServiceHealth(w http.ResponseWriter, r *http.Request) error {
	var in namedService
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	id, _, err := owned(r, in.Service)
	if err != nil {
		return err
	}
	h, err := x.ServiceHealth(r.Context(), id)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, h)
}
