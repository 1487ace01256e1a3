package blob

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	chunkLen = 64 << 10
	tagLen   = 16
)

// chunkCipher encrypts the chunks of one file under its own key, so that a counter is nonce enough:
// eleven bytes of number, one byte that is 1 on the last chunk.
type chunkCipher struct {
	aead  cipher.AEAD
	count uint64
}

func newChunkCipher(key [fileKeyLen]byte) (chunkCipher, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return chunkCipher{}, err
	}
	aead, err := cipher.NewGCM(block)
	return chunkCipher{aead: aead}, err
}

func (c *chunkCipher) nonce(last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[3:], c.count)
	if last {
		n[11] = 1
	}
	c.count++
	return n
}

// encrypter writes chunks; Close writes the last one and leaves the destination open.
type encrypter struct {
	chunkCipher
	dst io.Writer
	buf []byte // plain, at most one chunk; sealed in place
}

func newEncrypter(dst io.Writer, key [fileKeyLen]byte) (*encrypter, error) {
	c, err := newChunkCipher(key)
	return &encrypter{chunkCipher: c, dst: dst, buf: make([]byte, 0, chunkLen+tagLen)}, err
}

func (e *encrypter) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		if len(e.buf) == chunkLen { // more follows, so it is not the last
			if err := e.flush(false); err != nil {
				return 0, err
			}
		}
		n := min(len(p), chunkLen-len(e.buf))
		e.buf, p = append(e.buf, p[:n]...), p[n:]
	}
	return written, nil
}

func (e *encrypter) Close() error { return e.flush(true) }

func (e *encrypter) flush(last bool) error {
	sealed := e.aead.Seal(e.buf[:0], e.nonce(last), e.buf, nil)
	_, err := e.dst.Write(sealed)
	e.buf = e.buf[:0]
	return err
}

// sealedLen is the length of the body of a content: every chunk carries a tag, and there is at least
// one chunk.
func sealedLen(size int64) int64 {
	chunks := max(1, (size+chunkLen-1)/chunkLen)
	return size + chunks*tagLen
}

// plainLen is the size of a content by the length of its body, or false if no content has it.
func plainLen(body int64) (int64, bool) {
	chunks := (body + chunkLen + tagLen - 1) / (chunkLen + tagLen)
	size := body - chunks*tagLen
	return size, chunks > 0 && size >= 0 && sealedLen(size) == body
}

// decrypter gives out only what is authenticated, chunk by chunk, and ends with io.EOF only after
// the marked last chunk and exactly the promised size.
type decrypter struct {
	chunkCipher
	src    io.ReadCloser
	left   int64  // plain bytes still to be decrypted
	buf    []byte // one sealed chunk
	plain  []byte // decrypted, not yet read; lies in buf
	ending error  // sticky
}

func newDecrypter(src io.ReadCloser, key [fileKeyLen]byte, size int64) (*decrypter, error) {
	c, err := newChunkCipher(key)
	return &decrypter{chunkCipher: c, src: src, left: size, buf: make([]byte, chunkLen+tagLen)}, err
}

func (d *decrypter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.plain) == 0 {
		if d.ending != nil {
			return 0, d.ending
		}
		d.ending = d.next()
	}
	n := copy(p, d.plain)
	d.plain = d.plain[n:]
	return n, nil
}

// next decrypts a chunk; io.EOF comes with the last.
func (d *decrypter) next() error {
	want := min(d.left, chunkLen)
	last := d.left <= chunkLen
	sealed := d.buf[:want+tagLen]
	if _, err := io.ReadFull(d.src, sealed); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return damaged(fmt.Errorf("the file ends %d bytes early: %w", d.left, io.ErrUnexpectedEOF))
		}
		return err
	}
	plain, err := d.aead.Open(sealed[:0], d.nonce(last), sealed, nil)
	if err != nil {
		return damaged(err)
	}
	d.left -= want
	if !last {
		d.plain = plain
		return nil
	}
	var more [1]byte
	if n, err := io.ReadFull(d.src, more[:]); n > 0 {
		return damaged(fmt.Errorf("the file goes on after its end"))
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	d.plain = plain
	return io.EOF
}

func (d *decrypter) Close() error {
	d.plain, d.ending = nil, errors.New("blob: read after Close")
	return d.src.Close()
}
