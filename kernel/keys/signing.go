package keys

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// signer is a key with its private half, parsed and ready.
type signer struct {
	key     Key
	private crypto.Signer
	until   time.Time // when Retired is to be read again
}

// Ensure returns the current key of an owner for a use and makes it if there is none: any number of
// callers and processes at once get the same one. A certificate that ends within 30 days is renewed
// with a new key under the name given. A wrong use is errs.Invalid "keys.unknown_use", a certificate
// without a name errs.Invalid "keys.name_missing".
func (k *Keys) Ensure(ctx context.Context, owner string, use Use, name Name) (Key, error) {
	if use == useCA || use == useOCSP && owner != "" {
		return Key{}, unknownUse(use) // the authority is made by Open, its responder by OCSP, and by nobody else
	}
	key, err := k.Current(ctx, owner, use)
	switch {
	case err == nil && !k.ending(key):
		return key, nil
	case err == nil:
		return k.replace(ctx, key, &name)
	case errs.CodeOf(err) != "keys.no_key":
		return Key{}, err
	}
	rec, err := k.newRecord(slot{owner, use}, name)
	if err != nil {
		return Key{}, err
	}
	err = k.db.Write(ctx, func(ctx context.Context, q db.Querier) error { return insertKey(ctx, q, rec) })
	if err != nil {
		return Key{}, err
	}
	return k.Current(ctx, owner, use) // another may have been first
}

func (k *Keys) ending(key Key) bool {
	return !key.NotAfter.IsZero() && k.clock.Now().Add(renewBefore).After(key.NotAfter)
}

// Rotate retires the current key of an owner and makes a new one under the same name. The old one
// goes on verifying. Without a current key it is errs.NotFound "keys.no_key".
func (k *Keys) Rotate(ctx context.Context, owner string, use Use) (Key, error) {
	if use == useCA {
		return Key{}, unknownUse(use) // every certificate hangs on it
	}
	key, err := k.Current(ctx, owner, use)
	if err != nil {
		return Key{}, err
	}
	return k.replace(ctx, key, nil)
}

// replace puts a new key in the place of an old one, unless somebody else did so before.
func (k *Keys) replace(ctx context.Context, old Key, name *Name) (Key, error) {
	at := slot{old.Owner, old.Use}
	err := k.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		was, err := retireKey(ctx, q, old.ID, k.clock.Now().UnixMicro())
		if err != nil || was == nil {
			return err
		}
		if name == nil {
			name = was
		}
		rec, err := k.newRecord(at, *name)
		if err != nil {
			return err
		}
		if err := insertKey(ctx, q, rec); err != nil {
			return err
		}
		k.forget(at, old.ID)
		db.AfterCommit(ctx, func() { k.forget(at, old.ID) })
		return nil
	})
	if err != nil {
		return Key{}, err
	}
	k.forget(at, old.ID) // also when it was another process that replaced it
	return k.Current(ctx, old.Owner, old.Use)
}

func (k *Keys) forget(at slot, kid string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.current, at)
	delete(k.byID, kid)
	k.epoch++
}

// Current returns the key that an owner signs with now; errs.NotFound "keys.no_key" if there is none.
func (k *Keys) Current(ctx context.Context, owner string, use Use) (Key, error) {
	at, now := slot{owner, use}, k.clock.Now()
	k.mu.RLock()
	c, ok := k.current[at]
	s := k.byID[c.kid]
	epoch := k.epoch
	k.mu.RUnlock()
	if ok && s != nil && now.Before(c.until) {
		return s.key, nil
	}
	var rec *record
	err := k.db.Read(ctx, func(ctx context.Context, q db.Querier) (err error) {
		rec, err = readCurrent(ctx, q, at)
		return err
	})
	if err != nil {
		return Key{}, err
	}
	s, err = k.open(rec)
	if err != nil {
		return Key{}, err
	}
	afterCommit(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.epoch != epoch {
			return // read before a rotation: it may be the retired one
		}
		k.byID[s.key.ID] = s
		k.current[at] = cached{kid: s.key.ID, until: now.Add(cacheFor)}
	})
	return s.key, nil
}

// Key returns a key by its id, current or retired; errs.NotFound "keys.no_key".
func (k *Keys) Key(ctx context.Context, kid string) (Key, error) {
	s, err := k.lookup(ctx, kid, true)
	if err != nil {
		return Key{}, err
	}
	return s.key, nil
}

// Sign signs a message: Ed25519 over the message itself, ECDSA over its SHA-256 with an ASN.1
// signature. Once the key is in memory it costs only the signature. An unknown key is errs.NotFound
// "keys.no_key".
func (k *Keys) Sign(ctx context.Context, kid string, msg []byte) ([]byte, error) {
	s, err := k.lookup(ctx, kid, false)
	if err != nil {
		return nil, err
	}
	if s.key.Alg == EdDSA {
		return s.private.Sign(rand.Reader, msg, crypto.Hash(0))
	}
	digest := sha256.Sum256(msg)
	return s.private.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// CryptoSigner gives a key to libraries that sign with a crypto.Signer. It shows nothing of the
// private key.
func (k *Keys) CryptoSigner(ctx context.Context, kid string) (crypto.Signer, error) {
	s, err := k.lookup(ctx, kid, false)
	if err != nil {
		return nil, err
	}
	return opaque{s.private}, nil
}

// opaque hides the type of a private key, so that nobody can take it out.
type opaque struct{ crypto.Signer }

// TLSCertificate gives a TLS key with its chain to a tls.Config.
func (k *Keys) TLSCertificate(ctx context.Context, kid string) (tls.Certificate, error) {
	s, err := k.lookup(ctx, kid, false)
	if err != nil {
		return tls.Certificate{}, err
	}
	if s.key.Certificate == nil {
		return tls.Certificate{}, errs.New(errs.Invalid, "keys.no_certificate", "kid", kid)
	}
	return tls.Certificate{
		Certificate: [][]byte{s.key.Certificate.Raw, k.CA().Raw},
		PrivateKey:  opaque{s.private},
		Leaf:        s.key.Certificate,
	}, nil
}

// lookup finds a signer by id; fresh asks that Retired is not older than cacheFor.
func (k *Keys) lookup(ctx context.Context, kid string, fresh bool) (*signer, error) {
	k.mu.RLock()
	s, epoch := k.byID[kid], k.epoch
	k.mu.RUnlock()
	if s != nil && (!fresh || k.clock.Now().Before(s.until)) {
		return s, nil
	}
	var rec *record
	err := k.db.Read(ctx, func(ctx context.Context, q db.Querier) (err error) {
		rec, err = readKey(ctx, q, kid)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s, err = k.open(rec); err != nil {
		return nil, err
	}
	afterCommit(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.epoch == epoch {
			k.byID[kid] = s
		}
	})
	return s, nil
}

// JWKS is the public keys of an owner as a JSON Web Key Set, the newest first: also the retired ones,
// which still verify what they signed. An owner without keys has an empty set.
func (k *Keys) JWKS(ctx context.Context, owner string) ([]byte, error) {
	var recs []*record
	err := k.db.Read(ctx, func(ctx context.Context, q db.Querier) (err error) {
		recs, err = readOwner(ctx, q, owner)
		return err
	})
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, rec := range recs {
		if rec.use == TLS {
			continue // names a connection, signs nothing
		}
		key, err := rec.publicKey()
		if err != nil {
			return nil, err
		}
		jwk := jose.JSONWebKey{Key: key.Public, KeyID: key.ID, Algorithm: key.Alg, Use: "sig"}
		if key.Certificate != nil {
			jwk.Certificates = []*x509.Certificate{key.Certificate, k.CA()}
		}
		set.Keys = append(set.Keys, jwk)
	}
	return json.Marshal(set)
}
