package link

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The kinds of frames.
const (
	kindMessage byte = 1 + iota // head length (4) · head · body: one whole message
	kindHead                    // head of a message whose body follows
	kindData                    // a piece of a body
	kindTail                    // the end of a body
	kindAbort                   // the sender cannot go on
	kindParked                  // the answer is long: the payload says where it waits
	kindClaim                   // fetches a parked answer, whose place is the id
	kindBusy                    // the message was not looked at: too many are being answered
	kindPing
	kindPong
)

const (
	frameHeader = 13
	maxFrame    = 1 << 20
	chunk       = 128 << 10 // of a streamed body

	// MaxHeld is the longest body that travels within one frame and is held in
	// memory, in bytes. Longer ones stream.
	MaxHeld = 64 << 10
	// maxHead bounds a head: headers of a request and proofs.
	maxHead = 256 << 10
)

var errFrame = errors.New("link: the peer sent what is no frame")

type frame struct {
	kind    byte
	id      uint64
	payload []byte
}

func appendFrame(b []byte, kind byte, id uint64, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b = append(b, kind)
	b = binary.BigEndian.AppendUint64(b, id)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// readFrame reads one frame into memory of its own.
func readFrame(r *bufio.Reader) (frame, error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: h[0], id: binary.BigEndian.Uint64(h[1:])}
	n := binary.BigEndian.Uint32(h[9:])
	if f.kind < kindMessage || f.kind > kindPong || n > maxFrame {
		return frame{}, fmt.Errorf("%w: kind %d, %d bytes", errFrame, f.kind, n)
	}
	if n > 0 {
		f.payload = make([]byte, n)
		if _, err := io.ReadFull(r, f.payload); err != nil {
			return frame{}, unexpected(err)
		}
	}
	return f, nil
}

// unexpected says that an end within something is no end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func appendMessage(b []byte, id uint64, m Message) []byte {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(m.Head)))
	return appendFrame(b, kindMessage, id, n[:], m.Head, m.Body)
}

func parseMessage(p []byte) (Message, error) {
	if len(p) < 4 {
		return Message{}, errFrame
	}
	n := binary.BigEndian.Uint32(p)
	p = p[4:]
	if uint64(n) > uint64(len(p)) {
		return Message{}, errFrame
	}
	m := Message{Head: p[:n:n], Body: p[n:]}
	return m, m.check()
}
