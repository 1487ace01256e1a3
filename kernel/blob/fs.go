package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dinh-gov/dinh/kernel/keys"
)

// staleAfter is when a file that a crash left unfinished may be removed: no upload takes so long.
const staleAfter = 24 * time.Hour

// FS is a Store in a folder of this machine, or of a network file system that keeps fsync's word.
type FS struct {
	dir  string
	keys *keys.Keys
}

var _ Store = (*FS)(nil)

// NewFS opens the folder, making it if it is missing, and removes what crashes left unfinished.
func NewFS(dir string, k *keys.Keys) (*FS, error) {
	s := &FS{dir: dir, keys: k}
	if err := os.MkdirAll(s.tmp(), 0o700); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return s, s.clean()
}

func (s *FS) tmp() string { return filepath.Join(s.dir, "tmp") }

func (s *FS) clean() error {
	entries, err := os.ReadDir(s.tmp())
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.Remove(filepath.Join(s.tmp(), e.Name())) // another process may have been first
		}
	}
	return nil
}

func (s *FS) path(subject, hash string) (string, error) {
	dir, name, err := location(s.keys, subject, hash)
	return filepath.Join(s.dir, filepath.FromSlash(dir), name), err
}

// Put stores a file. When it returns without an error the file is on the disk; else there is none.
// Putting the same content again renews the stored form and gives the same Ref.
func (s *FS) Put(ctx context.Context, subject string, r io.Reader) (Ref, error) {
	f, err := os.CreateTemp(s.tmp(), "put-*") // mode 0600
	if err != nil {
		return Ref{}, full(err)
	}
	defer os.Remove(f.Name()) // it has another name by then, if all went well
	ref, err := spool(ctx, s.keys, subject, r, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return Ref{}, err
	}
	path, err := s.path(subject, ref.Hash)
	if err != nil {
		return Ref{}, err
	}
	if err := s.mkdir(filepath.Dir(path)); err != nil {
		return Ref{}, full(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return Ref{}, full(err)
	}
	return ref, syncDir(filepath.Dir(path))
}

// mkdir makes the two folders above a file durable: a folder's own name is kept by its parent.
func (s *FS) mkdir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(dir)), syncDir(s.dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get opens a file. The caller closes the reader, and takes nothing for complete before io.EOF.
func (s *FS) Get(ctx context.Context, subject, hash string) (io.ReadCloser, error) {
	path, err := s.path(subject, hash)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(hash)
	}
	if err != nil {
		return nil, err
	}
	return open(ctx, s.keys, fileID{subject, hash}, f)
}

// Stat says how large a file is without opening it.
func (s *FS) Stat(_ context.Context, subject, hash string) (Ref, error) {
	path, err := s.path(subject, hash)
	if err != nil {
		return Ref{}, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Ref{}, notFound(hash)
	}
	if err != nil {
		return Ref{}, err
	}
	return refOf(hash, info.Size())
}

// Delete removes a file.
func (s *FS) Delete(_ context.Context, subject, hash string) error {
	path, err := s.path(subject, hash)
	if err != nil {
		return nil // no file has such a name
	}
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return syncDir(filepath.Dir(path))
}

// refOf reads the size of a content off the length of its stored form.
func refOf(hash string, stored int64) (Ref, error) {
	size, ok := plainLen(stored - int64(headerLen))
	if !ok {
		return Ref{}, damaged(fmt.Errorf("no content is stored in %d bytes", stored))
	}
	return Ref{Hash: hash, Size: size}, nil
}
