package directory

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Renewal asks for the next certificate of a node, signed by a signing key of the
// member that runs it: no human has a part in it.
type Renewal struct {
	Node      string    `json:"node"`
	CSR       string    `json:"csr"` // of a new key, PKCS #10 in PEM
	At        time.Time `json:"at"`  // of signing
	Key       string    `json:"key"` // id of the signing key
	Signature string    `json:"signature"`
}

// Rotation announces the next signing key of a member, signed by the present one
// and by the new one.
type Rotation struct {
	Member string    `json:"member"`
	Public string    `json:"public"` // the new key, 32 bytes in base64
	At     time.Time `json:"at"`     // of signing
	// Compromised says that others may hold the present key: it and all others of
	// the member are revoked at once, and the new one counts at once.
	Compromised  bool   `json:"compromised,omitempty"`
	Key          string `json:"key"` // id of the present key
	Signature    string `json:"signature"`
	NewSignature string `json:"new_signature"`
}

// Renewed is the new certificate. From is when others know it: until then the
// node goes on with the old one, which counts until OldUntil.
type Renewed struct {
	Certificate string    `json:"certificate"` // PEM
	From        time.Time `json:"from"`
	OldUntil    time.Time `json:"old_until"`
}

// Rotated says when the new key is used from, and until when the old one counts.
type Rotated struct {
	Key      string    `json:"key"` // id of the new key
	From     time.Time `json:"from"`
	OldUntil time.Time `json:"old_until"`
}

// signedWithin is how far the clocks of a member and of the registry may be apart.
const signedWithin = 10 * time.Minute

// RenewalText is what the signing key signs.
func RenewalText(instance string, r Renewal) string {
	der := []byte(r.CSR)
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	return strings.Join([]string{"dinh-directory-renewal/1", instance, r.Node, hashOf(der), r.At.UTC().Format(time.RFC3339)}, "\n") + "\n"
}

// RotationText is what the present and the new signing key sign.
func RotationText(instance string, r Rotation) string {
	return strings.Join([]string{"dinh-directory-rotation/1", instance, r.Member, r.Public, r.At.UTC().Format(time.RFC3339), strconv.FormatBool(r.Compromised)}, "\n") + "\n"
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// speaks says whose the key is that signed a wish, as the tables stand now: a key
// that was revoked a moment ago does not count because a directory still names it.
// errs.Forbidden "directory.not_by_member".
func (g *Registry) speaks(ctx context.Context, t tx, s spoken) (Member, error) {
	no := errs.New(errs.Forbidden, "directory.not_by_member")
	now := g.clock.Now()
	if now.Sub(s.at).Abs() > signedWithin {
		return Member{}, errs.New(errs.Invalid, "directory.signed_when")
	}
	if !thumbprint.MatchString(s.key) {
		return Member{}, no
	}
	owner, k, err := t.key(ctx, s.key)
	if err != nil {
		return Member{}, err
	}
	public, err := parsePublic(k.Public)
	signature, bad := decodeSignature(s.signature)
	if err != nil || bad != nil || !k.ValidAt(now) || !ed25519.Verify(public, []byte(s.text), signature) {
		return Member{}, no
	}
	m, own, err := t.member(ctx, owner)
	if err != nil || own || m.Status != "" {
		return Member{}, no
	}
	return m, nil
}

// thumbprint is what ids of keys look like.
var thumbprint = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// spoken is a text with the signature that speaks for a member.
type spoken struct {
	text, key, signature string
	at                   time.Time
}

// Renew certifies the next key of a node. Asking again with the same CSR gives
// the same certificate. Refusals: errs.Forbidden "directory.not_by_member",
// errs.Invalid "directory.signed_when" and "directory.bad_csr", errs.Conflict
// "directory.key_taken" and "directory.rotation_running".
func (g *Registry) Renew(ctx context.Context, r Renewal) (out Renewed, err error) {
	err = g.store.write(ctx, func(ctx context.Context, t tx) error {
		m, err := g.speaks(ctx, t, spoken{RenewalText(g.instance, r), r.Key, r.Signature, r.At})
		if err != nil {
			return err
		}
		if r.Node == "" || m.Node != r.Node {
			return errs.New(errs.Forbidden, "directory.not_by_member")
		}
		n, err := t.node(ctx, r.Node)
		if err != nil {
			return err
		}
		hosts := n.Hosts()
		csr, err := parseCSR(r.CSR, hosts)
		if err != nil {
			return errs.New(errs.Invalid, "directory.bad_csr").Wrap(err)
		}
		was, err := t.certificateBy(ctx, publicHash(csr))
		if err != nil {
			return err
		}
		if was.pem != "" {
			if was.node != r.Node || !was.RevokedAt.IsZero() {
				return errs.New(errs.Conflict, "directory.key_taken")
			}
			out = Renewed{Certificate: was.pem, From: was.From, OldUntil: was.From.Add(g.lifetime)}
			return nil
		}
		now := g.clock.Now()
		if coming, err := t.certificatesFrom(ctx, n.ID, now); err != nil || coming > 0 {
			if err == nil {
				err = errs.New(errs.Conflict, "directory.rotation_running")
			}
			return err
		}
		from, err := t.supersede(ctx, n.ID, now, g.lifetime)
		if err != nil {
			return err
		}
		out.From, out.OldUntil = from, from.Add(g.lifetime)
		out.Certificate, err = g.certify(ctx, t, wanted{node: n.ID, hosts: hosts, name: m.Name, csr: csr.Raw, key: publicHash(csr), from: from})
		return err
	})
	if err == nil {
		g.publishSoon(ctx)
	}
	return out, err
}

// Rotate lists the next signing key of a member. It counts from the moment when
// every directory that has not expired names it, and the old one counts as long
// again after that, so that there is no gap. Asking again with the same key gives
// the same answer. Refusals: errs.Forbidden "directory.not_by_member",
// errs.Invalid "directory.signed_when" and "directory.bad_key", errs.Conflict
// "directory.key_taken" and "directory.rotation_running".
func (g *Registry) Rotate(ctx context.Context, r Rotation) (out Rotated, err error) {
	public, err := parsePublic(r.Public)
	if err != nil {
		return Rotated{}, errs.New(errs.Invalid, "directory.bad_key").Wrap(err)
	}
	text := RotationText(g.instance, r)
	if s, err := decodeSignature(r.NewSignature); err != nil || !ed25519.Verify(public, []byte(text), s) {
		return Rotated{}, errs.New(errs.Invalid, "directory.bad_proof").With(errs.NewField("new_signature", "directory.bad_signature"))
	}
	next := Key{ID: Thumbprint(public), Public: r.Public}
	err = g.store.write(ctx, func(ctx context.Context, t tx) error {
		now := g.clock.Now()
		m, err := g.speaks(ctx, t, spoken{text, r.Key, r.Signature, r.At})
		if err != nil {
			return err
		}
		if m.ID() != r.Member {
			return errs.New(errs.Forbidden, "directory.not_by_member")
		}
		owner, was, err := t.key(ctx, next.ID)
		if err != nil {
			return err
		}
		_, old, err := t.key(ctx, r.Key)
		if err != nil {
			return err
		}
		switch {
		case owner == r.Member && was.RevokedAt.IsZero() && next.ID != r.Key:
			out = Rotated{Key: was.ID, From: was.From, OldUntil: old.Until}
			return nil
		case owner != "":
			return errs.New(errs.Conflict, "directory.key_taken")
		}
		next.From, out.OldUntil = now.Add(g.lifetime), now.Add(2*g.lifetime)
		if r.Compromised {
			next.From, out.OldUntil = now, now
			if err := t.revokeKeys(ctx, r.Member, now); err != nil {
				return err
			}
		} else if coming, err := t.keysFrom(ctx, r.Member, now); err != nil || coming > 0 {
			if err == nil {
				err = errs.New(errs.Conflict, "directory.rotation_running")
			}
			return err
		}
		if err := t.insertKey(ctx, r.Member, next); err != nil {
			return err
		}
		out.Key, out.From = next.ID, next.From
		return t.endOtherKeys(ctx, r.Member, next.ID, out.OldUntil)
	})
	if err == nil {
		g.publishSoon(ctx)
	}
	return out, err
}
