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
	if !slices.Contains([]string{"GOV", "COM", "NGO"}, m.Class) || !validSegment(m.Code) || m.Name.IsZero() {
		return errs.New(errs.Invalid, "exchange.bad_member", "id", clip(m.ID().String()))
	}
	for _, s := range m.Subsystems {
		if !validSegment(s.Code) {
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
// "exchange.unknown_service" when one side is no subsystem here.
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
	if !r.subsystems[g.Client] && !x.atHomeElsewhere(g.Client) {
		return errs.New(errs.NotFound, "exchange.unknown_client", "client", g.Client.String())
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
	var out []Grant
	for _, gs := range r.grants {
		for _, g := range gs {
			out = append(out, *g)
		}
	}
	slices.SortFunc(out, func(a, b Grant) int {
		return cmp.Or(strings.Compare(a.Client.String(), b.Client.String()),
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
