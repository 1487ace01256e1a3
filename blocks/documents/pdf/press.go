package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Layout is how a paper looks.
type Layout int

// The layouts: an administrative sheet, or a card on a sheet.
const (
	Sheet Layout = iota
	Card
)

// Line is one labelled value.
type Line struct{ Label, Value i18n.Text }

// Paper is what is to be printed. Text that the typeface has no letters for is
// printed with the nearest ones.
type Paper struct {
	Layout     Layout
	Words      Words // zero: those of Viet Nam
	Title      i18n.Text
	Agency     i18n.Text // whose signature it carries
	Number     string
	Lines      []Line
	Note       i18n.Text
	Photo      []byte // JPEG or PNG, or none
	ValidUntil string // YYYY-MM-DD, or none
	Code       string // for checking it, as people read it
	CheckURL   string // the page that checks it, with the code
	CheckPage  string // the page where one types the code, as people read it
	SignedAt   time.Time
}

// Signer signs a paper.
type Signer struct {
	Certificate *x509.Certificate
	Authority   *x509.Certificate
	Key         crypto.Signer // ECDSA P-256
}

// Press prints papers. It is made once; then it is safe for concurrent use.
type Press struct {
	regular, bold *font
	base          []byte
	place         []place // of the objects in base
	objects       baseObjects
	writers       sync.Pool
}

type baseObjects struct{ regular, bold, colour int }

// New makes a press with two weights of a typeface, as TrueType files.
func New(regular, bold []byte) (*Press, error) {
	p := &Press{}
	p.writers.New = func() any { return best(zlib.BestSpeed) }
	var err error
	if p.regular, err = newFont("BeVietnamPro-Regular", regular); err != nil {
		return nil, err
	}
	if p.bold, err = newFont("BeVietnamPro-SemiBold", bold); err != nil {
		return nil, err
	}
	f := &file{press: p, buf: []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), place: make([]place, 1), body: map[int]string{}}
	p.objects = baseObjects{regular: f.embed(p.regular), bold: f.embed(p.bold), colour: f.object()}
	f.stream(p.objects.colour, "/N 3/Filter/FlateDecode", tight(profile()))
	p.base, p.place = f.buf, f.place
	return p, nil
}

// Base is how every file of this press begins. It depends on the fonts and on
// the version of this package alone.
func (p *Press) Base() []byte { return p.base }

func best(level int) *zlib.Writer {
	w, err := zlib.NewWriterLevel(nil, level)
	if err != nil {
		panic(err) // the level is a constant of the library
	}
	return w
}

// tight compresses what is compressed once.
func tight(data []byte) []byte {
	var out bytes.Buffer
	w := best(zlib.BestCompression)
	w.Reset(&out)
	_, err1 := w.Write(data)
	if err2 := w.Close(); err1 != nil || err2 != nil {
		panic("pdf: writing to memory failed") // cannot happen
	}
	return out.Bytes()
}

// embed writes a font and returns the object to draw with.
func (f *file) embed(t *font) int {
	top, cid, desc, data, letters := f.object(), f.object(), f.object(), f.object(), f.object()
	sum := sha256.Sum256(t.file)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	name := string(tag) + "+" + t.name
	f.plain(top, fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", name, cid, letters))
	f.plain(cid, fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"+
		"/FontDescriptor %d 0 R/CIDToGIDMap/Identity/DW 0/W[0%s]>>", name, desc, fmt.Sprint(t.width)))
	f.plain(desc, fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV %d/FontWeight %d/FontFile2 %d 0 R>>",
		name, t.box[0], t.box[1], t.box[2], t.box[3], t.ascent, t.desc, t.caps, t.weight/5, t.weight, data))
	f.stream(data, fmt.Sprintf("/Length1 %d/Filter/FlateDecode", len(t.file)), tight(t.file))
	f.stream(letters, "/Filter/FlateDecode", tight(t.unicode()))
	return top
}

// unicode maps glyphs to letters, so that text can be searched and read aloud.
func (t *font) unicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry (Adobe)/Ordering (UCS)/Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n")
	var known []int
	for n, r := range t.runes {
		if r != 0 {
			known = append(known, n)
		}
	}
	for len(known) > 0 {
		n := min(100, len(known))
		fmt.Fprintf(&b, "%d beginbfchar\n", n)
		for _, g := range known[:n] {
			fmt.Fprintf(&b, "<%04x> <%04x>\n", g, t.runes[g])
		}
		b.WriteString("endbfchar\n")
		known = known[n:]
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}
