package pdf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"sync/atomic"

	"golang.org/x/image/font/sfnt"
)

// Font is a TrueType font that papers are set in. It may be used by many
// papers at once.
type Font struct {
	name      string
	tables    map[string][]byte
	loca      []uint32
	advance   []uint16
	glyphs    map[rune]uint16
	unitsPer  int
	ascent    int
	descent   int
	capHeight int
	bbox      [4]int
	latest    atomic.Pointer[program]
}

// program is an embedded subset, ready to be written. Papers of one kind use
// nearly the same letters, so the last subset is grown rather than made anew
// for each of them.
type program struct {
	glyphs     map[uint16]bool
	tag        string
	length     int
	compressed []byte
}

// embed gives a subset that holds the used glyphs.
func (f *Font) embed(used map[uint16]rune) *program {
	have := f.latest.Load()
	all := map[uint16]rune{}
	missing := have == nil
	for g, r := range used {
		all[g] = r
		missing = missing || !have.glyphs[g]
	}
	if !missing {
		return have
	}
	glyphs := map[uint16]bool{}
	if have != nil && len(have.glyphs) < maxShared {
		for g := range have.glyphs {
			all[g] = ' '
		}
	}
	for g := range all {
		glyphs[g] = true
	}
	data := f.subset(all)
	p := &program{glyphs: glyphs, tag: subsetTag(data), length: len(data), compressed: deflate(data)}
	f.latest.Store(p)
	return p
}

// maxShared bounds a grown subset: more letters than Vietnamese needs are not
// carried from paper to paper.
const maxShared = 260

// keep lists the tables that a PDF viewer needs of an embedded TrueType font
// (ISO 32000-1, 9.9); what shapes or names is left out.
var keep = []string{"cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"}

// ParseFont reads a TrueType font with glyf outlines. name is its PostScript
// name, such as BeVietnamPro-Regular.
func ParseFont(name string, data []byte) (*Font, error) {
	parsed, err := sfnt.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("pdf: font %s: %w", name, err)
	}
	f := &Font{name: name, glyphs: map[rune]uint16{}}
	if f.tables, err = directory(data); err != nil {
		return nil, fmt.Errorf("pdf: font %s: %w", name, err)
	}
	if err := f.measure(); err != nil {
		return nil, fmt.Errorf("pdf: font %s: %w", name, err)
	}
	var buf sfnt.Buffer
	for r := rune(0x20); r < 0x2200; r++ {
		if i, err := parsed.GlyphIndex(&buf, r); err == nil && i != 0 {
			f.glyphs[r] = uint16(i)
		}
	}
	return f, nil
}

func directory(data []byte) (map[string][]byte, error) {
	if len(data) < 12 {
		return nil, errors.New("too short")
	}
	n := int(binary.BigEndian.Uint16(data[4:]))
	tables := map[string][]byte{}
	for i := range n {
		at := 12 + 16*i
		if at+16 > len(data) {
			return nil, errors.New("table directory is cut off")
		}
		offset, length := int(binary.BigEndian.Uint32(data[at+8:])), int(binary.BigEndian.Uint32(data[at+12:]))
		if offset < 0 || length < 0 || offset+length > len(data) {
			return nil, errors.New("a table lies outside the file")
		}
		tables[string(data[at:at+4])] = data[offset : offset+length]
	}
	for _, need := range []string{"glyf", "head", "hhea", "hmtx", "loca", "maxp"} {
		if tables[need] == nil {
			return nil, fmt.Errorf("no table %s: only TrueType outlines can be embedded", need)
		}
	}
	return tables, nil
}

func (f *Font) measure() error {
	head, hhea, maxp := f.tables["head"], f.tables["hhea"], f.tables["maxp"]
	if len(head) < 54 || len(hhea) < 36 || len(maxp) < 6 {
		return errors.New("a table is cut off")
	}
	u16 := func(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
	i16 := func(b []byte, at int) int { return int(int16(binary.BigEndian.Uint16(b[at:]))) }
	f.unitsPer = u16(head, 18)
	for i := range 4 {
		f.bbox[i] = f.em(i16(head, 36+2*i))
	}
	f.ascent, f.descent = f.em(i16(hhea, 4)), f.em(i16(hhea, 6))
	f.capHeight = f.ascent * 7 / 10
	glyphs, metrics := u16(maxp, 4), u16(hhea, 34)
	long := u16(head, 50) == 1
	loca, hmtx := f.tables["loca"], f.tables["hmtx"]
	size := 2
	if long {
		size = 4
	}
	if len(loca) < size*(glyphs+1) || len(hmtx) < 4*metrics || metrics == 0 {
		return errors.New("loca or hmtx is cut off")
	}
	for i := range glyphs + 1 {
		if long {
			f.loca = append(f.loca, binary.BigEndian.Uint32(loca[4*i:]))
		} else {
			f.loca = append(f.loca, 2*uint32(binary.BigEndian.Uint16(loca[2*i:])))
		}
	}
	for i := range glyphs {
		f.advance = append(f.advance, uint16(u16(hmtx, 4*min(i, metrics-1))))
	}
	return nil
}

// em scales font units to thousandths of the font size.
func (f *Font) em(units int) int { return units * 1000 / f.unitsPer }

func (f *Font) glyph(r rune) uint16 {
	if g, ok := f.glyphs[r]; ok {
		return g
	}
	if r == '\u00a0' {
		return f.glyphs[' ']
	}
	return f.glyphs['?']
}

// Width is how wide a text is at a size, in points.
func (f *Font) Width(s string, size float64) float64 {
	w := 0
	for _, r := range s {
		w += f.em(int(f.advance[f.glyph(r)]))
	}
	return float64(w) * size / 1000
}

func (f *Font) outline(g uint16) []byte {
	if int(g)+1 >= len(f.loca) {
		return nil
	}
	from, to := f.loca[g], f.loca[g+1]
	if from >= to || int(to) > len(f.tables["glyf"]) {
		return nil
	}
	return f.tables["glyf"][from:to]
}

// parts lists the glyphs that a composite glyph is made of.
func (f *Font) parts(g uint16) (out []uint16) {
	o := f.outline(g)
	if len(o) < 10 || int16(binary.BigEndian.Uint16(o)) >= 0 {
		return nil
	}
	const words, scale, more, xy, twoByTwo = 1, 8, 32, 64, 128
	for at := 10; at+4 <= len(o); {
		flags := binary.BigEndian.Uint16(o[at:])
		out = append(out, binary.BigEndian.Uint16(o[at+2:]))
		at += 4
		if flags&words != 0 {
			at += 4
		} else {
			at += 2
		}
		switch {
		case flags&scale != 0:
			at += 2
		case flags&xy != 0:
			at += 4
		case flags&twoByTwo != 0:
			at += 8
		}
		if flags&more == 0 {
			break
		}
	}
	return out
}

// subset writes a font file with the outlines of the used glyphs only. Glyph
// numbers stay as they are, so text needs no second numbering.
func (f *Font) subset(used map[uint16]rune) []byte {
	all := map[uint16]bool{0: true}
	var add func(g uint16)
	add = func(g uint16) {
		if all[g] {
			return
		}
		all[g] = true
		for _, p := range f.parts(g) {
			add(p)
		}
	}
	for g := range used {
		add(g)
	}
	order := make([]int, 0, len(all))
	for g := range all {
		order = append(order, int(g))
	}
	sort.Ints(order)
	last := order[len(order)-1]
	loca := make([]byte, 0, 4*(last+2))
	var glyf []byte
	for g := range last + 1 {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		if all[uint16(g)] {
			glyf = append(glyf, f.outline(uint16(g))...)
			for len(glyf)%4 != 0 {
				glyf = append(glyf, 0)
			}
		}
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	return f.file(last+1, loca, glyf)
}

// file assembles a TrueType file with n glyphs.
func (f *Font) file(n int, loca, glyf []byte) []byte {
	head := append([]byte(nil), f.tables["head"]...)
	binary.BigEndian.PutUint16(head[50:], 1) // long loca
	binary.BigEndian.PutUint32(head[8:], 0)  // checksum adjustment: viewers of embedded fonts do not look
	maxp := append([]byte(nil), f.tables["maxp"]...)
	binary.BigEndian.PutUint16(maxp[4:], uint16(n))
	hhea := append([]byte(nil), f.tables["hhea"]...)
	binary.BigEndian.PutUint16(hhea[34:], uint16(n))
	hmtx := make([]byte, 0, 4*n)
	for g := range n {
		hmtx = binary.BigEndian.AppendUint16(hmtx, f.advance[g])
		hmtx = append(hmtx, 0, 0)
	}
	tables := map[string][]byte{"head": head, "maxp": maxp, "hhea": hhea, "hmtx": hmtx, "loca": loca, "glyf": glyf}
	var names []string
	for _, name := range keep {
		if tables[name] == nil {
			tables[name] = f.tables[name]
		}
		if tables[name] != nil {
			names = append(names, name)
		}
	}
	out := []byte{0, 1, 0, 0}
	power := 1
	for power*2 <= len(names) {
		power *= 2
	}
	shift := 0
	for 1<<(shift+1) <= power {
		shift++
	}
	for _, v := range []int{len(names), power * 16, shift, (len(names) - power) * 16} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	at := 12 + 16*len(names)
	for _, name := range names {
		out = append(out, name...)
		out = binary.BigEndian.AppendUint32(out, checksum(tables[name]))
		out = binary.BigEndian.AppendUint32(out, uint32(at))
		out = binary.BigEndian.AppendUint32(out, uint32(len(tables[name])))
		at += (len(tables[name]) + 3) &^ 3
	}
	for _, name := range names {
		out = append(out, tables[name]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

func checksum(b []byte) (sum uint32) {
	for i := 0; i < len(b); i += 4 {
		var word [4]byte
		copy(word[:], b[i:])
		sum += binary.BigEndian.Uint32(word[:])
	}
	return sum
}
