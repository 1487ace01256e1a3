package pdf

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// signature is the block at the lower right: whose signature, and when. The
// signature field lies over it, so that a viewer shows its details there.
func (s *sheet) signature() {
	w := s.paper.Words
	b := box{right - 226, footTop + 6, 226, 92}
	at := s.paper.SignedAt.In(zone()).Format("02/01/2006 15:04:05 -07:00")
	alt := w.SignedBy.VI + " " + s.paper.Agency.VI + ", " + at
	form := s.root.add("Form", "/Alt "+utf16Text(alt))
	s.c.ornament(func() {
		s.c.fill(pale())
		s.c.stroke(brand())
		s.c.op("w", 0.8)
		s.c.rounded(b, 5)
		s.c.op("B")
		s.tick(b.x+21, b.y+21)
	})
	s.c.part(form, func() {
		s.c.write(style{true, 10, brand()}, b.x+36, b.y+19, w.Signed.VI)
		s.c.write(style{false, 7, faded()}, b.x+36, b.y+29, w.Signed.EN)
		y := b.y + 46
		s.c.write(style{false, 7, faded()}, b.x+13, y, w.SignedBy.VI+" / "+w.SignedBy.EN)
		name := style{true, 9.6, ink()}
		lines := s.press.wrap(name, strings.ToUpper(s.paper.Agency.VI), b.w-26)
		for name.size > 6 && len(lines) > 1 {
			name.size -= 0.4
			lines = s.press.wrap(name, strings.ToUpper(s.paper.Agency.VI), b.w-26)
		}
		s.c.write(name, b.x+13, y+12, lines0(lines))
		s.c.write(style{false, 7, faded()}, b.x+13, y+24, w.At.VI+" / "+w.At.EN)
		s.c.write(style{false, 9, ink()}, b.x+13, y+35, at)
	})
	s.c.links = append(s.c.links, link{node: form, x: b.x, y: b.y, w: b.w, h: b.h, alt: alt})
}

func lines0(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// tick is a check mark in a disc.
func (s *sheet) tick(x, y float64) {
	s.c.fill(brand())
	s.c.rounded(box{x - 8, y - 8, 16, 16}, 8)
	s.c.op("f")
	s.c.stroke(white())
	s.c.op("w", 1.6)
	s.c.op("1 J 1 j")
	s.c.op("m", x-3.6, sheetHeight-y-0.2)
	s.c.op("l", x-1, sheetHeight-y-2.8)
	s.c.op("l", x+3.8, sheetHeight-y+2.8)
	s.c.op("S")
	s.c.op("0 J 0 j")
}

// check is the block at the lower left: the QR code, the code in letters, and
// where to type it.
func (s *sheet) check() error {
	w := s.paper.Words
	b := box{left, footTop + 6, 92, 92}
	fig := s.root.add("Figure", "/Alt "+utf16Text(w.QR.VI+": "+s.paper.CheckURL)+bounds(b))
	if err := s.qr(fig, b); err != nil {
		return err
	}
	x := b.x + b.w + 12
	width := right - 226 - 12 - x
	y := b.y + 9
	s.c.part(s.root.add("P", ""), func() {
		s.c.write(style{false, 7, faded()}, x, y, w.Code.VI+" / "+w.Code.EN)
		code := style{true, 12, ink()}
		for code.size > 6 && s.press.width(code, s.paper.Code) > width {
			code.size -= 0.25
		}
		s.c.write(code, x, y+15, s.paper.Code)
	})
	small := style{false, 7, faded()}
	y += 31
	s.c.part(s.root.add("P", ""), func() {
		for _, l := range s.press.wrap(small, w.CheckAt.VI, width) {
			s.c.write(small, x, y, l)
			y += 9.4
		}
	})
	s.c.part(s.root.add("P", "/Lang(en)"), func() {
		for _, l := range s.press.wrap(small, w.CheckAt.EN, width) {
			s.c.write(small, x, y, l)
			y += 9.4
		}
	})
	site := style{true, 8.2, brand()}
	y += 3
	top := y - 9
	a := s.root.add("P", "").add("Link", "")
	s.c.part(a, func() {
		for _, l := range s.press.wrap(site, s.paper.CheckPage, width) {
			s.c.write(site, x, y, l)
			y += 10
		}
	})
	s.c.links = append(s.c.links, link{node: a, x: x, y: top, w: width, h: y - top - 4, url: s.paper.CheckURL, alt: w.QR.VI})
	return nil
}

// qr draws the code as squares, joined along the rows.
func (s *sheet) qr(n *node, b box) error {
	code, err := qr.Encode(s.paper.CheckURL, qr.M)
	if err != nil {
		return fmt.Errorf("pdf: the address of the check: %w", err)
	}
	size := b.w / float64(code.Size)
	s.c.part(n, func() {
		s.c.op("q")
		s.c.exact("cm", size, 0, 0, -size, b.x, sheetHeight-b.y)
		s.c.fill(ink())
		for y := range code.Size {
			for x := 0; x < code.Size; x++ {
				from := x
				for code.Black(x, y) {
					x++
				}
				if x > from {
					s.c.op("re", float64(from), float64(y), float64(x-from), 1)
				}
			}
		}
		s.c.op("f")
		s.c.op("Q")
	})
	return nil
}
