package pdf

import (
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// card is a paper that is shown like one from a wallet: a band with the title,
// the photo, and the facts in two columns.
func (s *sheet) card() {
	const pad, head = 18.0, 58.0
	b := box{left - 14, 62, right - left + 28, 0}
	x := b.x + pad
	if s.photo != nil {
		x += 110
	}
	width := (b.x + b.w - pad - x - 16) / 2
	number, lines := s.numbered()
	rows := s.cells(lines, width)
	high := 12.0
	for _, r := range rows {
		high += r.high
	}
	if s.photo != nil {
		high = max(high, 152)
	}
	b.h = head + 52 + high
	onePage := b.y+b.h < bodyEnd
	s.c.ornament(func() {
		if !onePage {
			b.h = bodyEnd - b.y + 8
		}
		s.c.fill(pale())
		s.c.rounded(b, 10)
		s.c.op("f")
		s.c.fill(brand())
		s.c.rounded(box{b.x, b.y, b.w, head + 10}, 10)
		s.c.op("f")
		s.c.fill(pale())
		s.c.rect(box{b.x, b.y + head, b.w, 11})
		s.c.op("f")
		s.c.stroke(brand())
		s.c.op("w", 0.9)
		s.c.rounded(b, 10)
		s.c.op("S")
	})
	s.band(box{b.x + pad, b.y, b.w - 2*pad, head}, number)
	if s.photo != nil {
		s.portrait(s.root, box{b.x + pad, b.y + head + 50, 96, 128})
	}
	s.y = b.y + head + 46
	table := s.root.add("Table", "")
	for _, r := range rows {
		if s.y+min(r.high, 600) > bodyEnd {
			s.page()
		}
		tr := table.add("TR", "")
		top := s.y
		for i, c := range r.cells {
			s.cell(tr, c, put{x: x + float64(i)*(width+16), y: top + 12})
		}
		s.y = max(s.y, top) + r.high
	}
	if len(s.pages) == 1 {
		s.y = max(s.y, b.y+b.h)
	}
	s.y += 10
}

// band is the head of a card: the state, the title, whose card it is.
func (s *sheet) band(b box, label i18n.Text) {
	w := s.paper.Words
	s.c.part(s.root.add("P", ""), func() {
		s.c.write(style{true, 7.6, colour{0.86, 0.94, 0.93}}, b.x, b.y+17, w.State.VI)
		motto := style{false, 7.6, colour{0.86, 0.94, 0.93}}
		s.c.write(motto, b.x+b.w-s.press.width(motto, w.Motto.VI), b.y+17, w.Motto.VI)
	})
	big := style{true, 17, white()}
	title := strings.ToUpper(s.paper.Title.VI)
	for big.size > 8 && s.press.width(big, title) > b.w {
		big.size -= 0.5
	}
	s.c.part(s.root.add("H1", ""), func() { s.c.write(big, b.x, b.y+37, title) })
	if s.paper.Title.EN != "" {
		s.c.part(s.root.add("P", "/Lang(en)"), func() { s.c.write(style{false, 8.6, colour{0.86, 0.94, 0.93}}, b.x, b.y+50, s.paper.Title.EN) })
	}
	y := b.y + b.h + 17
	name := style{true, 9.4, ink()}
	s.c.part(s.root.add("P", ""), func() { s.c.write(name, b.x, y, strings.ToUpper(s.paper.Agency.VI)) })
	if s.paper.Agency.EN != "" {
		s.c.part(s.root.add("P", "/Lang(en)"), func() { s.c.write(style{false, 7, faded()}, b.x, y+10, s.paper.Agency.EN) })
	}
	if s.paper.Number != "" {
		small, number := style{false, 7, faded()}, style{true, 13, brand()}
		words := label.VI + " / " + label.EN
		s.c.part(s.root.add("P", ""), func() {
			s.c.write(small, b.x+b.w-s.press.width(small, words), y-3, words)
			s.c.write(number, b.x+b.w-s.press.width(number, s.paper.Number), y+11, s.paper.Number)
		})
	}
	s.c.ornament(func() { s.c.stroke(hair()); s.c.line(b.x, b.x+b.w, y+19, 0.6) })
}

// numbered takes the card's number out of the facts, since its head shows it,
// and gives its label.
func (s *sheet) numbered() (i18n.Text, []Line) {
	label, lines := s.paper.Words.Number, make([]Line, 0, len(s.paper.Lines))
	for _, l := range s.paper.Lines {
		if l.Value.VI == s.paper.Number && s.paper.Number != "" {
			label = l.Label
			continue
		}
		lines = append(lines, l)
	}
	return label, lines
}

// cells is a row of a card: one fact, or two beside each other.
type cells struct {
	cells []cell
	high  float64
}

type cell struct {
	label, labelEN   string
	values, valuesEN []string
	value            style
}

// cells breaks the facts into lines and puts them into rows of two; long ones
// have a row for themselves.
func (s *sheet) cells(lines []Line, width float64) []cells {
	var out []cells
	full := 2*width + 16
	for i, l := range lines {
		c := cell{label: l.Label.VI, labelEN: l.Label.EN, value: style{true, 10.5, ink()}}
		wide := i == 0
		if wide {
			c.value.size = 14
		}
		if !wide && s.press.width(c.value, l.Value.VI) > width {
			wide = true
		}
		room := width
		if wide {
			room = full
		}
		c.values = s.press.wrap(c.value, l.Value.VI, room)
		if len(c.values) == 0 {
			c.values = []string{"–"}
		}
		if l.Value.EN != l.Value.VI {
			c.valuesEN = s.press.wrap(style{false, 7.4, faded()}, l.Value.EN, room)
		}
		high := 13 + float64(len(c.values))*c.value.leading() + float64(len(c.valuesEN))*9.4 + 9
		last := len(out) - 1
		if !wide && last >= 0 && len(out[last].cells) == 1 && out[last].cells[0].value.size == c.value.size && out[last].high < 60 && s.pairs(out[last].cells[0], width) {
			out[last].cells = append(out[last].cells, c)
			out[last].high = max(out[last].high, high)
			continue
		}
		out = append(out, cells{[]cell{c}, high})
	}
	return out
}

// pairs says whether a cell leaves room for one beside it.
func (s *sheet) pairs(c cell, width float64) bool {
	for _, v := range c.values {
		if s.press.width(c.value, v) > width {
			return false
		}
	}
	return true
}

func (s *sheet) cell(tr *node, c cell, at put) {
	small := style{false, 7, faded()}
	th := tr.add("TH", "/A<</O/Table/Scope/Row>>")
	s.c.part(th, func() { s.c.write(style{true, 7.6, brand()}, at.x, at.y, c.label) })
	if c.labelEN != "" {
		s.c.part(th.add("Span", "/Lang(en)"), func() {
			s.c.write(small, at.x+s.press.width(style{true, 7.6, brand()}, c.label)+5, at.y, c.labelEN)
		})
	}
	td := tr.add("TD", "")
	y := at.y + c.value.leading()
	s.long(td, c.values, put{c.value, at.x, y, c.value.leading()})
	s.spoken(td, c.valuesEN, put{style{false, 7.4, faded()}, at.x, y - 2 + float64(len(c.values))*c.value.leading() - c.value.leading() + 11, 9.4})
}
