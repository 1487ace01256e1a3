package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
)

func TestSealAndUnseal(t *testing.T) {
	s := newStore(t)
	for _, plain := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("giấy khai sinh "), 1000)} {
		sealed, err := s.Seal(t.Context(), "person", plain, []byte("file"))
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(plain)+keys.Overhead || len(plain) > 9 && bytes.Contains(sealed, plain[:9]) {
			t.Errorf("%d bytes sealed into %d", len(plain), len(sealed))
		}
		for _, k := range []*keys.Keys{s.Keys, s.process(t)} {
			got, err := k.Unseal(t.Context(), "person", sealed, []byte("file"))
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("unsealed %d bytes, %v", len(got), err)
			}
		}
	}
	a, _ := s.Seal(t.Context(), "person", []byte("x"), nil)
	b, _ := s.Seal(t.Context(), "person", []byte("x"), nil)
	if bytes.Equal(a, b) {
		t.Error("the same plain text gives the same sealed text")
	}
}

// Any changed, lost or added byte, another subject, another purpose: refused.
func TestUnsealRefuses(t *testing.T) {
	s := newStore(t)
	sealed, err := s.Seal(t.Context(), "a", []byte("bí mật"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seal(t.Context(), "b", nil, nil); err != nil {
		t.Fatal(err)
	}
	for at := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[at] ^= 1 << bit
			_, err := s.Unseal(t.Context(), "a", bad, []byte("aad"))
			code(t, err, errs.Invalid, "keys.sealed_damaged")
		}
		_, err := s.Unseal(t.Context(), "a", sealed[:at], []byte("aad"))
		code(t, err, errs.Invalid, "keys.sealed_damaged")
	}
	_, err = s.Unseal(t.Context(), "a", append(bytes.Clone(sealed), 0), []byte("aad"))
	code(t, err, errs.Invalid, "keys.sealed_damaged")
	_, err = s.Unseal(t.Context(), "b", sealed, []byte("aad"))
	code(t, err, errs.Invalid, "keys.sealed_damaged")
	_, err = s.Unseal(t.Context(), "a", sealed, []byte("other"))
	code(t, err, errs.Invalid, "keys.sealed_damaged")
	_, err = s.Unseal(t.Context(), "c", sealed, []byte("aad"))
	code(t, err, errs.NotFound, "keys.unknown_subject")
}

func TestDestroyIsFinal(t *testing.T) {
	s := newStore(t)
	other := s.process(t)
	sealed, err := s.Seal(t.Context(), "person", []byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	neighbour, err := s.Seal(t.Context(), "neighbour", []byte("y"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Unseal(t.Context(), "person", sealed, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be repeated
		if err := s.Destroy(t.Context(), "person"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Destroy(t.Context(), "never seen"); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Minute) // by then other processes have forgotten too
	for _, k := range []*keys.Keys{s.Keys, other, s.process(t)} {
		_, err := k.Unseal(t.Context(), "person", sealed, nil)
		code(t, err, errs.Gone, "keys.subject_destroyed")
		_, err = k.Seal(t.Context(), "person", []byte("x"), nil)
		code(t, err, errs.Gone, "keys.subject_destroyed")
		_, err = k.Seal(t.Context(), "never seen", []byte("x"), nil)
		code(t, err, errs.Gone, "keys.subject_destroyed")
		if got, err := k.Unseal(t.Context(), "neighbour", neighbour, nil); err != nil || string(got) != "y" {
			t.Errorf("the neighbour lost data: %q, %v", got, err)
		}
	}
	err = s.db.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		var left int
		err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM keys_subject WHERE destroyed IS NOT NULL AND wrapped IS NOT NULL`).Scan(&left)
		if left != 0 {
			t.Errorf("%d destroyed keys are still in the table", left)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A process that has destroyed a key never uses it again, however many are reading meanwhile.
func TestDestroyAmongReaders(t *testing.T) {
	s := newStore(t)
	for round := range 20 {
		subject := fmt.Sprint("person ", round)
		sealed, err := s.Seal(t.Context(), subject, []byte("x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(time.Minute) // the readers have to go to the table
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := s.Unseal(t.Context(), subject, sealed, nil); err != nil {
					code(t, err, errs.Gone, "keys.subject_destroyed")
				}
			})
		}
		wg.Go(func() {
			if err := s.Destroy(t.Context(), subject); err != nil {
				t.Error(err)
			}
			_, err := s.Unseal(t.Context(), subject, sealed, nil)
			code(t, err, errs.Gone, "keys.subject_destroyed")
		})
		wg.Wait()
		_, err = s.Unseal(t.Context(), subject, sealed, nil)
		code(t, err, errs.Gone, "keys.subject_destroyed")
	}
}

// A data key or a destruction lives and dies with its transaction.
func TestSubjectsFollowTheTransaction(t *testing.T) {
	s := newStore(t)
	boom := errors.New("boom")
	var sealed []byte
	err := s.db.Write(t.Context(), func(ctx context.Context, _ db.Querier) (err error) {
		if sealed, err = s.Seal(ctx, "person", []byte("x"), nil); err != nil {
			return err
		}
		if _, err := s.Unseal(ctx, "person", sealed, nil); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	_, err = s.Unseal(t.Context(), "person", sealed, nil)
	code(t, err, errs.NotFound, "keys.unknown_subject")

	if sealed, err = s.Seal(t.Context(), "person", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	err = s.db.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		if err := s.Destroy(ctx, "person"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if _, err := s.Unseal(t.Context(), "person", sealed, nil); err != nil {
		t.Errorf("a destruction that was rolled back is in effect: %v", err)
	}
}

func TestSealUnderRaces(t *testing.T) {
	s := newStore(t)
	processes := []*keys.Keys{s.Keys, s.process(t)}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			sealed, err := processes[i%2].Seal(t.Context(), "person", []byte("x"), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := processes[(i+1)%2].Unseal(t.Context(), "person", sealed, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestPseudonym(t *testing.T) {
	s := newStore(t)
	a := s.Pseudonym("079203001234")
	if len(a) != 32 || a != s.process(t).Pseudonym("079203001234") || a == s.Pseudonym("079203001235") {
		t.Errorf("pseudonym %q", a)
	}
	if id := s.ContentID([32]byte{1}); len(id) != 64 || id == s.ContentID([32]byte{2}) {
		t.Errorf("content id %q", id)
	}
}

func TestLoadMaster(t *testing.T) {
	t.Setenv(keys.MasterEnv, "")
	path := filepath.Join(t.TempDir(), "secrets", "master.key")
	var wg sync.WaitGroup
	got := make([][32]byte, 8)
	for i := range got { // processes that start together
		wg.Go(func() {
			key, err := keys.LoadMaster(path)
			if err != nil {
				t.Error(err)
			}
			got[i] = key
		})
	}
	wg.Wait()
	for _, key := range got {
		if key != got[0] || key == [32]byte{} {
			t.Error("not one key for all")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".master-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.LoadMaster(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that everybody may read: %v", err)
	}
}

func TestLoadMasterRefusesBadKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	for _, text := range []string{"", "short", strings.Repeat("A", 43) + "=", "AAAA"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(keys.MasterEnv, "")
		if _, err := keys.LoadMaster(path); err == nil || !strings.Contains(err.Error(), "openssl rand") {
			t.Errorf("%q in the file: %v", text, err)
		}
		if text == "" {
			continue
		}
		t.Setenv(keys.MasterEnv, text)
		if _, err := keys.LoadMaster("/nowhere"); err == nil || !strings.Contains(err.Error(), "openssl rand") {
			t.Errorf("%q in the environment: %v", text, err)
		}
	}
	t.Setenv(keys.MasterEnv, "YSBtYXN0ZXIga2V5IGZvciB0ZXN0cywgMzIgYnl0ZXM=")
	if key, err := keys.LoadMaster("/nowhere"); err != nil || key != master() {
		t.Errorf("from the environment: %q, %v", key, err)
	}
}

func FuzzUnseal(f *testing.F) {
	s := newStore(f)
	sealed, err := s.Seal(f.Context(), "a", []byte("x"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := s.Unseal(t.Context(), "a", data, nil); err == nil && !bytes.Equal(data, sealed) {
			t.Errorf("forged: %x", data)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	s := newStore(b)
	plain := make([]byte, 1024)
	for b.Loop() {
		if _, err := s.Seal(b.Context(), "person", plain, nil); err != nil {
			b.Fatal(err)
		}
	}
}
