package webhook

import (
	"net/http"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes are the doors at which officers say where their member takes messages.
func (w *Webhooks) Routes() []httpx.Route {
	officers := auth.AnyOf(auth.Operator(), auth.Officer(exchange.RoleGrants))
	const path = "/api/exchange/webhooks"
	return []httpx.Route{
		{Method: "GET", Path: path, Access: officers, Handle: w.apiList},
		{Method: "PUT", Path: path, Access: officers, Handle: w.apiSet},
		{Method: "DELETE", Path: path, Access: officers, Handle: w.apiRemove},
	}
}

func speaksFor(p auth.Principal, s exchange.SubsystemID) bool {
	return p.HasRole(auth.RoleOperator) || p.Member == s.Owner().String()
}

func (w *Webhooks) apiList(rw http.ResponseWriter, r *http.Request) error {
	all, err := w.store.list(r.Context())
	if err != nil {
		return err
	}
	mine := []Hook{}
	for _, h := range all {
		if speaksFor(auth.From(r.Context()), h.Subsystem) {
			mine = append(mine, h)
		}
	}
	return httpx.WriteJSON(rw, http.StatusOK, map[string]any{"webhooks": mine})
}

// read takes the subsystem, and the address where one is wanted.
func read(r *http.Request) (Hook, error) {
	var in struct {
		Subsystem string `json:"subsystem"`
		URL       string `json:"url"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return Hook{}, err
	}
	s, err := exchange.ParseSubsystem(in.Subsystem)
	if err != nil {
		return Hook{}, err
	}
	p := auth.From(r.Context())
	if !speaksFor(p, s) {
		return Hook{}, errs.New(errs.Forbidden, "webhook.not_yours", "subsystem", s.String())
	}
	return Hook{Subsystem: s, URL: in.URL, SetBy: p.Officer}, nil
}

func (w *Webhooks) apiSet(rw http.ResponseWriter, r *http.Request) error {
	h, err := read(r)
	if err != nil {
		return err
	}
	if err := w.Set(r.Context(), h); err != nil {
		return err
	}
	rw.WriteHeader(http.StatusNoContent)
	return nil
}

func (w *Webhooks) apiRemove(rw http.ResponseWriter, r *http.Request) error {
	h, err := read(r)
	if err != nil {
		return err
	}
	if err := w.Remove(r.Context(), h.Subsystem); err != nil {
		return err
	}
	rw.WriteHeader(http.StatusNoContent)
	return nil
}
