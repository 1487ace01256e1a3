package exchange

import (
	"context"
	"crypto/ed25519"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// Signer signs and verifies messages for members. It is the seam for signatures
// over batches and for keys that live elsewhere.
type Signer interface {
	// KeyID names the key a member signs with now.
	KeyID(ctx context.Context, member MemberID) (string, error)
	// Sign signs with a key that KeyID gave.
	Sign(ctx context.Context, keyID string, message []byte) ([]byte, error)
	// Verify checks that the key is the member's and that it made the signature:
	// errs.Forbidden "exchange.wrong_key" or "exchange.signature_false".
	Verify(ctx context.Context, member MemberID, keyID string, s Signed) error
}

// Signed is a message with its signature.
type Signed struct{ Message, Signature []byte }

// MemberKeys is the Signer that an exchange uses when it is given none: members'
// current Ed25519 keys. A Signer that does more for some members wraps it.
func MemberKeys(k Keystore) Signer { return memberKeys{k} }

type memberKeys struct{ keys Keystore }

func (m memberKeys) KeyID(ctx context.Context, member MemberID) (string, error) {
	k, err := m.keys.Current(ctx, member.String(), keys.Sign)
	return k.ID, err
}

func (m memberKeys) Sign(ctx context.Context, keyID string, message []byte) ([]byte, error) {
	return m.keys.Sign(ctx, keyID, message)
}

func (m memberKeys) Verify(ctx context.Context, member MemberID, keyID string, s Signed) error {
	k, err := m.keys.Key(ctx, keyID)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return err
	}
	public, ok := k.Public.(ed25519.PublicKey)
	if err != nil || !ok || k.Owner != member.String() || k.Use != keys.Sign {
		return errs.New(errs.Forbidden, "exchange.wrong_key", "member", member.String()).Wrap(err)
	}
	if !ed25519.Verify(public, s.Message, s.Signature) {
		return errs.New(errs.Forbidden, "exchange.signature_false", "member", member.String())
	}
	return nil
}
