package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/dinh-gov/dinh/kernel/keys"
)

// S3Config says where the bucket is and who asks.
type S3Config struct {
	Endpoint  string // host and port, without scheme
	Insecure  bool   // plain HTTP: for tests and for a store on the same machine
	Region    string // "" asks the server
	Bucket    string // must exist
	AccessKey string
	SecretKey string
	Spool     string // folder for uploads in progress (they lie there encrypted); "" is the system's
}

// S3 is a Store in a bucket of anything that speaks Amazon's S3.
type S3 struct {
	client *minio.Client
	bucket string
	spool  string
	keys   *keys.Keys
}

var _ Store = (*S3)(nil)

// NewS3 connects to the bucket and fails if it is not there or not ours to use.
func NewS3(ctx context.Context, c S3Config, k *keys.Keys) (*S3, error) {
	client, err := minio.New(c.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure: !c.Insecure,
		Region: c.Region,
	})
	if err != nil {
		return nil, fmt.Errorf("blob: S3 at %q: %w", c.Endpoint, err)
	}
	ok, err := client.BucketExists(ctx, c.Bucket)
	if err != nil {
		return nil, fmt.Errorf("blob: S3 bucket %q at %q: %w", c.Bucket, c.Endpoint, err)
	}
	if !ok {
		return nil, fmt.Errorf("blob: there is no S3 bucket %q at %q: make it, or correct the configuration", c.Bucket, c.Endpoint)
	}
	return &S3{client: client, bucket: c.Bucket, spool: c.Spool, keys: k}, nil
}

func (s *S3) object(subject, hash string) (string, error) {
	dir, name, err := location(s.keys, subject, hash)
	return dir + "/" + name, err
}

// Put stores a file as one object: the bucket has it whole or not at all.
func (s *S3) Put(ctx context.Context, subject string, r io.Reader) (Ref, error) {
	f, err := os.CreateTemp(s.spool, "dinh-put-*") // mode 0600
	if err != nil {
		return Ref{}, full(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	ref, err := spool(ctx, s.keys, subject, r, f)
	if err != nil {
		return Ref{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Ref{}, err
	}
	name, err := s.object(subject, ref.Hash)
	if err != nil {
		return Ref{}, err
	}
	_, err = s.client.PutObject(ctx, s.bucket, name, f, int64(headerLen)+sealedLen(ref.Size),
		minio.PutObjectOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return Ref{}, fmt.Errorf("blob: put into S3 bucket %q: %w", s.bucket, err)
	}
	return ref, nil
}

// Get opens a file. The caller closes the reader, and takes nothing for complete before io.EOF.
func (s *S3) Get(ctx context.Context, subject, hash string) (io.ReadCloser, error) {
	name, err := s.object(subject, hash)
	if err != nil {
		return nil, err
	}
	obj, err := s.client.GetObject(ctx, s.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, s.explain(err, hash)
	}
	r, err := open(ctx, s.keys, fileID{subject, hash}, obj)
	return r, s.explain(err, hash) // the request goes out with the first read
}

// Stat says how large a file is without reading it.
func (s *S3) Stat(ctx context.Context, subject, hash string) (Ref, error) {
	name, err := s.object(subject, hash)
	if err != nil {
		return Ref{}, err
	}
	info, err := s.client.StatObject(ctx, s.bucket, name, minio.StatObjectOptions{})
	if err != nil {
		return Ref{}, s.explain(err, hash)
	}
	return refOf(hash, info.Size)
}

// Delete removes a file.
func (s *S3) Delete(ctx context.Context, subject, hash string) error {
	name, err := s.object(subject, hash)
	if err != nil {
		return nil // no file has such a name
	}
	return s.client.RemoveObject(ctx, s.bucket, name, minio.RemoveObjectOptions{})
}

func (s *S3) explain(err error, hash string) error {
	var resp minio.ErrorResponse
	if errors.As(err, &resp) && resp.Code == minio.NoSuchKey {
		return notFound(hash)
	}
	return err
}
