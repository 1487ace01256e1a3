package exchange

import (
	"net/http"
	"slices"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// RoleGrants is the role of officers who grant and revoke for their own member.
const RoleGrants = "grants-officer"

// Routes are the doors of the exchange.
func (x *Exchange) Routes() []httpx.Route {
	granting := auth.AnyOf(auth.Operator(), auth.Officer(RoleGrants))
	return slices.Concat(x.r1Routes(), x.logRoutes(), x.serviceRoutes(), []httpx.Route{
		{Method: "GET", Path: "/api/exchange/members", Access: auth.Public(), Handle: x.apiMembers},
		{Method: "GET", Path: "/api/exchange/grants", Access: granting, Handle: x.apiGrants},
		{Method: "POST", Path: "/api/exchange/grants", Access: granting, Handle: x.apiAddGrant},
		{Method: "POST", Path: "/api/exchange/grants/{id}/revoke", Access: granting, Handle: x.apiRevokeGrant},
	})
}

func (x *Exchange) apiMembers(w http.ResponseWriter, r *http.Request) error {
	members, err := x.AllMembers(r.Context())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"members": members})
}

// speaksFor says whether the caller may grant for a service's owner.
func speaksFor(p auth.Principal, owner MemberID) bool {
	return p.HasRole(auth.RoleOperator) || p.HasRole(RoleGrants) && p.Member == owner.String()
}

// apiGrants lists the grants on the caller's member's services and to its
// subsystems; an operator sees all.
func (x *Exchange) apiGrants(w http.ResponseWriter, r *http.Request) error {
	p := auth.From(r.Context())
	all, err := x.Grants(r.Context())
	if err != nil {
		return err
	}
	mine := []Grant{}
	for _, g := range all {
		if speaksFor(p, g.Service.Owner()) || speaksFor(p, g.Client.Owner()) {
			mine = append(mine, g)
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"grants": mine})
}

func (x *Exchange) apiAddGrant(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Client     string              `json:"client"`
		Service    string              `json:"service"`
		Operations []string            `json:"operations"`
		Endpoints  []Endpoint          `json:"endpoints"`
		Fields     []string            `json:"fields"`
		Match      []string            `json:"match"`
		Filter     map[string][]string `json:"filter"`
		Consent    bool                `json:"consent"`
		Purpose    string              `json:"purpose"`
		LegalBasis string              `json:"legal_basis"`
		From       time.Time           `json:"from"`
		Until      time.Time           `json:"until"`
		Quota      Quota               `json:"quota"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	client, err := ParseSubsystem(in.Client)
	if err != nil {
		return err
	}
	service, err := ParseService(in.Service)
	if err != nil {
		return err
	}
	p := auth.From(r.Context())
	if !speaksFor(p, service.Owner()) {
		return errs.New(errs.Forbidden, "exchange.not_your_service", "service", service.String())
	}
	g, err := x.AddGrant(r.Context(), Grant{
		Client: client, Service: service, Operations: in.Operations, Endpoints: in.Endpoints, Fields: in.Fields, Match: in.Match, Filter: in.Filter, Consent: in.Consent,
		Purpose: in.Purpose, LegalBasis: in.LegalBasis, From: in.From, Until: in.Until, Quota: in.Quota, GrantedBy: actor(p),
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, g)
}

func actor(p auth.Principal) string {
	if p.Officer != "" {
		return p.Officer
	}
	return p.Account
}

func (x *Exchange) apiRevokeGrant(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	p, grantID := auth.From(r.Context()), r.PathValue("id")
	all, err := x.Grants(r.Context())
	if err != nil {
		return err
	}
	for _, g := range all {
		if g.ID != grantID || !speaksFor(p, g.Service.Owner()) {
			continue
		}
		if err := x.RevokeGrant(r.Context(), grantID, actor(p), in.Reason); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return errs.New(errs.NotFound, "exchange.no_such_grant", "id", clip(grantID))
}
