package ledger

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// NewKey makes a signing key and its verifier key for an origin, in the text form of signed notes.
// The first is secret; the second is published so that anybody can check receipts.
func NewKey(origin string) (skey, vkey string, err error) {
	return note.GenerateKey(rand.Reader, origin)
}

// VerifierKey is the public text form of an Ed25519 key that signs for an origin.
func VerifierKey(origin string, public ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(origin, public)
}

// NewSigner makes a checkpoint signer of an Ed25519 key that lives elsewhere: in the keystore
// (keys.CryptoSigner) or in hardware.
func NewSigner(origin string, key crypto.Signer) (note.Signer, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("ledger: checkpoints are signed with Ed25519, this key is a %T", key.Public())
	}
	vkey, err := VerifierKey(origin, public)
	if err == nil {
		_, err = note.NewVerifier(vkey)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: %q cannot be the name of a log (no spaces, no plus sign): %w", origin, err)
	}
	return heldSigner{name: origin, hash: keyHash(origin, public), key: key}, nil
}

type heldSigner struct {
	name string
	hash uint32
	key  crypto.Signer
}

func (s heldSigner) Name() string    { return s.name }
func (s heldSigner) KeyHash() uint32 { return s.hash }

func (s heldSigner) Sign(msg []byte) ([]byte, error) {
	return s.key.Sign(rand.Reader, msg, crypto.Hash(0))
}

// keyHash is the key id of signed notes: SHA-256 of name, newline, algorithm byte (1: Ed25519) and key.
func keyHash(name string, public ed25519.PublicKey) uint32 {
	return keyID(name, append([]byte{1}, public...))
}

func keyID(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}
