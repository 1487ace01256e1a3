package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// Ref is a stored file.
type Ref struct {
	Hash string // its address: 64 hexadecimal characters
	Size int64  // bytes of content
}

// Store is a place for files. Get and Stat answer errs.NotFound "blob.not_found" for a file that is
// not there; Put and Get answer errs.Gone "keys.subject_destroyed" after the subject's key was
// destroyed; Get and its reader answer errs.Internal "blob.damaged" for a file that was tampered
// with. Delete of a file that is not there succeeds.
type Store interface {
	Put(ctx context.Context, subject string, r io.Reader) (Ref, error)
	Get(ctx context.Context, subject, hash string) (io.ReadCloser, error)
	Stat(ctx context.Context, subject, hash string) (Ref, error)
	Delete(ctx context.Context, subject, hash string) error
}

const (
	magic      = "DINHBLB1"
	fileKeyLen = 32
	headerLen  = len(magic) + 8 + fileKeyLen + keys.Overhead
)

// location is where a file of a subject lies, below the root of the store.
func location(k *keys.Keys, subject, hash string) (dir, name string, err error) {
	if b, err := hex.DecodeString(hash); err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != hash {
		return "", "", notFound(hash)
	}
	return k.Pseudonym("blob\x00"+subject) + "/" + hash[:2], hash, nil
}

func notFound(hash string) error { return errs.New(errs.NotFound, "blob.not_found", "hash", hash) }

func damaged(cause error) error { return errs.New(errs.Internal, "blob.damaged").Wrap(cause) }

// headerAAD binds a file key to the content it opens.
func headerAAD(hash string, size int64) []byte {
	return fmt.Appendf(nil, "blob\x00%s\x00%d", hash, size)
}

// spool writes the encrypted form of r into an empty file: first the body, then, when address and
// size are known, the header before it.
func spool(ctx context.Context, k *keys.Keys, subject string, r io.Reader, f *os.File) (Ref, error) {
	var fileKey [fileKeyLen]byte
	rand.Read(fileKey[:])
	if _, err := f.Seek(int64(headerLen), io.SeekStart); err != nil {
		return Ref{}, err
	}
	sum := sha256.New()
	w, err := newEncrypter(f, fileKey)
	if err != nil {
		return Ref{}, err
	}
	size, err := io.Copy(io.MultiWriter(sum, w), contextReader{ctx, r})
	if err != nil {
		return Ref{}, full(err)
	}
	if err := w.Close(); err != nil {
		return Ref{}, full(err)
	}
	ref := Ref{Hash: k.ContentID([sha256.Size]byte(sum.Sum(nil))), Size: size}
	sealed, err := k.Seal(ctx, subject, fileKey[:], headerAAD(ref.Hash, size))
	if err != nil {
		return Ref{}, err
	}
	header := append([]byte(magic), binary.BigEndian.AppendUint64(nil, uint64(size))...)
	header = append(header, sealed...)
	if _, err := f.WriteAt(header, 0); err != nil {
		return Ref{}, full(err)
	}
	return ref, full(f.Sync())
}

// full turns a disk without room into an answer that says so; nothing is half-written then.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errs.New(errs.Unavailable, "blob.disk_full").Wrap(err)
	}
	return err
}

// open reads the header of a stored file and returns a reader of its content, which closes src.
func open(ctx context.Context, k *keys.Keys, id fileID, src io.ReadCloser) (io.ReadCloser, error) {
	size, sealed, err := readHeader(src)
	if err == nil {
		var fileKey []byte
		fileKey, err = k.Unseal(ctx, id.subject, sealed, headerAAD(id.hash, size))
		if errs.KindOf(err) == errs.Invalid {
			err = damaged(err)
		}
		if err == nil {
			return newDecrypter(src, [fileKeyLen]byte(fileKey), size)
		}
	}
	src.Close()
	return nil, err
}

// fileID is a file of a subject.
type fileID struct{ subject, hash string }

func readHeader(r io.Reader) (size int64, sealed []byte, err error) {
	header := make([]byte, headerLen)
	if _, err := io.ReadFull(r, header); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = damaged(err)
		}
		return 0, nil, err
	}
	if string(header[:len(magic)]) != magic {
		return 0, nil, damaged(fmt.Errorf("the file does not begin with %s", magic))
	}
	size = int64(binary.BigEndian.Uint64(header[len(magic):]))
	if size < 0 {
		return 0, nil, damaged(fmt.Errorf("impossible size"))
	}
	return size, header[len(magic)+8:], nil
}

// contextReader ends a copy when its caller has gone.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
