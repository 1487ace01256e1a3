package pdf

import (
	"bytes"
	"fmt"
	"image"
	"strconv"
	"strings"
)

// Colour is red, green, blue between 0 and 1.
type Colour [3]float64

// Paper is one document being written. Points are counted from the top left
// corner of an A4 page, as people read.
type Paper struct {
	Title, Lang string // Lang is a BCP 47 tag
	Subject     string

	fonts  []*Font
	used   []map[uint16]rune // by font: glyphs and one rune each stands for
	pages  []*page
	tree   []element
	images []picture
}

type page struct {
	content bytes.Buffer
	marks   int // MCIDs given out
	images  []int
	parents []int // element by MCID
}

type element struct {
	tag, alt string
	page     int
	mark     int // -1: it holds other elements
	children []int
	parent   int // -1: the document
}

type picture struct {
	jpeg          []byte
	width, height int
}

// The size of a page in points.
const (
	PageWidth  = 595.28
	PageHeight = 841.89
)

// NewPaper begins a document set in the given fonts; Text chooses one by number.
func NewPaper(title, lang string, fonts ...*Font) *Paper {
	p := &Paper{Title: title, Lang: lang, fonts: fonts}
	for range fonts {
		p.used = append(p.used, map[uint16]rune{})
	}
	p.NewPage()
	return p
}

// NewPage begins another page.
func (p *Paper) NewPage() { p.pages = append(p.pages, &page{}) }

func (p *Paper) now() *page { return p.pages[len(p.pages)-1] }

// Style is how a text looks.
type Style struct {
	Font   int
	Size   float64
	Colour Colour
}

// Begin opens a structure element that holds others (Table, TR, L …); End
// closes it. It returns the element's number.
func (p *Paper) Begin(tag string, parent int) int {
	p.tree = append(p.tree, element{tag: tag, page: len(p.pages) - 1, mark: -1, parent: parent})
	n := len(p.tree) - 1
	p.adopt(parent, n)
	return n
}

func (p *Paper) adopt(parent, child int) {
	if parent >= 0 {
		p.tree[parent].children = append(p.tree[parent].children, child)
	}
}

// marked writes content as one structure element that screen readers announce.
func (p *Paper) marked(tag, alt string, parent int, write func(b *bytes.Buffer)) {
	pg := p.now()
	p.tree = append(p.tree, element{tag: tag, alt: alt, page: len(p.pages) - 1, mark: pg.marks, parent: parent})
	n := len(p.tree) - 1
	p.adopt(parent, n)
	pg.parents = append(pg.parents, n)
	fmt.Fprintf(&pg.content, "/%s <</MCID %d>> BDC\n", tag, pg.marks)
	write(&pg.content)
	pg.content.WriteString("EMC\n")
	pg.marks++
}

// Line is one line of text at a place.
type Line struct {
	X, Y float64 // of the baseline's left end
	Text string
	Style
}

// Text writes lines as one structure element (H1, H2, P, TH, TD, LBody …)
// inside parent (-1: the document itself).
func (p *Paper) Text(tag string, parent int, lines ...Line) {
	p.marked(tag, "", parent, func(b *bytes.Buffer) {
		b.WriteString("BT\n")
		for _, l := range lines {
			fmt.Fprintf(b, "%s rg /F%d %s Tf 1 0 0 1 %s %s Tm <%s> Tj\n", colour(l.Colour), l.Font, num(l.Size), num(l.X), num(PageHeight-l.Y), p.encode(l.Font, l.Text))
		}
		b.WriteString("ET\n")
	})
}

const hexDigits = "0123456789ABCDEF"

func (p *Paper) encode(font int, s string) string {
	var b strings.Builder
	f := p.fonts[font]
	for _, r := range s {
		g := f.glyph(r)
		p.used[font][g] = r
		b.WriteByte(hexDigits[g>>12])
		b.WriteByte(hexDigits[g>>8&15])
		b.WriteByte(hexDigits[g>>4&15])
		b.WriteByte(hexDigits[g&15])
	}
	return b.String()
}

// Wrap breaks a text into lines no wider than width.
func (p *Paper) Wrap(s string, st Style, width float64) []string {
	var out []string
	for _, para := range strings.Split(s, "\n") {
		line := ""
		for _, word := range strings.Fields(para) {
			next := word
			if line != "" {
				next = line + " " + word
			}
			if line != "" && p.fonts[st.Font].Width(next, st.Size) > width {
				out = append(out, line)
				next = word
			}
			line = next
		}
		out = append(out, line)
	}
	return out
}

// Width is how wide a text will be.
func (p *Paper) Width(s string, st Style) float64 { return p.fonts[st.Font].Width(s, st.Size) }

// artifact writes decoration, which screen readers pass over.
func (p *Paper) artifact(write func(b *bytes.Buffer)) {
	b := &p.now().content
	b.WriteString("/Artifact BMC\n")
	write(b)
	b.WriteString("EMC\n")
}

// Point is a place on the page.
type Point struct{ X, Y float64 }

// Rule draws a line.
func (p *Paper) Rule(from, to Point, width float64, c Colour) {
	p.artifact(func(b *bytes.Buffer) {
		fmt.Fprintf(b, "%s RG %s w %s %s m %s %s l S\n", colour(c), num(width), num(from.X), num(PageHeight-from.Y), num(to.X), num(PageHeight-to.Y))
	})
}

// Box is a rectangle from its top left corner.
type Box struct{ X, Y, W, H float64 }

// Frame draws the outline of a box.
func (p *Paper) Frame(r Box, width float64, c Colour) {
	p.artifact(func(b *bytes.Buffer) {
		fmt.Fprintf(b, "%s RG %s w %s %s %s %s re S\n", colour(c), num(width), num(r.X), num(PageHeight-r.Y-r.H), num(r.W), num(r.H))
	})
}

// Fill paints boxes.
func (p *Paper) Fill(c Colour, boxes ...Box) {
	p.artifact(func(b *bytes.Buffer) { fill(b, c, boxes) })
}

func fill(b *bytes.Buffer, c Colour, boxes []Box) {
	fmt.Fprintf(b, "%s rg\n", colour(c))
	var line []byte
	for _, r := range boxes {
		line = line[:0]
		for _, v := range [4]float64{r.X, PageHeight - r.Y - r.H, r.W, r.H} {
			line = append(strconv.AppendFloat(line, v, 'f', 2, 64), ' ')
		}
		b.Write(append(line, "re\n"...))
	}
	b.WriteString("f\n")
}

// Figure paints boxes (a QR code, say) as a picture with words for those who
// cannot see it.
func (p *Paper) Figure(alt string, c Colour, boxes ...Box) {
	p.marked("Figure", alt, -1, func(b *bytes.Buffer) { fill(b, c, boxes) })
}

// JPEG puts a picture into a box.
func (p *Paper) JPEG(alt string, data []byte, r Box) error {
	cfg, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || kind != "jpeg" {
		return fmt.Errorf("pdf: the picture is no JPEG: %w", err)
	}
	p.images = append(p.images, picture{data, cfg.Width, cfg.Height})
	n := len(p.images) - 1
	p.now().images = append(p.now().images, n)
	p.marked("Figure", alt, -1, func(b *bytes.Buffer) {
		fmt.Fprintf(b, "q %s 0 0 %s %s %s cm /I%d Do Q\n", num(r.W), num(r.H), num(r.X), num(PageHeight-r.Y-r.H), n)
	})
	return nil
}

func colour(c Colour) string { return num(c[0]) + " " + num(c[1]) + " " + num(c[2]) }

// num writes a number as short as PDF allows: at most three decimals.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
