package exchange

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// Member is an organisation on the exchange with its systems.
type Member struct {
	Class      string      `json:"class"` // GOV, COM or NGO
	Code       string      `json:"code"`
	Name       i18n.Text   `json:"name"`
	Subsystems []Subsystem `json:"subsystems"`
}

// Subsystem is one of a member's systems.
type Subsystem struct {
	Code string    `json:"code"`
	Name i18n.Text `json:"name"`
}

// ID names the member.
func (m Member) ID() MemberID { return MemberID{m.Class, m.Code} }

// AddMember adds a member and its subsystems, or brings names and new subsystems
// up to date; it removes nothing. The member gets an Ed25519 key for messages and
// a TLS key with a certificate of the instance's authority, once.
// Refusals are errs.Invalid "exchange.bad_member" and "exchange.bad_subsystem".
func (x *Exchange) AddMember(ctx context.Context, m Member) error {
	if !ValidClass(m.Class) || !ValidSegment(m.Code) || m.Name.IsZero() {
		return errs.New(errs.Invalid, "exchange.bad_member", "id", clip(m.ID().String()))
	}
	for _, s := range m.Subsystems {
		if !ValidSegment(s.Code) {
			return errs.New(errs.Invalid, "exchange.bad_subsystem", "id", clip(s.Code))
		}
	}
	name := keys.Name{CommonName: m.Name.In(i18n.VI), Organization: m.Name.In(i18n.VI), Unit: m.ID().String()}
	for _, use := range []keys.Use{keys.Sign, keys.TLS} {
		if _, err := x.keys.Ensure(ctx, m.ID().String(), use, name); err != nil {
			return err
		}
	}
	return x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return putMember(ctx, q, x.instance, m, x.clock.Now())
	})
}

// AllMembers lists the members of the instance in order of their identifiers,
// those that other nodes serve too.
func (x *Exchange) AllMembers(ctx context.Context) ([]Member, error) {
	out, err := x.Members(ctx)
	if err != nil || x.directory == nil {
		return out, err
	}
	for _, m := range x.directory.Members() {
		if !slices.ContainsFunc(out, func(own Member) bool { return own.ID() == m.ID() }) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.ID().String(), b.ID().String()) })
	return out, nil
}

// Members lists the members that this node serves, in order of their identifiers.
func (x *Exchange) Members(ctx context.Context) ([]Member, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Member, 0, len(r.members))
	for _, m := range r.members {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.ID().String(), b.ID().String()) })
	return out, nil
}

// MemberName is a member's name; false when there is no such member. It takes
// "GOV/MPS" and any identifier of a subsystem or service of the member.
func (x *Exchange) MemberName(ctx context.Context, identifier string) (i18n.Text, bool) {
	parts := strings.Split(identifier, "/")
	if len(parts) > 2 {
		parts = parts[1:3]
	}
	r, err := x.current(ctx)
	if err != nil || len(parts) != 2 {
		return i18n.Text{}, false
	}
	who := MemberID{parts[0], parts[1]}
	if m := r.members[who]; m != nil {
		return m.Name, true
	}
	if x.directory != nil {
		for _, m := range x.directory.Members() {
			if m.ID() == who {
				return m.Name, true
			}
		}
	}
	return i18n.Text{}, false
}

// AddGrant stores a grant and gives it with its id; the caller has checked that
// whoever grants it speaks for the owner of the service. A grant with an id that
// exists already changes nothing, so that seeding may be repeated; a revoked one
// stays revoked. Wrong fields come back as errs.Invalid "exchange.bad_grant"
// that names them; errs.NotFound "exchange.unknown_client" and
// "exchange.unknown_service" when one side is no subsystem here, and
// "exchange.unknown_group".
func (x *Exchange) AddGrant(ctx context.Context, g Grant) (Grant, error) {
	now := x.clock.Now()
	if g.From.IsZero() {
		g.From = now
	}
	if err := x.CheckGrant(ctx, g); err != nil {
		return Grant{}, err
	}
	if g.ID == "" {
		g.ID = id.New(now)
	}
	g.RevokedAt, g.RevokedBy, g.Reason = time.Time{}, "", ""
	err := x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return insertGrant(ctx, q, g, now)
	})
	return g, err
}

// CheckGrant says whether AddGrant would take a grant, with the same errors.
func (x *Exchange) CheckGrant(ctx context.Context, g Grant) error {
	if g.From.IsZero() {
		g.From = x.clock.Now()
	}
	if err := g.check(); err != nil {
		return err
	}
	r, err := x.freshen(ctx)
	if err != nil {
		return err
	}
	if err := x.known(g); err != nil {
		return err
	}
	if err := x.knownSubject(r, g); err != nil {
		return err
	}
	if !r.subsystems[g.Service.SubsystemID] {
		return errs.New(errs.NotFound, "exchange.unknown_service", "service", g.Service.String())
	}
	return nil
}

// known refuses fields that the service does not have and purposes that nobody
// declared: such a grant would look like a right and give none.
func (x *Exchange) known(g Grant) error {
	var wrong []errs.Field
	if len(x.purposes) > 0 && !slices.Contains(x.purposes, g.Purpose) {
		wrong = append(wrong, errs.Field{Name: "purpose", Code: "exchange.unknown_purpose", Args: map[string]any{"purpose": clip(g.Purpose), "known": strings.Join(x.purposes, ", ")}})
	}
	if o := x.offer(g.Service); o != nil && len(o.info.Fields) > 0 {
		for name, fields := range map[string][]string{"fields": g.Fields, "match": g.Match, "filter": slices.Sorted(maps.Keys(g.Filter))} {
			for _, f := range fields {
				has := func(known string) bool { return known == f || strings.HasPrefix(known, f+".") }
				if f != "*" && !slices.ContainsFunc(o.info.Fields, has) {
					wrong = append(wrong, errs.Field{Name: name, Code: "exchange.unknown_field", Args: map[string]any{"field": clip(f), "service": g.Service.String()}})
				}
			}
		}
	}
	if len(wrong) > 0 {
		return errs.New(errs.Invalid, "exchange.bad_grant").With(wrong...)
	}
	return nil
}

// RevokeGrant ends a grant now, in every process: the next request is refused.
// by is an opaque id. Revoking twice keeps the first. errs.NotFound
// "exchange.no_such_grant"; errs.Invalid "exchange.reason_missing".
func (x *Exchange) RevokeGrant(ctx context.Context, grantID, by, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return errs.New(errs.Invalid, "exchange.reason_missing")
	}
	return x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return revokeGrant(ctx, q, revocation{grantID, by, reason, x.clock.Now()})
	})
}

// Grants lists all grants, past ones too, in order of client, service and start.
func (x *Exchange) Grants(ctx context.Context) ([]Grant, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Grant, len(r.all))
	for i, g := range r.all {
		out[i] = *g
	}
	slices.SortFunc(out, func(a, b Grant) int {
		return cmp.Or(strings.Compare(a.SubjectOf(), b.SubjectOf()),
			strings.Compare(a.Service.String(), b.Service.String()), a.From.Compare(b.From), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

// NewClientKey makes an API key for a subsystem and gives its secret, which
// cannot be had again. until zero: no end. errs.NotFound "exchange.unknown_client".
func (x *Exchange) NewClientKey(ctx context.Context, s SubsystemID, label string, until time.Time) (secret string, k ClientKey, err error) {
	now := x.clock.Now()
	r, err := x.freshen(ctx)
	if err != nil {
		return "", ClientKey{}, err
	}
	if !r.subsystems[s] {
		return "", ClientKey{}, errs.New(errs.NotFound, "exchange.unknown_client", "client", s.String())
	}
	secret = "dinh_" + id.Token(32)
	k = ClientKey{ID: id.New(now), Kind: KeySecret, Subsystem: s, Label: label, CreatedAt: now, Until: until, hash: hashSecret(secret)}
	err = x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return insertClientKey(ctx, q, k)
	})
	return secret, k, err
}

// AddPublicKey registers a key whose private half only the subsystem has: kind is
// KeyJWK or KeyCertificate, thumbprint what such keys are found by (RFC 7638, or
// the SHA-256 of the certificate). The caller has checked both and that whoever
// registers it speaks for the subsystem. errs.NotFound "exchange.unknown_client";
// errs.Conflict "exchange.key_known" when it is registered, also if revoked.
func (x *Exchange) AddPublicKey(ctx context.Context, k ClientKey, thumbprint string) (ClientKey, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return ClientKey{}, err
	}
	if !r.subsystems[k.Subsystem] {
		return ClientKey{}, errs.New(errs.NotFound, "exchange.unknown_client", "client", k.Subsystem.String())
	}
	now := x.clock.Now()
	k.ID, k.CreatedAt, k.RevokedAt, k.hash = id.New(now), now, time.Time{}, k.Kind+":"+thumbprint
	err = x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return insertClientKey(ctx, q, k)
	})
	return k, err
}

// RevokeClientKey ends a key of any kind now. errs.NotFound "exchange.no_such_key".
func (x *Exchange) RevokeClientKey(ctx context.Context, keyID string) error {
	return x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return revokeClientKey(ctx, q, keyID, x.clock.Now())
	})
}

// ClientKeys lists API keys without their secrets, the newest last.
func (x *Exchange) ClientKeys(ctx context.Context) ([]ClientKey, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]ClientKey, 0, len(r.keysByID))
	for _, k := range r.keysByID {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b ClientKey) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

func sortServices(s []ServiceInfo) {
	slices.SortFunc(s, func(a, b ServiceInfo) int { return strings.Compare(a.ID.String(), b.ID.String()) })
}

// Holds says whether the key lets its subsystem in at an instant.
func (k ClientKey) Holds(at time.Time) bool { return k.activeAt(at) }

// Group is a named set of subsystems that grants may be given to.
type Group struct {
	ID      string        `json:"id"` // "GOV/MPS/hospitals" for one that a member keeps, "hospitals" for one of the instance
	Title   i18n.Text     `json:"title"`
	Members []SubsystemID `json:"members"` // in order
}

// ParseGroup gives the member that keeps a group, the zero MemberID for the
// instance's own; false when id names none.
func ParseGroup(id string) (owner MemberID, ok bool) {
	if p, ok := segments(id, 3); ok {
		return MemberID{p[0], p[1]}, true
	}
	_, ok = segments(id, 1)
	return MemberID{}, ok
}

// SubjectOf names who a grant is for: a subsystem, or a group.
func (g *Grant) SubjectOf() string {
	if g.Group != "" {
		return g.Group
	}
	return g.Client.String()
}

// checkSubject says what is wrong with whom a grant is for.
func (g Grant) checkSubject() (wrong []errs.Field) {
	if g.Group == "" {
		if _, err := ParseSubsystem(g.Client.String()); err != nil {
			wrong = append(wrong, errs.NewField("client", "exchange.bad_subsystem_field"))
		}
		return wrong
	}
	owner, ok := ParseGroup(g.Group)
	switch {
	case !ok:
		wrong = append(wrong, errs.NewField("group", "exchange.bad_group_id"))
	case owner != (MemberID{}) && owner != g.Service.Owner():
		// Whoever keeps the group decides who is in it, and so who gets the data.
		wrong = append(wrong, errs.NewField("group", "exchange.other_group"))
	}
	if !g.Client.IsZero() {
		wrong = append(wrong, errs.NewField("client", "exchange.client_or_group"))
	}
	return wrong
}

// knownSubject refuses a grant for somebody who is not there.
func (x *Exchange) knownSubject(r *rules, g Grant) error {
	switch {
	case g.Group != "" && r.groups[g.Group] == nil:
		return errs.New(errs.NotFound, "exchange.unknown_group", "group", clip(g.Group))
	case g.Group == "" && !r.subsystems[g.Client] && !x.atHomeElsewhere(g.Client):
		return errs.New(errs.NotFound, "exchange.unknown_client", "client", g.Client.String())
	}
	return nil
}

// PutGroup makes a group without members, or gives one that is there another
// title; by is an opaque id. The caller has checked that whoever does it may: for
// the instance's groups an operator, else one who speaks for the member that keeps
// it. errs.Invalid "exchange.bad_group" names wrong fields.
func (x *Exchange) PutGroup(ctx context.Context, g Group, by string) (Group, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return Group{}, unavailable("exchange.rules_unreadable", err)
	}
	var wrong []errs.Field
	owner, ok := ParseGroup(g.ID)
	if !ok || owner != (MemberID{}) && r.members[owner] == nil {
		wrong = append(wrong, errs.NewField("id", "exchange.bad_group_id"))
	}
	for _, title := range []string{g.Title.VI, g.Title.EN} {
		if strings.TrimSpace(title) == "" || len(title) > maxText {
			wrong = append(wrong, errs.NewField("title", "exchange.title_missing"))
			break
		}
	}
	if len(wrong) > 0 {
		return Group{}, errs.New(errs.Invalid, "exchange.bad_group").With(wrong...)
	}
	err = x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return putGroup(ctx, q, g, groupChange{x.clock.Now(), by})
	})
	if err != nil {
		return Group{}, err
	}
	return x.group(ctx, g.ID)
}

// ChangeGroup takes subsystems into a group and out of it. It holds on the next
// request in every process. The caller has checked what PutGroup's has. Who is in
// already, or out, stays so. errs.NotFound "exchange.unknown_group", and
// "exchange.unknown_client" for a subsystem that is not on the exchange.
func (x *Exchange) ChangeGroup(ctx context.Context, groupID string, in, out []SubsystemID, by string) (Group, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return Group{}, unavailable("exchange.rules_unreadable", err)
	}
	for _, s := range in {
		if !r.subsystems[s] && !x.atHomeElsewhere(s) {
			return Group{}, errs.New(errs.NotFound, "exchange.unknown_client", "client", s.String())
		}
	}
	err = x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error {
		return moveMembers(ctx, q, Group{ID: groupID, Members: in}, out, groupChange{x.clock.Now(), by})
	})
	if err != nil {
		return Group{}, err
	}
	return x.group(ctx, groupID)
}

// RemoveGroup removes a group that no grant is given to any more. The caller has
// checked what PutGroup's has. errs.NotFound "exchange.unknown_group";
// errs.Conflict "exchange.group_in_use" while a grant to it is not revoked, for
// another group of that name would have its rights.
func (x *Exchange) RemoveGroup(ctx context.Context, groupID string) error {
	return x.store.change(ctx, x.raise, func(ctx context.Context, q Querier) error { return removeGroup(ctx, q, groupID) })
}

// Groups lists all groups with their members, in order of their identifiers.
func (x *Exchange) Groups(ctx context.Context) ([]Group, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return nil, unavailable("exchange.rules_unreadable", err)
	}
	out := make([]Group, 0, len(r.groups))
	for _, g := range r.groups {
		out = append(out, g.clone())
	}
	slices.SortFunc(out, func(a, b Group) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

func (x *Exchange) group(ctx context.Context, groupID string) (Group, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return Group{}, unavailable("exchange.rules_unreadable", err)
	}
	g := r.groups[groupID]
	if g == nil {
		return Group{}, errs.New(errs.NotFound, "exchange.unknown_group", "group", clip(groupID))
	}
	return g.clone(), nil
}

func (g *Group) clone() Group {
	c := *g
	c.Members = append([]SubsystemID{}, g.Members...)
	return c
}

// add puts a grant where its clients look for it.
func (r *rules) add(g *Grant) {
	r.all = append(r.all, g)
	clients := []SubsystemID{g.Client}
	if g.Group != "" {
		clients = nil
		if in := r.groups[g.Group]; in != nil {
			clients = in.Members
		}
	}
	for _, c := range clients {
		p := pair{c, g.Service}
		r.grants[p] = append(r.grants[p], g)
	}
}
