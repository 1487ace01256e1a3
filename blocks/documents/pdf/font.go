package pdf

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/image/font/sfnt"
)

// font is a typeface cut down to the alphabet and numbered anew, so that a text
// is a list of numbers below 0xffff.
type font struct {
	name   string
	glyph  map[rune]uint16
	width  []int // by glyph, in thousandths of the size
	runes  []rune
	file   []byte // the TrueType file of the subset
	ascent int    // these in thousandths too
	desc   int
	caps   int
	box    [4]int
	weight int
}

// alphabet is what papers can hold: Latin with every mark of Vietnamese and of
// Europe's languages, and the punctuation of forms.
func alphabet() []rune {
	var out []rune
	for _, r := range [][2]rune{{0x20, 0x7e}, {0xa0, 0x17f}, {0x1a0, 0x1a1}, {0x1af, 0x1b0}, {0x1ea0, 0x1ef9}, {0x2013, 0x2014}, {0x2018, 0x201e}} {
		for c := r[0]; c <= r[1]; c++ {
			out = append(out, c)
		}
	}
	return append(out, '…', '•', '₫', '€', '™', '−', '≤', '≥')
}

// newFont cuts a TrueType font down to the alphabet.
func newFont(name string, ttf []byte) (*font, error) {
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("pdf: font %s: %w", name, err)
	}
	src, err := readTables(ttf)
	if err != nil {
		return nil, fmt.Errorf("pdf: font %s: %w", name, err)
	}
	f := &font{name: name, glyph: map[rune]uint16{}}
	s := &subset{src: src, number: map[uint16]uint16{}}
	if err := s.take(0); err != nil {
		return nil, fmt.Errorf("pdf: font %s: %w", name, err)
	}
	letters := map[uint16]rune{}
	var buf sfnt.Buffer
	for _, r := range alphabet() {
		g, err := parsed.GlyphIndex(&buf, r)
		if err != nil || g == 0 {
			continue // this typeface does not have it
		}
		if err := s.take(uint16(g)); err != nil {
			return nil, fmt.Errorf("pdf: font %s, letter %q: %w", name, r, err)
		}
		n := s.number[uint16(g)]
		f.glyph[r] = n
		if _, ok := letters[n]; !ok {
			letters[n] = r
		}
	}
	if f.file, err = s.build(); err != nil {
		return nil, fmt.Errorf("pdf: font %s: %w", name, err)
	}
	f.runes = make([]rune, len(s.order))
	for n, r := range letters {
		f.runes[n] = r
	}
	f.measure(s)
	return f, nil
}

func (f *font) measure(s *subset) {
	units := int(binary.BigEndian.Uint16(s.src["head"][18:]))
	scale := func(v int) int { return (v*1000 + units/2) / units }
	at := func(table string, i int) int { return scale(int(int16(binary.BigEndian.Uint16(s.src[table][i:])))) }
	for _, g := range s.order {
		f.width = append(f.width, scale(int(s.src.advance(g))))
	}
	f.ascent, f.desc = at("hhea", 4), at("hhea", 6)
	f.box = [4]int{at("head", 36), at("head", 38), at("head", 40), at("head", 42)}
	f.weight = int(binary.BigEndian.Uint16(s.src["OS/2"][4:]))
	f.caps = f.ascent
	if len(s.src["OS/2"]) >= 90 {
		f.caps = at("OS/2", 88)
	}
}

// has says whether the typeface can print a letter.
func (f *font) has(r rune) bool { _, ok := f.glyph[r]; return ok }

// measureText is the width of a text in points.
func (f *font) measureText(s string, size float64) float64 {
	w := 0
	for _, r := range s {
		w += f.width[f.glyph[r]]
	}
	return float64(w) * size / 1000
}

// tables are the tables of a TrueType file by name.
type tables map[string][]byte

func readTables(ttf []byte) (tables, error) {
	if len(ttf) < 12 {
		return nil, fmt.Errorf("is not a TrueType file")
	}
	t := tables{}
	for i := range int(binary.BigEndian.Uint16(ttf[4:])) {
		if 28+16*i > len(ttf) {
			return nil, fmt.Errorf("has a broken table directory")
		}
		entry := ttf[12+16*i:]
		from, size := int(binary.BigEndian.Uint32(entry[8:])), int(binary.BigEndian.Uint32(entry[12:]))
		if from > len(ttf) || size > len(ttf)-from {
			return nil, fmt.Errorf("has a table beyond its end")
		}
		t[string(entry[:4])] = ttf[from : from+size]
	}
	for name, size := range map[string]int{"head": 54, "hhea": 36, "maxp": 32, "hmtx": 4, "loca": 4, "glyf": 1, "OS/2": 68} {
		if len(t[name]) < size {
			return nil, fmt.Errorf("lacks the table %q: use a font with TrueType outlines", name)
		}
	}
	return t, nil
}

// glyphs is how many there are.
func (t tables) glyphs() int { return int(binary.BigEndian.Uint16(t["maxp"][4:])) }

func (t tables) advance(g uint16) uint16 {
	n := int(binary.BigEndian.Uint16(t["hhea"][34:]))
	return binary.BigEndian.Uint16(t["hmtx"][4*min(int(g), n-1):])
}

func (t tables) bearing(g uint16) uint16 {
	n := int(binary.BigEndian.Uint16(t["hhea"][34:]))
	if int(g) < n {
		return binary.BigEndian.Uint16(t["hmtx"][4*int(g)+2:])
	}
	return binary.BigEndian.Uint16(t["hmtx"][4*n+2*(int(g)-n):])
}

// outline is the drawing of a glyph; empty for a space.
func (t tables) outline(g uint16) ([]byte, error) {
	if int(g) >= t.glyphs() {
		return nil, fmt.Errorf("has no glyph %d", g)
	}
	at := func(i int) (int, error) {
		if binary.BigEndian.Uint16(t["head"][50:]) == 0 {
			if 2*i+2 > len(t["loca"]) {
				return 0, fmt.Errorf("has a short loca table")
			}
			return 2 * int(binary.BigEndian.Uint16(t["loca"][2*i:])), nil
		}
		if 4*i+4 > len(t["loca"]) {
			return 0, fmt.Errorf("has a short loca table")
		}
		return int(binary.BigEndian.Uint32(t["loca"][4*i:])), nil
	}
	from, err := at(int(g))
	if err != nil {
		return nil, err
	}
	to, err := at(int(g) + 1)
	if err != nil || from > to || to > len(t["glyf"]) {
		return nil, fmt.Errorf("has a glyph %d beyond its end", g)
	}
	return t["glyf"][from:to], nil
}

// subset collects glyphs under new numbers.
type subset struct {
	src    tables
	order  []uint16          // old number by new
	number map[uint16]uint16 // new number by old
	drawn  [][]byte          // outlines, by new number
}

// take adds a glyph and those it is composed of.
func (s *subset) take(old uint16) error {
	if _, ok := s.number[old]; ok {
		return nil
	}
	drawing, err := s.src.outline(old)
	if err != nil {
		return err
	}
	n := uint16(len(s.order))
	s.number[old], s.order, s.drawn = n, append(s.order, old), append(s.drawn, nil)
	out, err := s.plain(slices.Clone(drawing))
	s.drawn[n] = out
	return err
}

const (
	argWords    = 1 << 0
	haveScale   = 1 << 3
	more        = 1 << 5
	haveXYScale = 1 << 6
	have2x2     = 1 << 7
	haveHints   = 1 << 8
)

// plain takes the hints out of an outline, which no printed page needs, and
// numbers the parts of a composed one anew.
func (s *subset) plain(g []byte) ([]byte, error) {
	broken := fmt.Errorf("has a broken outline")
	if len(g) == 0 {
		return nil, nil
	}
	if len(g) < 12 {
		return nil, broken
	}
	contours := int(int16(binary.BigEndian.Uint16(g)))
	if contours >= 0 {
		at := 10 + 2*contours
		if at+2 > len(g) {
			return nil, broken
		}
		hints := int(binary.BigEndian.Uint16(g[at:]))
		if at+2+hints > len(g) {
			return nil, broken
		}
		g[at], g[at+1] = 0, 0
		return append(g[:at+2], g[at+2+hints:]...), nil
	}
	for at := 10; ; {
		if at+4 > len(g) {
			return nil, broken
		}
		flags, part := binary.BigEndian.Uint16(g[at:]), binary.BigEndian.Uint16(g[at+2:])
		if err := s.take(part); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint16(g[at:], flags&^haveHints)
		binary.BigEndian.PutUint16(g[at+2:], s.number[part])
		at += 4 + partSize(flags)
		if at > len(g) {
			return nil, broken
		}
		if flags&more == 0 {
			return g[:at], nil
		}
	}
}

func partSize(flags uint16) int {
	n := 2
	if flags&argWords != 0 {
		n = 4
	}
	switch {
	case flags&haveScale != 0:
		n += 2
	case flags&haveXYScale != 0:
		n += 4
	case flags&have2x2 != 0:
		n += 8
	}
	return n
}

// build writes the TrueType file of the glyphs taken.
func (s *subset) build() ([]byte, error) {
	var glyf, loca, hmtx []byte
	for n, old := range s.order {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		glyf = append(glyf, s.drawn[n]...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		hmtx = binary.BigEndian.AppendUint16(hmtx, s.src.advance(old))
		hmtx = binary.BigEndian.AppendUint16(hmtx, s.src.bearing(old))
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	head, hhea, maxp := slices.Clone(s.src["head"]), slices.Clone(s.src["hhea"]), slices.Clone(s.src["maxp"])
	binary.BigEndian.PutUint32(head[8:], 0)  // checkSumAdjustment, set below
	binary.BigEndian.PutUint16(head[50:], 1) // long offsets in loca
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(s.order)))
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(s.order)))
	binary.BigEndian.PutUint16(maxp[26:], 0) // no hints
	parts := []struct {
		name string
		data []byte
	}{{"glyf", glyf}, {"head", head}, {"hhea", hhea}, {"hmtx", hmtx}, {"loca", loca}, {"maxp", maxp}}
	out := []byte{0, 1, 0, 0, 0, byte(len(parts)), 0, 64, 0, 2, 0, byte(16*len(parts) - 64)}
	from, headAt := 12+16*len(parts), 0
	var body []byte
	for _, p := range parts {
		if p.name == "head" {
			headAt = from + len(body)
		}
		out = append(out, p.name...)
		out = binary.BigEndian.AppendUint32(out, sum32(p.data))
		out = binary.BigEndian.AppendUint32(out, uint32(from+len(body)))
		out = binary.BigEndian.AppendUint32(out, uint32(len(p.data)))
		body = append(body, p.data...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	out = append(out, body...)
	binary.BigEndian.PutUint32(out[headAt+8:], 0xb1b0afba-sum32(out))
	return out, nil
}

// sum32 is the checksum of TrueType.
func sum32(b []byte) (sum uint32) {
	for len(b) >= 4 {
		sum += binary.BigEndian.Uint32(b)
		b = b[4:]
	}
	var last [4]byte
	copy(last[:], b)
	return sum + binary.BigEndian.Uint32(last[:])
}
