package app

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/dinh-gov/dinh/kernel/blob"
)

func TestParseFiles(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]blob.S3Config{
		"s3://k:s@s3.example.vn/papers":                        {Endpoint: "s3.example.vn", Bucket: "papers", AccessKey: "k", SecretKey: "s"},
		"s3://k:s%2F1@localhost:9000/papers/?region=a&tls=off": {Endpoint: "localhost:9000", Bucket: "papers", AccessKey: "k", SecretKey: "s/1", Region: "a", Insecure: true},
	} {
		if got, err := ParseFiles(in); err != nil || *got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"/var/files": "write the store as", "s3://k:s@host": "write the store as", "s3://k:s@host/a/b": "write the store as",
		"s3://host/bucket": "the key and the secret", "s3://k:s@host/b?tls=no": "tls=off",
	} {
		if _, err := ParseFiles(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// A house keeps its files in a bucket, and does not open without it.
func TestOpenWithABucket(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	srv := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(srv.Close)
	open := func() (*App, error) {
		c := Config{Data: t.TempDir()}
		c.Mail.Host, c.Mail.Port, c.Mail.From = "localhost", 25, "nobody@localhost.invalid"
		var err error
		if c.Files, err = ParseFiles("s3://k:s@" + strings.TrimPrefix(srv.URL, "http://") + "/papers?tls=off"); err != nil {
			t.Fatal(err)
		}
		return Open(t.Context(), c)
	}
	if a, err := open(); err == nil || !strings.Contains(err.Error(), `no S3 bucket "papers"`) {
		t.Fatal(a, err)
	}
	if err := backend.CreateBucket("papers"); err != nil {
		t.Fatal(err)
	}
	a, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if _, err := a.Blobs.Put(t.Context(), "p", strings.NewReader("a photo")); err != nil {
		t.Error(err)
	}
	if b, err := backend.ListBucket("papers", nil, gofakes3.ListBucketPage{}); err != nil || len(b.Contents) != 1 {
		t.Errorf("%d objects in the bucket, %v", len(b.Contents), err)
	}
}
