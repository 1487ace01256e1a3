package pdf

import (
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Measures of the sheet.
const (
	left    = 66.0
	right   = sheetWidth - left
	bodyEnd = 778.0 // of a page
	footTop = 686.0 // of the block with code and signature
)

// sheet is a paper on its way to the page.
type sheet struct {
	press *Press
	paper Paper
	photo *photo
	root  *node
	pages []*canvas
	c     *canvas
	y     float64 // where the next thing goes
}

func (s *sheet) lay() error {
	s.page()
	if s.paper.Layout == Card {
		s.card()
	} else {
		s.header()
		s.title()
		s.facts()
	}
	s.note()
	if s.y > footTop-2 {
		s.page()
	}
	s.signature()
	if err := s.check(); err != nil {
		return err
	}
	s.numbers()
	return nil
}

// page begins a page with its frame.
func (s *sheet) page() {
	s.c = &canvas{press: s.press, index: len(s.pages)}
	s.pages = append(s.pages, s.c)
	s.c.ornament(func() {
		s.c.stroke(brand())
		s.c.op("w", 1.1)
		s.c.rect(box{30, 30, sheetWidth - 60, sheetHeight - 60})
		s.c.op("S")
		s.c.op("w", 0.35)
		s.c.rect(box{34, 34, sheetWidth - 68, sheetHeight - 68})
		s.c.op("S")
		for _, at := range [][2]float64{{30, 30}, {sheetWidth - 30, 30}, {30, sheetHeight - 30}, {sheetWidth - 30, sheetHeight - 30}} {
			s.lotus(at[0], at[1])
		}
	})
	s.y = 66
	if len(s.pages) > 1 {
		s.c.part(s.root.add("P", ""), func() {
			s.c.write(style{true, 10, brand()}, left, s.y, s.paper.Title.VI+" ("+s.paper.Words.Continue.VI+")")
		})
		s.y += 20
	}
}

// lotus is a small square on its corner that holds the frame together.
func (s *sheet) lotus(x, y float64) {
	y = sheetHeight - y
	for _, d := range []struct {
		r float64
		k colour
	}{{8, white()}, {6, brand()}, {3, white()}, {1.6, brand()}} {
		s.c.fill(d.k)
		s.c.op("m", x-d.r, y)
		s.c.op("l", x, y+d.r)
		s.c.op("l", x+d.r, y)
		s.c.op("l", x, y-d.r)
		s.c.op("f")
	}
}

// header is whose paper it is, on the left, and the state's name and motto, on
// the right.
func (s *sheet) header() {
	w := s.paper.Words
	agency, state := left+92, right-128.0
	y := s.y
	strong := style{true, 9.6, ink()}
	s.c.part(s.root.add("P", ""), func() {
		for _, l := range s.press.wrap(strong, strings.ToUpper(s.paper.Agency.VI), 184) {
			s.c.centre(strong, agency, y, l)
			y += 13
		}
	})
	y = s.english(s.paper.Agency.EN, agency, y-1.5, 184)
	s.c.ornament(func() { s.c.stroke(brand()); s.c.line(agency-24, agency+24, y-2, 0.8) })
	y += 13
	if s.paper.Number != "" {
		s.c.part(s.root.add("P", ""), func() {
			s.c.centre(style{false, 9, ink()}, agency, y, w.Number.VI+" / "+w.Number.EN+": "+s.paper.Number)
		})
	}
	z := s.y
	s.c.part(s.root.add("P", ""), func() {
		s.c.centre(strong, state, z, w.State.VI)
		z += 13.5
		motto := style{true, 10.4, ink()}
		s.c.centre(motto, state, z, w.Motto.VI)
	})
	z = s.english(w.State.EN, state, z+11.5, 256)
	half := s.press.width(style{true, 10.4, ink()}, w.Motto.VI) / 2
	z = s.english(w.Motto.EN, state, z, 256)
	s.c.ornament(func() { s.c.stroke(brand()); s.c.line(state-half, state+half, z-2, 0.8) })
	z += 13
	at := s.paper.SignedAt.In(zone())
	s.c.part(s.root.add("P", ""), func() {
		s.c.centre(style{false, 9, ink()}, state, z, i18n.Fill(w.Date.VI, "d", at.Format("02"), "m", at.Format("01"), "y", at.Format("2006")))
	})
	s.y = max(y, z) + 44
}

// english writes centred English words below Vietnamese ones.
func (s *sheet) english(words string, x, y, width float64) float64 {
	st := style{false, 7, faded()}
	if words == "" {
		return y
	}
	s.c.part(s.root.add("P", "/Lang(en)"), func() {
		for _, l := range s.press.wrap(st, words, width) {
			s.c.centre(st, x, y, l)
			y += 9.5
		}
	})
	return y
}

func (s *sheet) title() {
	big := style{true, 21, brand()}
	s.c.part(s.root.add("H1", ""), func() {
		for _, l := range s.press.wrap(big, strings.ToUpper(s.paper.Title.VI), right-left) {
			s.c.centre(big, sheetWidth/2, s.y, l)
			s.y += 27
		}
	})
	s.y -= 9
	if s.paper.Title.EN != "" {
		st := style{false, 11, faded()}
		s.c.part(s.root.add("P", "/Lang(en)"), func() {
			for _, l := range s.press.wrap(st, s.paper.Title.EN, right-left) {
				s.c.centre(st, sheetWidth/2, s.y, l)
				s.y += 15
			}
		})
	}
	s.y += 7
}

// facts is the table of labelled values, with the photo at its right.
func (s *sheet) facts() {
	edge := right
	photoEnd := 0.0
	if s.photo != nil {
		b := box{right - 92, s.y + 4, 92, 122}
		s.portrait(s.root, b)
		edge, photoEnd = right-108, b.y+b.h+8
	}
	table := s.root.add("Table", "")
	for i, l := range s.paper.Lines {
		if s.y > photoEnd {
			edge = right
		}
		s.row(table, l, rowLook{first: i == 0, edge: edge})
	}
	s.y = max(s.y, photoEnd) + 6
}

func (s *sheet) portrait(parent *node, b box) {
	s.c.photo = true
	s.c.ornament(func() {
		s.c.stroke(hair())
		s.c.op("w", 0.8)
		s.c.rect(b)
		s.c.op("S")
	})
	in := s.photo.inside(box{b.x + 2, b.y + 2, b.w - 4, b.h - 4})
	attrs := "/Alt " + utf16Text(s.paper.Words.Photo.VI) + bounds(b)
	s.c.part(parent.add("Figure", attrs), func() {
		s.c.op("q")
		s.c.op("cm", in.w, 0, 0, in.h, in.x, sheetHeight-in.y-in.h)
		s.c.op("/P Do")
		s.c.op("Q")
	})
}

// bounds tells where a figure lies.
func bounds(b box) string {
	n := func(v float64) string { return strconv.FormatFloat(round(v), 'f', -1, 64) }
	return "/A<</O/Layout/Placement/Block/BBox[" + n(b.x) + " " + n(sheetHeight-b.y-b.h) + " " + n(b.x+b.w) + " " + n(sheetHeight-b.y) + "]>>"
}

type rowLook struct {
	first bool // the most important fact, in larger letters
	edge  float64
}

// row is one labelled value; it moves to the next page as a whole where it can.
func (s *sheet) row(table *node, l Line, look rowLook) {
	const column = 158.0
	label, labelEN := style{true, 9.4, ink()}, style{false, 7, faded()}
	value := style{false, 11, ink()}
	if look.first {
		value = style{true, 13.5, ink()}
	}
	labels := s.press.wrap(label, l.Label.VI, column-10)
	labelsEN := s.press.wrap(labelEN, l.Label.EN, column-10)
	values := s.press.wrap(value, l.Value.VI, look.edge-left-column)
	var valuesEN []string
	if l.Value.EN != l.Value.VI {
		valuesEN = s.press.wrap(style{false, 8.2, faded()}, l.Value.EN, look.edge-left-column)
	}
	high := max(float64(len(labels))*12+float64(len(labelsEN))*8.6, float64(len(values))*value.leading()+float64(len(valuesEN))*10) + 5.4
	if s.y+min(high, bodyEnd-120) > bodyEnd {
		s.page()
	}
	tr := table.add("TR", "")
	th, top := tr.add("TH", "/A<</O/Table/Scope/Row>>"), s.y+11
	s.lines(th, labels, put{label, left, top, 12})
	s.spoken(th, labelsEN, put{labelEN, left, top - 2 + float64(len(labels))*12, 8.6})
	td := tr.add("TD", "")
	if len(values) == 0 {
		values = []string{"–"}
	}
	s.long(td, values, put{value, left + column, top + 0.8, value.leading()})
	if len(valuesEN) > 0 {
		s.spoken(td, valuesEN, put{style{false, 8.2, faded()}, left + column, top - 1.5 + float64(len(values))*value.leading(), 10})
	}
	if top+high > s.y {
		s.y = max(s.y, top-11) + high
	}
	s.c.ornament(func() { s.c.stroke(hair()); s.c.line(left, look.edge, s.y-2.5, 0.5) })
}

// put is where and how lines are written.
type put struct {
	style style
	x, y  float64
	step  float64
}

func (s *sheet) lines(n *node, lines []string, at put) {
	if len(lines) == 0 {
		return
	}
	s.c.part(n, func() {
		for i, l := range lines {
			s.c.write(at.style, at.x, at.y+float64(i)*at.step, l)
		}
	})
}

// spoken writes English words, marked so that a screen reader changes its voice.
func (s *sheet) spoken(n *node, lines []string, at put) {
	if len(lines) > 0 {
		s.lines(n.add("Span", "/Lang(en)"), lines, at)
	}
}

// long writes lines that may be more than a page holds.
func (s *sheet) long(n *node, lines []string, at put) {
	for len(lines) > 0 {
		fit := max(1, int((bodyEnd-at.y)/at.step)+1)
		if fit >= len(lines) {
			s.lines(n, lines, at)
			return
		}
		s.lines(n, lines[:fit], at)
		lines = lines[fit:]
		s.page()
		at.y = s.y + 11
		s.y = at.y + float64(min(len(lines), int((bodyEnd-at.y)/at.step)))*at.step
	}
}

// note is the small print, on a pale ground.
func (s *sheet) note() {
	vi, en := style{false, 9, ink()}, style{false, 7.6, faded()}
	linesVI, linesEN := s.press.wrap(vi, s.paper.Note.VI, right-left-28), s.press.wrap(en, s.paper.Note.EN, right-left-28)
	if len(linesVI) == 0 {
		return
	}
	high := float64(len(linesVI))*12.4 + float64(len(linesEN))*10.2 + 15
	if s.y+high > footTop-10 && s.y+high > bodyEnd {
		s.page()
	}
	s.y += 8
	s.c.ornament(func() {
		s.c.fill(pale())
		s.c.rect(box{left, s.y, right - left, high})
		s.c.op("f")
		s.c.fill(brand())
		s.c.rect(box{left, s.y, 3, high})
		s.c.op("f")
	})
	s.lines(s.root.add("P", ""), linesVI, put{vi, left + 15, s.y + 16, 12.4})
	if len(linesEN) > 0 {
		s.lines(s.root.add("P", "/Lang(en)"), linesEN, put{en, left + 15, s.y + 15 + float64(len(linesVI))*12.4, 10.2})
	}
	s.y += high + 8
}

// numbers says on every page which it is, where there is more than one.
func (s *sheet) numbers() {
	if len(s.pages) == 1 {
		return
	}
	for i, c := range s.pages {
		c.ornament(func() {
			c.centre(style{false, 7.5, faded()}, sheetWidth/2, sheetHeight-44, i18n.Fill(s.paper.Words.Page.VI, "n", strconv.Itoa(i+1), "all", strconv.Itoa(len(s.pages))))
		})
	}
}
