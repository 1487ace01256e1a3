package exchange

import (
	"net/http"
	"slices"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// RoleGrants is the role of officers who grant and revoke for their own member.
const RoleGrants = "grants-officer"

// Routes are the doors of the exchange.
func (x *Exchange) Routes() []httpx.Route {
	granting := auth.AnyOf(auth.Operator(), auth.Officer(RoleGrants))
	return slices.Concat(x.r1Routes(), x.logRoutes(), x.serviceRoutes(), x.groupRoutes(), []httpx.Route{
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
	groups, err := x.Groups(r.Context())
	if err != nil {
		return err
	}
	mine := []Grant{}
	for _, g := range all {
		if speaksFor(p, g.Service.Owner()) || speaksFor(p, g.Client.Owner()) || slices.ContainsFunc(groups, func(in Group) bool { return in.ID == g.Group && includes(in, p) }) {
			mine = append(mine, g)
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"grants": mine})
}

// includes says whether the caller speaks for a member with a system in the group.
func includes(g Group, p auth.Principal) bool {
	return slices.ContainsFunc(g.Members, func(s SubsystemID) bool { return speaksFor(p, s.Owner()) })
}

func (x *Exchange) apiAddGrant(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Client     string              `json:"client"`
		Group      string              `json:"group"`
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
	var client SubsystemID
	var err error
	if in.Client != "" || in.Group == "" {
		if client, err = ParseSubsystem(in.Client); err != nil {
			return err
		}
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
		Client: client, Group: in.Group, Service: service, Operations: in.Operations, Endpoints: in.Endpoints, Fields: in.Fields, Match: in.Match, Filter: in.Filter, Consent: in.Consent,
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

// groupRoutes are the doors to groups. Identifiers have slashes, so they stand in
// the body.
func (x *Exchange) groupRoutes() []httpx.Route {
	granting := auth.AnyOf(auth.Operator(), auth.Officer(RoleGrants))
	return []httpx.Route{
		{Method: "GET", Path: "/api/exchange/groups", Access: granting, Handle: x.apiGroups},
		{Method: "POST", Path: "/api/exchange/groups", Access: granting, Handle: x.apiPutGroup},
		{Method: "POST", Path: "/api/exchange/groups/members", Access: granting, Handle: x.apiChangeGroup},
		{Method: "POST", Path: "/api/exchange/groups/remove", Access: granting, Handle: x.apiRemoveGroup},
	}
}

// keeps checks that the caller may change a group: an operator any, a grants
// officer those of their own member.
func keeps(r *http.Request, groupID string) (auth.Principal, error) {
	p := auth.From(r.Context())
	owner, ok := ParseGroup(groupID)
	if p.HasRole(auth.RoleOperator) || ok && owner != (MemberID{}) && speaksFor(p, owner) {
		return p, nil
	}
	return p, errs.New(errs.Forbidden, "exchange.not_your_group", "group", clip(groupID))
}

// apiGroups lists all groups: whoever may grant may know whom a grant reaches.
func (x *Exchange) apiGroups(w http.ResponseWriter, r *http.Request) error {
	groups, err := x.Groups(r.Context())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"groups": groups})
}

func (x *Exchange) apiPutGroup(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		ID    string    `json:"id"`
		Title i18n.Text `json:"title"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	p, err := keeps(r, in.ID)
	if err != nil {
		return err
	}
	g, err := x.PutGroup(r.Context(), Group{ID: in.ID, Title: in.Title}, actor(p))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, g)
}

func (x *Exchange) apiChangeGroup(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Group  string   `json:"group"`
		Add    []string `json:"add"`
		Remove []string `json:"remove"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	p, err := keeps(r, in.Group)
	if err != nil {
		return err
	}
	add, err := parseSubsystems(in.Add)
	if err != nil {
		return err
	}
	remove, err := parseSubsystems(in.Remove)
	if err != nil {
		return err
	}
	g, err := x.ChangeGroup(r.Context(), in.Group, add, remove, actor(p))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, g)
}

func parseSubsystems(all []string) ([]SubsystemID, error) {
	out := make([]SubsystemID, len(all))
	for i, s := range all {
		var err error
		if out[i], err = ParseSubsystem(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (x *Exchange) apiRemoveGroup(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Group string `json:"group"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	if _, err := keeps(r, in.Group); err != nil {
		return err
	}
	if err := x.RemoveGroup(r.Context(), in.Group); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
