package directory

import (
	"context"
	"encoding/pem"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// RoleRegistrar is the role of officers who let members in and see them out.
const RoleRegistrar = "exchange-registrar"

// registrar says who decides, and whether they may: operators, and registrars of
// the member that runs the central node. errs.Forbidden "directory.no_registrar".
func (g *Registry) registrar(p auth.Principal) (Vote, error) {
	may := p.HasRole(auth.RoleOperator) || p.HasRole(RoleRegistrar) && (g.operator == "" || p.Member == g.operator)
	v := Vote{Officer: p.Officer, At: g.clock.Now()}
	if v.Officer == "" {
		v.Officer = p.Account
	}
	if !may || v.Officer == "" || p.IsClient() {
		return Vote{}, errs.New(errs.Forbidden, "directory.no_registrar")
	}
	if p.Number != "" && g.pseudonym != nil {
		v.person = g.pseudonym(p.Number)
	}
	return v, nil
}

// Requests lists what waits for the registrars and what they decided lately, the
// newest first. For registrars: errs.Forbidden "directory.no_registrar".
func (g *Registry) Requests(ctx context.Context, p auth.Principal) (all []Request, err error) {
	if _, err := g.registrar(p); err != nil {
		return nil, err
	}
	err = g.store.read(ctx, func(ctx context.Context, t tx) (err error) {
		all, err = t.requests(ctx)
		return err
	})
	return all, err
}

// Request gives one request, for registrars.
func (g *Registry) Request(ctx context.Context, p auth.Principal, requestID string) (r Request, err error) {
	if _, err := g.registrar(p); err != nil {
		return Request{}, err
	}
	err = g.store.read(ctx, func(ctx context.Context, t tx) (err error) {
		r, err = t.request(ctx, requestID)
		return err
	})
	return r, err
}

// Approve is one registrar's yes. The second, by somebody else, carries the
// request out: a certificate is issued, or the member's keys and certificates are
// revoked, and a new version of the directory is published. Refusals:
// errs.Forbidden "directory.no_registrar", errs.NotFound
// "directory.no_such_request", errs.Conflict "directory.not_proved",
// "directory.same_registrar", "directory.member_exists" and "directory.key_taken".
func (g *Registry) Approve(ctx context.Context, p auth.Principal, requestID string) (Request, error) {
	return g.decide(ctx, p, requestID, func(v *Vote) error { v.Verdict = Approved; return nil })
}

// Refuse is one registrar's no, which is enough; the reason reaches whoever
// asked. Refusals as of Approve, and errs.Invalid "directory.reason_missing".
func (g *Registry) Refuse(ctx context.Context, p auth.Principal, requestID, reason string) (Request, error) {
	return g.decide(ctx, p, requestID, func(v *Vote) error {
		v.Verdict, v.Reason = Refused, strings.TrimSpace(reason)
		return given(v.Reason)
	})
}

func given(reason string) error {
	if reason == "" || utf8.RuneCountInString(reason) > 4000 || !plain(reason, true) {
		return errs.New(errs.Invalid, "directory.reason_missing").With(errs.NewField("reason", "directory.reason_missing"))
	}
	return nil
}

func (g *Registry) decide(ctx context.Context, p auth.Principal, requestID string, verdict func(*Vote) error) (r Request, err error) {
	v, err := g.registrar(p)
	if err != nil {
		return Request{}, err
	}
	if err := verdict(&v); err != nil {
		return Request{}, err
	}
	err = g.store.write(ctx, func(ctx context.Context, t tx) (err error) {
		if r, err = t.request(ctx, requestID); err != nil {
			return err
		}
		if r.State != Proved {
			return errs.New(errs.Conflict, "directory.not_proved", "state", r.State)
		}
		return g.vote(ctx, t, &r, v)
	})
	if err != nil {
		return Request{}, err
	}
	if r.State == Approved {
		g.publishSoon(ctx)
	}
	return r, nil
}

// vote adds a voice and does what follows from it. Whoever said yes may still say
// no; nobody says yes twice.
func (g *Registry) vote(ctx context.Context, t tx, r *Request, v Vote) error {
	if v.Verdict == Approved && r.approvedBy(v) {
		return errs.New(errs.Conflict, "directory.same_registrar")
	}
	if err := t.putVote(ctx, r.ID, v); err != nil {
		return err
	}
	r.Votes = append(r.Votes, v)
	switch {
	case v.Verdict == Refused:
		r.State, r.DecidedAt = Refused, v.At
		if r.Kind == Join { // of a measure the reason for it stays
			r.Reason = v.Reason
		}
	case len(r.Votes) < voicesNeeded: // all of them yes: a no would have ended it
		return nil
	default:
		r.State, r.DecidedAt = Approved, v.At
		if err := g.carryOut(ctx, t, r); err != nil {
			return err
		}
	}
	return t.setState(ctx, *r)
}

// approvedBy says whether somebody said yes before, as this officer or another.
func (r Request) approvedBy(v Vote) bool {
	return slices.ContainsFunc(r.Votes, func(was Vote) bool {
		return was.Verdict == Approved && (was.Officer == v.Officer || was.person != "" && was.person == v.person)
	})
}

// isOwn says whether a member is the central node's own.
func (g *Registry) isOwn(ctx context.Context, member string) (own bool, err error) {
	err = g.store.read(ctx, func(ctx context.Context, t tx) error {
		_, own, err = t.member(ctx, member)
		return err
	})
	return own, err
}

func (g *Registry) carryOut(ctx context.Context, t tx, r *Request) error {
	if r.Kind == Join {
		return g.admit(ctx, t, r.Application)
	}
	return g.expel(ctx, t, r)
}

// admit lists a member with its node, key and certificate. A member that was
// suspended or removed comes back this way, with new keys.
func (g *Registry) admit(ctx context.Context, t tx, a Application) error {
	if err := t.free(ctx, a); err != nil {
		return err
	}
	csr, err := parseCSR(a.CSR, a.Hosts())
	if err != nil {
		return err
	}
	public, err := parsePublic(a.Key)
	if err != nil {
		return err
	}
	now := g.clock.Now()
	m := Member{Class: a.Class, Code: a.Code, Name: a.Name, Subsystems: a.Subsystems, Node: a.NodeID()}
	if err := t.putMember(ctx, m, false); err != nil {
		return err
	}
	if err := t.putNode(ctx, Node{ID: a.NodeID(), Address: a.Address, LedgerKey: a.LedgerKey}); err != nil {
		return err
	}
	if err := t.insertKey(ctx, a.Member(), Key{ID: Thumbprint(public), Public: a.Key, From: now}); err != nil {
		return err
	}
	_, err = g.certify(ctx, t, wanted{node: a.NodeID(), name: a.Name, hosts: a.Hosts(), csr: csr.Raw, key: publicHash(csr), from: now})
	return err
}

// wanted is a certificate that was allowed.
type wanted struct {
	node  string
	hosts []string
	name  i18n.Text
	csr   []byte
	key   string // hash of its public key
	from  time.Time
}

// certify has a certificate issued and lists it. What the CSR says of names is
// not used: the certificate says what the registrars saw.
func (g *Registry) certify(ctx context.Context, t tx, w wanted) (string, error) {
	if g.issuer == nil {
		return "", errs.New(errs.Unavailable, "directory.no_issuer")
	}
	c, err := g.issuer.IssueNode(ctx, w.csr, keys.Name{CommonName: w.node, Organization: w.name.In(i18n.VI), Hosts: w.hosts})
	if err != nil {
		return "", err
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	return text, t.insertCertificate(ctx, issued{
		node: w.node, key: w.key, pem: text,
		Certificate: Certificate{Fingerprint: Fingerprint(c), Serial: c.SerialNumber.Text(16), From: w.from, Until: c.NotAfter},
	})
}

// expel revokes all that a member has. What it signed before goes on verifying.
func (g *Registry) expel(ctx context.Context, t tx, r *Request) error {
	m, own, err := t.member(ctx, r.Member)
	if err != nil {
		return err
	}
	if err := movable(m, own); err != nil {
		return err
	}
	serials, err := t.serials(ctx, m.Node)
	if err != nil {
		return err
	}
	for _, s := range serials {
		if g.issuer == nil {
			return errs.New(errs.Unavailable, "directory.no_issuer")
		}
		if err := g.issuer.RevokeNode(ctx, s, r.Kind); err != nil {
			return err
		}
	}
	if err := t.revokeAll(ctx, m, g.clock.Now()); err != nil {
		return err
	}
	if err := t.endJoin(ctx, r.Member, r.Reason); err != nil {
		return err
	}
	m.Status, m.Node = Suspended, ""
	if r.Kind == Remove {
		m.Status, m.Subsystems = Removed, nil
	}
	return t.putMember(ctx, m, false)
}

func movable(m Member, own bool) error {
	if own {
		return errs.New(errs.Conflict, "directory.own_member", "member", m.ID())
	}
	if m.Status == Removed {
		return errs.New(errs.Conflict, "directory.not_active", "member", m.ID())
	}
	return nil
}

// Propose begins a suspension or removal, with the proposer's own yes; a second
// registrar's makes it so. Refusals as of Approve, errs.Invalid
// "directory.reason_missing", errs.NotFound "directory.no_such_member",
// errs.Conflict "directory.own_member", "directory.not_active" and
// "directory.proposed".
func (g *Registry) Propose(ctx context.Context, p auth.Principal, kind, member, reason string) (r Request, err error) {
	v, err := g.registrar(p)
	if err != nil {
		return Request{}, err
	}
	reason = strings.TrimSpace(reason)
	if err := given(reason); err != nil {
		return Request{}, err
	}
	if kind != Suspend && kind != Remove {
		return Request{}, errs.New(errs.NotFound, "directory.no_such_measure")
	}
	v.Verdict = Approved
	r = Request{ID: id.New(v.At), Kind: kind, Member: member, State: Proved, AskedAt: v.At, Reason: reason, Votes: []Vote{v}}
	err = g.store.write(ctx, func(ctx context.Context, t tx) error {
		m, own, err := t.member(ctx, member)
		if err != nil {
			return err
		}
		if err := movable(m, own); err != nil {
			return err
		}
		if m.Status == Suspended && kind == Suspend {
			return errs.New(errs.Conflict, "directory.not_active", "member", member)
		}
		if n, err := t.countProposed(ctx, kind, member); err != nil || n > 0 {
			if err == nil {
				err = errs.New(errs.Conflict, "directory.proposed", "member", member)
			}
			return err
		}
		if err := t.insertRequest(ctx, r, "", ""); err != nil {
			return err
		}
		return t.putVote(ctx, r.ID, v)
	})
	return r, err
}
