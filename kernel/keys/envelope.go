package keys

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// sealVersion begins everything sealed, so that the scheme can change under old data.
const sealVersion = 1

// Overhead is how much longer sealed data is than plain.
const Overhead = 1 + 12 + 16

// cachedSubjects bounds the data keys held in memory.
const cachedSubjects = 10_000

type dataKey struct {
	aead  cipher.AEAD
	until time.Time
}

// derive makes independent keys of the master key; a weakness of one use is not one of another.
func (k *Keys) derive(master [32]byte) error {
	sub := func(label string) []byte {
		// Cannot fail: the length is far below HKDF's limit.
		b, err := hkdf.Key(sha256.New, master[:], nil, "dinh keys v1 "+label, 32)
		if err != nil {
			panic(err)
		}
		return b
	}
	var err error
	if k.wrapKeys, err = newAEAD(sub("private keys")); err != nil {
		return err
	}
	if k.wrapSubjects, err = newAEAD(sub("subjects")); err != nil {
		return err
	}
	k.pseudonym, k.content = sub("pseudonyms"), sub("contents")
	return nil
}

// newAEAD is AES-256-GCM that puts its random nonce before the ciphertext.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// wrap seals under an AEAD: version, nonce, ciphertext, tag.
func wrap(aead cipher.AEAD, plain []byte, aad string) []byte {
	out := make([]byte, 1, 1+len(plain)+aead.Overhead())
	out[0] = sealVersion
	return aead.Seal(out, nil, plain, []byte(aad))
}

func unwrap(aead cipher.AEAD, sealed []byte, aad string) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != sealVersion {
		return nil, fmt.Errorf("not sealed data of version %d", sealVersion)
	}
	return aead.Open(nil, nil, sealed[1:], []byte(aad))
}

// bind makes the additional data of a subject: what is sealed for one cannot be passed off as
// sealed for another, nor for another purpose.
func bind(subject string, aad []byte) string { return "subject\x00" + subject + "\x00" + string(aad) }

// Seal encrypts for a subject (a person, an organisation, a file's owner), whose data key it makes
// at need. aad says what the data is and must be the same for Unseal. A destroyed subject is
// errs.Gone "keys.subject_destroyed".
func (k *Keys) Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error) {
	name := k.subjectName(subject)
	aead, err := k.dataKey(ctx, name, true)
	if err != nil {
		return nil, err
	}
	return wrap(aead, plain, bind(name, aad)), nil
}

// Unseal decrypts what Seal made. Errors: errs.Gone "keys.subject_destroyed" after Destroy;
// errs.NotFound "keys.unknown_subject" if nothing was ever sealed for the subject; errs.Invalid
// "keys.sealed_damaged" if the data, the subject or aad is not that of Seal.
func (k *Keys) Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error) {
	name := k.subjectName(subject)
	aead, err := k.dataKey(ctx, name, false)
	if err != nil {
		return nil, err
	}
	plain, err := unwrap(aead, sealed, bind(name, aad))
	if err != nil {
		return nil, errs.New(errs.Invalid, "keys.sealed_damaged").Wrap(err)
	}
	return plain, nil
}

// Destroy makes everything sealed for a subject unreadable, for good: nothing can be sealed for or
// read of this subject again, also if nothing had been sealed yet. It may be repeated. Inside
// db.Write it counts from the commit on. Backups taken before still hold the wrapped key: their
// retention is the last word on erasure.
func (k *Keys) Destroy(ctx context.Context, subject string) error {
	name := k.subjectName(subject)
	return k.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if err := destroySubject(ctx, q, name, k.clock.Now().UnixMicro()); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			delete(k.deks, name)
			k.epoch++
		})
		return nil
	})
}

// dataKey returns the data key of a subject from memory or the table, and makes it if asked to.
func (k *Keys) dataKey(ctx context.Context, name string, create bool) (cipher.AEAD, error) {
	now := k.clock.Now()
	k.mu.RLock()
	dk, ok := k.deks[name]
	epoch := k.epoch
	k.mu.RUnlock()
	if ok && now.Before(dk.until) {
		return dk.aead, nil
	}
	aead, err := k.loadDataKey(ctx, name)
	if errs.CodeOf(err) == "keys.unknown_subject" && create {
		aead, err = k.createDataKey(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	afterCommit(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.epoch != epoch {
			return // read before a destruction: it may be the destroyed one
		}
		if len(k.deks) >= cachedSubjects {
			clear(k.deks)
		}
		k.deks[name] = dataKey{aead: aead, until: now.Add(cacheFor)}
	})
	return aead, nil
}

// afterCommit remembers what was read: at once, or when the transaction that saw it has come true.
func afterCommit(ctx context.Context, remember func()) {
	if db.InTx(ctx) {
		db.AfterCommit(ctx, remember)
		return
	}
	remember()
}

func (k *Keys) loadDataKey(ctx context.Context, name string) (cipher.AEAD, error) {
	var wrapped []byte
	err := k.db.Read(ctx, func(ctx context.Context, q db.Querier) (err error) {
		wrapped, err = readSubject(ctx, q, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	dek, err := unwrap(k.wrapSubjects, wrapped, bind(name, nil))
	if err != nil {
		return nil, wrongMaster(err)
	}
	return newAEAD(dek)
}

func (k *Keys) createDataKey(ctx context.Context, name string) (cipher.AEAD, error) {
	dek := make([]byte, 32)
	rand.Read(dek) // never fails: crypto/rand ends the program instead
	wrapped := wrap(k.wrapSubjects, dek, bind(name, nil))
	err := k.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		return insertSubject(ctx, q, name, wrapped, k.clock.Now().UnixMicro())
	})
	if err != nil {
		return nil, err
	}
	return k.loadDataKey(ctx, name) // another may have been first
}

// subjectName is how a subject is called in tables: never by its number.
func (k *Keys) subjectName(subject string) string { return k.Pseudonym("subject\x00" + subject) }

// Pseudonym is the way to index people without their number: the same value always gives the same 32
// hexadecimal characters, and nobody without the master key can tell or test which value it was.
func (k *Keys) Pseudonym(value string) string {
	h := hmac.New(sha256.New, k.pseudonym)
	h.Write([]byte(value))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ContentID is the name of a content by its SHA-256: 64 hexadecimal characters that nobody without
// the master key can compare with a file of their own.
func (k *Keys) ContentID(sum [sha256.Size]byte) string {
	h := hmac.New(sha256.New, k.content)
	h.Write(sum[:])
	return hex.EncodeToString(h.Sum(nil))
}
