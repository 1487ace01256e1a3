package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// file is a PDF that is being written. It begins with the press's base; small
// objects go compressed into one object stream at the end.
type file struct {
	press *Press
	buf   []byte
	place []place // by object number; 0 is unused
	small []int
	body  map[int]string
}

// place is where an object lies: at an offset, or as the nth of a stream.
type place struct {
	packed bool
	at     int // offset, or the number of the object stream
	nth    int
}

// object gives out the next number.
func (f *file) object() int {
	f.place = append(f.place, place{})
	return len(f.place) - 1
}

// put writes a small object.
func (f *file) put(n int, format string, args ...any) {
	f.small = append(f.small, n)
	f.body[n] = fmt.Sprintf(format, args...)
}

// plain writes an object that must not be packed.
func (f *file) plain(n int, body string) {
	f.place[n] = place{at: len(f.buf)}
	f.buf = fmt.Appendf(f.buf, "%d 0 obj\n%s\nendobj\n", n, body)
}

// stream writes a stream as it is.
func (f *file) stream(n int, dict string, data []byte) {
	f.place[n] = place{at: len(f.buf)}
	f.buf = fmt.Appendf(f.buf, "%d 0 obj\n<<%s/Length %d>>\nstream\n", n, dict, len(data))
	f.buf = append(f.buf, data...)
	f.buf = append(f.buf, "\nendstream\nendobj\n"...)
}

// deflated writes a stream compressed.
func (f *file) deflated(n int, dict string, data []byte) {
	f.stream(n, dict+"/Filter/FlateDecode", f.press.deflate(data))
}

// finish packs the small objects and writes the cross-reference stream.
func (f *file) finish(root, info int, id [16]byte) {
	pack := f.object()
	var head, body bytes.Buffer
	for i, n := range f.small {
		fmt.Fprintf(&head, "%d %d ", n, body.Len())
		body.WriteString(f.body[n])
		body.WriteByte('\n')
		f.place[n] = place{packed: true, at: pack, nth: i}
	}
	first := head.Len()
	head.Write(body.Bytes())
	f.deflated(pack, fmt.Sprintf("/Type/ObjStm/N %d/First %d", len(f.small), first), head.Bytes())

	xref := f.object()
	start := len(f.buf)
	f.place[xref] = place{at: start}
	rows := make([]byte, 0, 7*len(f.place))
	for n, p := range f.place {
		switch {
		case n == 0:
			rows = append(rows, 0, 0, 0, 0, 0, 0xff, 0xff)
		case p.packed:
			rows = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(append(rows, 2), uint32(p.at)), uint16(p.nth))
		default:
			rows = append(binary.BigEndian.AppendUint32(append(rows, 1), uint32(p.at)), 0, 0)
		}
	}
	f.deflated(xref, fmt.Sprintf("/Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Info %d 0 R/ID[<%x><%x>]", len(f.place), root, info, id, id), rows)
	f.buf = fmt.Appendf(f.buf, "startxref\n%d\n%%%%EOF\n", start)
}

// deflate compresses with writers that are kept, since making one costs more
// than a page.
func (p *Press) deflate(data []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(data)/2 + 64)
	w := p.writers.Get().(*zlib.Writer)
	defer p.writers.Put(w)
	w.Reset(&out)
	_, err1 := w.Write(data)
	if err2 := w.Close(); err1 != nil || err2 != nil {
		panic("pdf: writing to memory failed") // cannot happen
	}
	return out.Bytes()
}

// utf16Text is a PDF string of any Unicode text, in hexadecimal UTF-16.
func utf16Text(s string) string {
	var b strings.Builder
	b.WriteString("<feff")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04x", u)
	}
	b.WriteByte('>')
	return b.String()
}

// ascii is a PDF string of plain letters.
func ascii(s string) string {
	return "(" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(s) + ")"
}
