package directory

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"log/slog"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// skew is how far other nodes' clocks may be behind: a key is used that long after
// it begins to count.
const skew = 5 * time.Minute

// useFrom is when a new key takes the place of the old one: no later than in the
// middle of the time in which both count, however short the directory's life is.
func useFrom(from, oldUntil time.Time) time.Time {
	return from.Add(max(0, min(skew, oldUntil.Sub(from)/2)))
}

// Run tends the membership until ctx ends, and changes to new keys in time. What
// fails is logged and tried again.
func (a *Agent) Run(ctx context.Context, every time.Duration) error {
	tick, look := time.NewTicker(every), time.NewTicker(knownFor/2)
	defer tick.Stop()
	defer look.Stop()
	for {
		if err := a.Tend(ctx); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "this house's membership was not tended", slog.Any("err", err))
		}
		for wait := true; wait; {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				wait = false
			case <-look.C:
				s, err := a.seat(ctx)
				wait = err != nil || !s.due(a.clock.Now())
			}
		}
	}
}

// due says whether the time of a new key or certificate has come.
func (s Seat) due(now time.Time) bool {
	return s.NextCertificate != "" && !now.Before(s.NextTLSFrom) || !s.NextKeyFrom.IsZero() && (s.Compromised || !now.Before(s.NextKeyFrom))
}

// Tend does what is due: it fetches the certificate once the registrars have
// decided, asks for the next one when a third of the present one's life is left,
// finishes what was begun, and changes to keys whose time has come.
func (a *Agent) Tend(ctx context.Context) error {
	s, err := a.store.seat(ctx)
	if errs.CodeOf(err) == "directory.no_seat" {
		return nil
	}
	if err != nil {
		return err
	}
	if s.Certificate == "" {
		if s.State == Asked || s.State == Proved || s.State == Approved {
			_, err = a.Status(ctx)
		}
		return err
	}
	if s.NextKey != "" && s.NextKeyFrom.IsZero() {
		_, err = a.announce(ctx, s)
	}
	if s.NextTLSKey != "" && s.NextCertificate == "" || s.NextTLSKey == "" && a.ending(s) {
		_, renewErr := a.Renew(ctx)
		err = errors.Join(err, renewErr)
	}
	return errors.Join(err, a.change(ctx))
}

func (a *Agent) ending(s Seat) bool {
	c, err := parseLeaf(s.Certificate)
	if err != nil {
		return false
	}
	return a.clock.Now().After(c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3))
}

// change takes new keys into use when everybody knows them.
func (a *Agent) change(ctx context.Context) error {
	_, err := a.rewrite(ctx, func(s *Seat) error {
		now := a.clock.Now()
		if s.NextCertificate != "" && !now.Before(s.NextTLSFrom) {
			s.TLSKey, s.Certificate, s.NextTLSKey, s.NextCertificate, s.NextTLSFrom = s.NextTLSKey, s.NextCertificate, "", "", time.Time{}
			a.log.InfoContext(ctx, "the node's new certificate is in use")
		}
		if !s.NextKeyFrom.IsZero() && (s.Compromised || !now.Before(s.NextKeyFrom)) {
			s.Key, s.NextKey, s.NextKeyFrom, s.Compromised = s.NextKey, "", time.Time{}, false
			a.log.InfoContext(ctx, "the member's new signing key is in use", slog.String("key", s.Key))
		}
		return nil
	})
	return err
}

// Renew asks for the node's next certificate now. It is used when everybody knows
// it; until then the present one is.
func (a *Agent) Renew(ctx context.Context) (Renewed, error) {
	s, err := a.store.seat(ctx)
	if err != nil {
		return Renewed{}, err
	}
	if s.Certificate == "" {
		return Renewed{}, errs.New(errs.Conflict, "directory.not_member_yet")
	}
	if s.NextTLSKey == "" {
		next, err := a.newTLSKey(ctx, s.Application)
		if err != nil {
			return Renewed{}, err
		}
		s, err = a.rewrite(ctx, func(now *Seat) error {
			if now.NextTLSKey == "" {
				now.NextTLSKey = next
			}
			return nil
		})
		if err != nil {
			return Renewed{}, err
		}
	}
	r := Renewal{Node: s.Application.NodeID(), At: a.clock.Now().UTC().Truncate(time.Second), Key: s.Key}
	if r.CSR, err = a.csr(ctx, s.NextTLSKey, s.Application.Hosts()); err != nil {
		return Renewed{}, err
	}
	if r.Signature, err = a.sign(ctx, s.Key, RenewalText(a.instance, r)); err != nil {
		return Renewed{}, err
	}
	out, err := a.central.renew(ctx, r)
	if err != nil {
		return Renewed{}, err
	}
	_, err = a.rewrite(ctx, func(now *Seat) error {
		if now.NextTLSKey == s.NextTLSKey {
			now.NextCertificate, now.NextTLSFrom = out.Certificate, useFrom(out.From, out.OldUntil)
		}
		return nil
	})
	return out, err
}

// Rotate announces a new signing key. It is used when everybody knows it, unless
// compromised says that others may hold the present one: then that one is revoked,
// and the new one used, at once.
func (a *Agent) Rotate(ctx context.Context, compromised bool) (Rotated, error) {
	s, err := a.store.seat(ctx)
	if err != nil {
		return Rotated{}, err
	}
	if s.Certificate == "" {
		return Rotated{}, errs.New(errs.Conflict, "directory.not_member_yet")
	}
	if s.NextKey != "" && !compromised {
		return a.announce(ctx, s)
	}
	next, err := a.keys.Ensure(ctx, s.Application.Member()+"/"+id.New(a.clock.Now()), keys.Sign, keys.Name{CommonName: s.Application.Member()})
	if err != nil {
		return Rotated{}, err
	}
	s, err = a.rewrite(ctx, func(now *Seat) error {
		now.NextKey, now.NextKeyFrom, now.Compromised = next.ID, time.Time{}, compromised
		return nil
	})
	if err != nil {
		return Rotated{}, err
	}
	return a.announce(ctx, s)
}

// announce tells the central node of the next key; again after a stop.
func (a *Agent) announce(ctx context.Context, s Seat) (Rotated, error) {
	next, err := a.keys.Key(ctx, s.NextKey)
	if err != nil {
		return Rotated{}, err
	}
	public, ok := next.Public.(ed25519.PublicKey)
	if !ok {
		return Rotated{}, errs.New(errs.Invalid, "directory.bad_key")
	}
	r := Rotation{
		Member: s.Application.Member(), Public: base64.StdEncoding.EncodeToString(public), At: a.clock.Now().UTC().Truncate(time.Second),
		Compromised: s.Compromised, Key: s.Key,
	}
	text := RotationText(a.instance, r)
	if r.Signature, err = a.sign(ctx, s.Key, text); err != nil {
		return Rotated{}, err
	}
	if r.NewSignature, err = a.sign(ctx, s.NextKey, text); err != nil {
		return Rotated{}, err
	}
	out, err := a.central.rotate(ctx, r)
	if err != nil {
		return Rotated{}, err
	}
	_, err = a.rewrite(ctx, func(now *Seat) error {
		if now.NextKey == s.NextKey {
			now.NextKeyFrom = useFrom(out.From, out.OldUntil)
		}
		return nil
	})
	if err == nil && s.Compromised {
		err = a.change(ctx)
	}
	return out, err
}

func (a *Agent) sign(ctx context.Context, kid, text string) (string, error) {
	s, err := a.keys.Sign(ctx, kid, []byte(text))
	return base64.StdEncoding.EncodeToString(s), err
}
