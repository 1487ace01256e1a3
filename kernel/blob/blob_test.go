package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/dinh-gov/dinh/kernel/blob"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
)

func newKeys(t testing.TB) *keys.Keys {
	t.Helper()
	k, err := keys.Open(t.Context(), keys.Deps{
		DB:       dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}),
		Clock:    clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)),
		Master:   [32]byte{1},
		Instance: "Việt Nam",
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newFS(t testing.TB, k *keys.Keys) (blob.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := blob.NewFS(dir, k)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func newS3(t testing.TB, k *keys.Keys) blob.Store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("dinh"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	s, err := blob.NewS3(t.Context(), s3Config(t, srv, "dinh"), k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func s3Config(t testing.TB, srv *httptest.Server, bucket string) blob.S3Config {
	return blob.S3Config{
		Endpoint: strings.TrimPrefix(srv.URL, "http://"), Insecure: true, Region: "us-east-1", Bucket: bucket,
		AccessKey: "key", SecretKey: "secret", Spool: t.TempDir(),
	}
}

// stores runs a test on every driver.
func stores(t *testing.T, test func(t *testing.T, s blob.Store, k *keys.Keys)) {
	t.Run("FS", func(t *testing.T) {
		k := newKeys(t)
		s, _ := newFS(t, k)
		test(t, s, k)
	})
	t.Run("S3", func(t *testing.T) {
		k := newKeys(t)
		test(t, newS3(t, k), k)
	})
}

func put(t testing.TB, s blob.Store, subject string, content []byte) blob.Ref {
	t.Helper()
	ref, err := s.Put(t.Context(), subject, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func get(ctx context.Context, s blob.Store, subject, hash string) ([]byte, error) {
	r, err := s.Get(ctx, subject, hash)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*i/251 + i)
	}
	return b
}

func code(t testing.TB, err error, kind errs.Kind, code string) {
	t.Helper()
	if !errors.Is(err, kind) || errs.CodeOf(err) != code {
		t.Errorf("got error %v, want %s (%s)", err, code, kind)
	}
}

const chunk = 64 << 10

func TestPutAndGet(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, _ *keys.Keys) {
		for _, n := range []int{0, 1, 100, chunk - 1, chunk, chunk + 1, 2 * chunk, 5*chunk + 17} {
			want := content(n)
			ref := put(t, s, "person", want)
			if ref.Size != int64(n) || len(ref.Hash) != 64 {
				t.Errorf("%d bytes: %+v", n, ref)
			}
			got, err := get(t.Context(), s, "person", ref.Hash)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: got %d, %v", n, len(got), err)
			}
			if stat, err := s.Stat(t.Context(), "person", ref.Hash); err != nil || stat != ref {
				t.Errorf("%d bytes: Stat = %+v, %v", n, stat, err)
			}
		}
	})
}

func TestReadInSmallPieces(t *testing.T) {
	k := newKeys(t)
	s, _ := newFS(t, k)
	want := content(2*chunk + 5)
	ref, err := s.Put(t.Context(), "person", iotest.HalfReader(bytes.NewReader(want)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(t.Context(), "person", ref.Hash)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(r, want); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read after Close: %v", err)
	}
}

func TestContentAddressing(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, _ *keys.Keys) {
		a, again := put(t, s, "person", []byte("same")), put(t, s, "person", []byte("same"))
		other := put(t, s, "person", []byte("other"))
		if a != again || a.Hash == other.Hash {
			t.Errorf("%v %v %v", a, again, other)
		}
		// A neighbour cannot read it, though he may know the address.
		_, err := get(t.Context(), s, "neighbour", a.Hash)
		code(t, err, errs.NotFound, "blob.not_found")
	})
	// Another instance gives another address: nobody can look a known file up.
	k := newKeys(t)
	s, _ := newFS(t, k)
	ref := put(t, s, "person", []byte("same"))
	if plain := "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5"; ref.Hash == plain {
		t.Error("the address is the bare SHA-256")
	}
}

func TestMissing(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, _ *keys.Keys) {
		for _, hash := range []string{strings.Repeat("a", 64), "", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("a", 63) + "/"} {
			_, err := get(t.Context(), s, "person", hash)
			code(t, err, errs.NotFound, "blob.not_found")
			_, err = s.Stat(t.Context(), "person", hash)
			code(t, err, errs.NotFound, "blob.not_found")
			if err := s.Delete(t.Context(), "person", hash); err != nil {
				t.Errorf("Delete(%q) = %v", hash, err)
			}
		}
	})
}

func TestDelete(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, _ *keys.Keys) {
		ref, kept := put(t, s, "person", []byte("x")), put(t, s, "person", []byte("y"))
		for range 2 {
			if err := s.Delete(t.Context(), "person", ref.Hash); err != nil {
				t.Fatal(err)
			}
		}
		_, err := get(t.Context(), s, "person", ref.Hash)
		code(t, err, errs.NotFound, "blob.not_found")
		if got, err := get(t.Context(), s, "person", kept.Hash); err != nil || string(got) != "y" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestDestroyedSubject(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, k *keys.Keys) {
		ref := put(t, s, "person", []byte("x"))
		if err := k.Destroy(t.Context(), "person"); err != nil {
			t.Fatal(err)
		}
		_, err := get(t.Context(), s, "person", ref.Hash)
		code(t, err, errs.Gone, "keys.subject_destroyed")
		_, err = s.Put(t.Context(), "person", strings.NewReader("y"))
		code(t, err, errs.Gone, "keys.subject_destroyed")
	})
}

// files lists what lies in the folder of a store.
func files(t testing.TB, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An upload that fails leaves nothing: neither a file nor a part of one.
func TestFailedPutLeavesNothing(t *testing.T) {
	k := newKeys(t)
	s, dir := newFS(t, k)
	boom := errors.New("boom")
	_, err := s.Put(t.Context(), "person", io.MultiReader(bytes.NewReader(content(3*chunk)), iotest.ErrReader(boom)))
	if !errors.Is(err, boom) {
		t.Errorf("Put = %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Put(ctx, "person", bytes.NewReader(content(10))); !errors.Is(err, context.Canceled) {
		t.Errorf("Put for somebody who has gone: %v", err)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Nothing in the folder tells who or what.
func TestFolderTellsNothing(t *testing.T) {
	k := newKeys(t)
	s, dir := newFS(t, k)
	put(t, s, "079203001234", []byte("giấy khai sinh của Nguyễn Văn An"))
	all := files(t, dir)
	if len(all) != 1 {
		t.Fatalf("files: %v", all)
	}
	data, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(all[0], "079203001234") || bytes.Contains(data, []byte("khai sinh")) || bytes.Contains(data, []byte("079203001234")) {
		t.Errorf("in the clear: %s", all[0])
	}
	info, err := os.Stat(all[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Any changed byte, any cut, anything added, and another file's content in its place: an error, and
// never wrong bytes.
func TestDamage(t *testing.T) {
	k := newKeys(t)
	s, dir := newFS(t, k)
	want := content(chunk + 100)
	ref := put(t, s, "person", want)
	path := files(t, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := len(good) - len(want) - 2*16
	try := func(name string, bad []byte) {
		t.Helper()
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := get(t.Context(), s, "person", ref.Hash)
		if errs.CodeOf(err) != "blob.damaged" || !errors.Is(err, errs.Internal) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if !bytes.HasPrefix(want, got) {
			t.Errorf("%s: wrong bytes came out", name)
		}
	}
	for at := 0; at < len(good); at++ {
		if at > header+40 && at < len(good)-200 && at%4099 != 0 {
			continue
		}
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		try(fmt.Sprint("changed byte ", at), bad)
	}
	for _, n := range []int{0, 1, header - 1, header, header + 1, header + chunk + 16, len(good) - 1} {
		try(fmt.Sprint("cut to ", n), good[:n])
	}
	try("one byte more", append(bytes.Clone(good), 0))
	try("a chunk twice", append(bytes.Clone(good[:header+chunk+16]), good[header:]...))
	other := put(t, s, "person", content(chunk+99))
	for _, p := range files(t, dir) {
		if strings.HasSuffix(p, other.Hash) {
			swapped, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			try("another file in its place", swapped)
		}
	}
	put(t, s, "person", want) // putting it again heals it
	if got, err := get(t.Context(), s, "person", ref.Hash); err != nil || !bytes.Equal(got, want) {
		t.Errorf("after putting it again: %d bytes, %v", len(got), err)
	}
}

func TestStatOfADamagedFile(t *testing.T) {
	k := newKeys(t)
	s, dir := newFS(t, k)
	ref := put(t, s, "person", content(5))
	if err := os.WriteFile(files(t, dir)[0], []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Stat(t.Context(), "person", ref.Hash)
	code(t, err, errs.Internal, "blob.damaged")
}

func TestManyAtOnce(t *testing.T) {
	stores(t, func(t *testing.T, s blob.Store, _ *keys.Keys) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				want := content(1000 + i%4) // four contents, each put four times
				ref, err := s.Put(t.Context(), "person", bytes.NewReader(want))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := get(t.Context(), s, "person", ref.Hash); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			})
		}
		wg.Wait()
	})
}

// What a crash left is removed at the next start, what is being written is not.
func TestNewFSCleans(t *testing.T) {
	k := newKeys(t)
	_, dir := newFS(t, k)
	old, fresh := filepath.Join(dir, "tmp", "put-old"), filepath.Join(dir, "tmp", "put-fresh")
	for _, p := range []string{old, fresh} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.NewFS(dir, k); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) != 1 || left[0] != fresh {
		t.Errorf("left: %v", left)
	}
}

func TestNewS3WantsItsBucket(t *testing.T) {
	srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	defer srv.Close()
	_, err := blob.NewS3(t.Context(), s3Config(t, srv, "missing"), newKeys(t))
	if err == nil || !strings.Contains(err.Error(), `no S3 bucket "missing"`) {
		t.Errorf("NewS3 = %v", err)
	}
}

// A bucket that answers nothing is an error and not a missing file.
func TestS3Away(t *testing.T) {
	k := newKeys(t)
	backend := s3mem.New()
	if err := backend.CreateBucket("dinh"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	s, err := blob.NewS3(t.Context(), s3Config(t, srv, "dinh"), k)
	if err != nil {
		t.Fatal(err)
	}
	ref := put(t, s, "person", content(10))
	srv.Close()
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if _, err := get(ctx, s, "person", ref.Hash); err == nil || errors.Is(err, errs.NotFound) {
		t.Errorf("Get = %v", err)
	}
}

func FuzzGet(f *testing.F) {
	k := newKeys(f)
	s, dir := newFS(f, k)
	want := content(300)
	ref := put(f, s, "person", want)
	path := files(f, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:100])
	f.Add([]byte("DINHBLB1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := get(t.Context(), s, "person", ref.Hash)
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("forged content: %x", got)
		}
	})
}

func BenchmarkPut1MiB(b *testing.B) {
	k := newKeys(b)
	s, _ := newFS(b, k)
	data := content(1 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := s.Put(b.Context(), "person", bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
