package pdf

import (
	"strconv"
	"strings"
)

// The sheet, in points: A4.
const (
	sheetWidth  = 595.28
	sheetHeight = 841.89
)

// colour is red, green, blue between 0 and 1.
type colour [3]float64

func ink() colour   { return colour{0.07, 0.11, 0.12} }
func faded() colour { return colour{0.36, 0.41, 0.42} }
func brand() colour { return colour{0.043, 0.365, 0.337} } // #0b5d56
func pale() colour  { return colour{0.937, 0.965, 0.961} }
func hair() colour  { return colour{0.80, 0.86, 0.85} }
func white() colour { return colour{1, 1, 1} }

// style is how text looks.
type style struct {
	bold   bool
	size   float64
	colour colour
}

// leading is the distance of its lines.
func (s style) leading() float64 { return s.size * 1.32 }

// canvas is one page that is being drawn. y goes down from the upper edge, as a
// reader does.
type canvas struct {
	press *Press
	index int
	ops   []byte
	marks []*node // by MCID
	links []link
	photo bool // it shows the photo
}

// link is an area of a page that leads somewhere, or is signed.
type link struct {
	node       *node
	x, y, w, h float64
	url        string // empty: the signature
	alt        string
}

func (c *canvas) op(name string, numbers ...float64) {
	for _, n := range numbers {
		c.ops = strconv.AppendFloat(c.ops, round(n), 'f', -1, 64)
		c.ops = append(c.ops, ' ')
	}
	c.ops = append(append(c.ops, name...), '\n')
}

// exact is op without rounding, for factors that are multiplied.
func (c *canvas) exact(name string, numbers ...float64) {
	for _, n := range numbers {
		c.ops = strconv.AppendFloat(c.ops, n, 'f', 5, 64)
		c.ops = append(c.ops, ' ')
	}
	c.ops = append(append(c.ops, name...), '\n')
}

func round(v float64) float64 {
	n := float64(int64(v*100 + 0.5))
	if v < 0 {
		n = float64(int64(v*100 - 0.5))
	}
	return n / 100
}

// part draws what belongs to a node.
func (c *canvas) part(n *node, draw func()) {
	c.ops = append(append(c.ops, '/'), n.tag...)
	c.ops = append(c.ops, "<</MCID "...)
	c.ops = strconv.AppendInt(c.ops, int64(len(c.marks)), 10)
	c.ops = append(c.ops, ">>BDC\n"...)
	n.kids = append(n.kids, kid{page: c.index, mark: len(c.marks)})
	c.marks = append(c.marks, n)
	draw()
	c.ops = append(c.ops, "EMC\n"...)
}

// ornament draws what says nothing.
func (c *canvas) ornament(draw func()) {
	c.ops = append(c.ops, "/Artifact BMC\n"...)
	draw()
	c.ops = append(c.ops, "EMC\n"...)
}

func (c *canvas) fill(k colour)   { c.op("rg", k[0], k[1], k[2]) }
func (c *canvas) stroke(k colour) { c.op("RG", k[0], k[1], k[2]) }

// box is a rectangle.
type box struct{ x, y, w, h float64 }

func (c *canvas) rect(b box) { c.op("re", b.x, sheetHeight-b.y-b.h, b.w, b.h) }

func (c *canvas) line(x1, x2, y, width float64) {
	c.op("w", width)
	c.op("m", x1, sheetHeight-y)
	c.op("l", x2, sheetHeight-y)
	c.op("S")
}

// rounded is a rectangle with round corners, left for the caller to paint.
func (c *canvas) rounded(b box, r float64) {
	const k = 0.5523
	x1, y1, x2, y2 := b.x, sheetHeight-b.y-b.h, b.x+b.w, sheetHeight-b.y
	c.op("m", x1+r, y1)
	c.op("l", x2-r, y1)
	c.op("c", x2-r+k*r, y1, x2, y1+r-k*r, x2, y1+r)
	c.op("l", x2, y2-r)
	c.op("c", x2, y2-r+k*r, x2-r+k*r, y2, x2-r, y2)
	c.op("l", x1+r, y2)
	c.op("c", x1+r-k*r, y2, x1, y2-r+k*r, x1, y2-r)
	c.op("l", x1, y1+r)
	c.op("c", x1, y1+r-k*r, x1+r-k*r, y1, x1+r, y1)
	c.op("h")
}

// write draws one line of text whose baseline is y.
func (c *canvas) write(s style, x, y float64, line string) {
	f, name := c.press.face(s)
	c.fill(s.colour)
	c.ops = append(append(append(c.ops, "BT /"...), name...), ' ')
	c.op("Tf", s.size)
	c.op("Td", x, sheetHeight-y)
	c.ops = append(c.ops, '<')
	const digits = "0123456789abcdef"
	for _, r := range line {
		g := f.glyph[r]
		c.ops = append(c.ops, digits[g>>12], digits[g>>8&15], digits[g>>4&15], digits[g&15])
	}
	c.ops = append(c.ops, ">Tj ET\n"...)
}

// centre draws one line around x.
func (c *canvas) centre(s style, x, y float64, line string) {
	c.write(s, x-c.press.width(s, line)/2, y, line)
}

// face gives the font of a style and its name on the page.
func (p *Press) face(s style) (*font, string) {
	if s.bold {
		return p.bold, "B"
	}
	return p.regular, "R"
}

func (p *Press) width(s style, line string) float64 {
	f, _ := p.face(s)
	return f.measureText(line, s.size)
}

// wrap breaks a text into lines of a width. A word that is wider is broken too.
func (p *Press) wrap(s style, text string, width float64) []string {
	var lines []string
	for _, para := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(para) {
			try := word
			if line != "" {
				try = line + " " + word
			}
			if p.width(s, try) <= width {
				line = try
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			line = word
			for p.width(s, line) > width {
				n := p.fits(s, line, width)
				lines = append(lines, line[:n])
				line = line[n:]
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// fits is how many bytes of a word a line holds: at least one letter.
func (p *Press) fits(s style, word string, width float64) int {
	last := 0
	for i := range word {
		if i > 0 && p.width(s, word[:i]) > width {
			break
		}
		if i > 0 {
			last = i
		}
	}
	if last == 0 {
		for i := range word {
			if i > 0 {
				return i
			}
		}
		return len(word)
	}
	return last
}
