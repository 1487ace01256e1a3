package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// newRecord makes a key with all that the table holds of it. The authority has none above it.
func (k *Keys) newRecord(at slot, name Name) (*record, error) {
	var template *x509.Certificate
	now := k.clock.Now()
	switch at.use {
	case Sign, Token:
	case useCA:
		template = caTemplate(k.instance, now)
	case Document, TLS, Time, useOCSP:
		var err error
		if template, err = leafTemplate(at.use, name, now); err != nil {
			return nil, errs.New(errs.Invalid, "keys.name_missing", "owner", at.owner, "use", string(at.use)).Wrap(err)
		}
		if at.use == TLS {
			k.addSources(template)
		}
	default:
		return nil, unknownUse(at.use)
	}
	private, alg, err := generate(at.use)
	if err != nil {
		return nil, err
	}
	rec := &record{owner: at.owner, use: at.use, alg: alg, name: name, created: now.UnixMicro()}
	if rec.kid, err = thumbprint(private.Public()); err != nil {
		return nil, err
	}
	if rec.public, err = x509.MarshalPKIXPublicKey(private.Public()); err != nil {
		return nil, err
	}
	if template != nil {
		if rec.certificate, err = certifyOwn(template, private, k.ca); err != nil {
			return nil, err
		}
		rec.notAfter = template.NotAfter.UnixMicro()
	}
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	rec.private = wrap(k.wrapKeys, plain, rec.binding())
	return rec, nil
}

// open unwraps the private key of a record.
func (k *Keys) open(rec *record) (*signer, error) {
	key, err := rec.publicKey()
	if err != nil {
		return nil, err
	}
	plain, err := unwrap(k.wrapKeys, rec.private, rec.binding())
	if err != nil {
		return nil, wrongMaster(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fmt.Errorf("keys: private key %s: %w", rec.kid, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("keys: private key %s is a %T, which cannot sign", rec.kid, parsed)
	}
	return &signer{key: key, private: private, until: k.clock.Now().Add(cacheFor)}, nil
}

// openCA loads the authority or makes it; of two processes that start together the first wins.
func (k *Keys) openCA(ctx context.Context) error {
	at := slot{"", useCA}
	load := func() error {
		return k.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
			rec, err := readCurrent(ctx, q, at)
			if err != nil {
				return err
			}
			k.ca, err = k.open(rec)
			return err
		})
	}
	err := load()
	if errs.CodeOf(err) != "keys.no_key" {
		return err
	}
	rec, err := k.newRecord(at, Name{})
	if err != nil {
		return err
	}
	if err := k.db.Write(ctx, func(ctx context.Context, q db.Querier) error { return insertKey(ctx, q, rec) }); err != nil {
		return err
	}
	return load()
}

func unknownUse(use Use) error {
	return errs.New(errs.Invalid, "keys.unknown_use", "use", string(use))
}

func wrongMaster(cause error) error {
	return errs.New(errs.Internal, "keys.wrong_master").Wrap(fmt.Errorf(
		"keys: the master key does not open this database: put back the key file (or %s) that belongs to it: %w", MasterEnv, cause))
}

// thumbprint is the RFC 7638 name of a public key.
func thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}
