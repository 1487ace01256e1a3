package pdf

import "fmt"

// qrShape is a version of the symbol at correction level M (ISO/IEC 18004,
// tables 7 and 9).
type qrShape struct {
	check  int // correction bytes of a block
	blocks [2]struct{ count, data int }
	align  []int // centres of alignment patterns
}

// qrShapes are the versions 1 to 10: addresses of up to 213 letters.
func qrShapes() []qrShape {
	type b = [2]struct{ count, data int }
	return []qrShape{
		{10, b{{1, 16}}, nil}, {16, b{{1, 28}}, []int{6, 18}}, {26, b{{1, 44}}, []int{6, 22}}, {18, b{{2, 32}}, []int{6, 26}}, {24, b{{2, 43}}, []int{6, 30}},
		{16, b{{4, 27}}, []int{6, 34}}, {18, b{{4, 31}}, []int{6, 22, 38}}, {22, b{{2, 38}, {2, 39}}, []int{6, 24, 42}},
		{22, b{{3, 36}, {2, 37}}, []int{6, 26, 46}}, {26, b{{4, 43}, {1, 44}}, []int{6, 28, 50}},
	}
}

func (s qrShape) capacity() int {
	return s.blocks[0].count*s.blocks[0].data + s.blocks[1].count*s.blocks[1].data
}

// symbol is a QR code being drawn.
type symbol struct {
	size        int
	dark, fixed [][]bool
}

// qrCode encodes an address. The mask is given: any is as readable where the
// light is as good as on a printed page, and trying all eight costs more than
// all else on it.
func qrCode(address string, mask int) ([][]bool, error) {
	for i, shape := range qrShapes() {
		counter := 8
		if i+1 >= 10 {
			counter = 16
		}
		if 4+counter+8*len(address) > 8*shape.capacity() {
			continue
		}
		s := newSymbol(i+1, shape)
		s.place(shape.bytes(address, counter), mask)
		s.format(mask)
		return s.dark, nil
	}
	return nil, fmt.Errorf("pdf: the address has %d letters, a QR code on a paper holds 213", len(address))
}

// bytes are the data in byte mode, filled up, with their correction, as they
// lie in the symbol.
func (s qrShape) bytes(address string, counter int) []byte {
	var bits []bool
	put := func(v, n int) {
		for i := n - 1; i >= 0; i-- {
			bits = append(bits, v>>i&1 == 1)
		}
	}
	put(4, 4)
	put(len(address), counter)
	for i := range len(address) {
		put(int(address[i]), 8)
	}
	put(0, min(4, 8*s.capacity()-len(bits)))
	put(0, (8-len(bits)%8)%8)
	for pad := 0xec; len(bits) < 8*s.capacity(); pad ^= 0xec ^ 0x11 {
		put(pad, 8)
	}
	data := make([]byte, len(bits)/8)
	for i, b := range bits {
		if b {
			data[i/8] |= 0x80 >> (i % 8)
		}
	}
	var blocks, checks [][]byte
	generator := rsGenerator(s.check)
	for _, g := range s.blocks {
		for range g.count {
			blocks, checks = append(blocks, data[:g.data]), append(checks, rsRemainder(data[:g.data], generator))
			data = data[g.data:]
		}
	}
	return append(interleave(blocks), interleave(checks)...)
}

func interleave(blocks [][]byte) (out []byte) {
	for i := 0; ; i++ {
		more := false
		for _, b := range blocks {
			if i < len(b) {
				out, more = append(out, b[i]), true
			}
		}
		if !more {
			return out
		}
	}
}

// gfMul multiplies in the field of 256 elements modulo x⁸+x⁴+x³+x²+1.
func gfMul(a, b byte) byte {
	p := 0
	for i := 7; i >= 0; i-- {
		p <<= 1
		if p&0x100 != 0 {
			p ^= 0x11d
		}
		if b>>i&1 == 1 {
			p ^= int(a)
		}
	}
	return byte(p)
}

// rsGenerator is the polynomial whose roots are the first n powers of 2,
// without its leading 1.
func rsGenerator(n int) []byte {
	g := make([]byte, n)
	g[n-1] = 1
	root := byte(1)
	for range n {
		for i := range g {
			g[i] = gfMul(g[i], root)
			if i+1 < n {
				g[i] ^= g[i+1]
			}
		}
		root = gfMul(root, 2)
	}
	return g
}

func rsRemainder(data, generator []byte) []byte {
	rest := make([]byte, len(generator))
	for _, b := range data {
		factor := b ^ rest[0]
		copy(rest, rest[1:])
		rest[len(rest)-1] = 0
		for i, g := range generator {
			rest[i] ^= gfMul(g, factor)
		}
	}
	return rest
}

// newSymbol draws what every symbol of a version has.
func newSymbol(version int, shape qrShape) *symbol {
	s := &symbol{size: 17 + 4*version}
	for range s.size {
		s.dark, s.fixed = append(s.dark, make([]bool, s.size)), append(s.fixed, make([]bool, s.size))
	}
	for i := range s.size {
		s.set(6, i, i%2 == 0)
		s.set(i, 6, i%2 == 0)
	}
	for _, c := range [][2]int{{3, 3}, {s.size - 4, 3}, {3, s.size - 4}} {
		s.rings(c[0], c[1], 4)
	}
	last := len(shape.align) - 1
	for i, x := range shape.align {
		for j, y := range shape.align {
			if i == 0 && (j == 0 || j == last) || i == last && j == 0 {
				continue // where the finders are
			}
			s.rings(x, y, 2)
		}
	}
	s.format(0)
	if version >= 7 {
		rest := version
		for range 12 {
			rest = rest<<1 ^ rest>>11*0x1f25
		}
		bits := version<<12 | rest
		for i := range 18 {
			s.set(s.size-11+i%3, i/3, bits>>i&1 == 1)
			s.set(i/3, s.size-11+i%3, bits>>i&1 == 1)
		}
	}
	return s
}

func (s *symbol) set(x, y int, dark bool) { s.dark[y][x], s.fixed[y][x] = dark, true }

// rings draws a finder (radius 4 with its light border) or an alignment pattern.
func (s *symbol) rings(cx, cy, radius int) {
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			x, y := cx+dx, cy+dy
			if x < 0 || y < 0 || x >= s.size || y >= s.size {
				continue
			}
			d := max(dx, -dx, dy, -dy)
			dark := d != 2 && d != 4
			if radius == 2 {
				dark = d != 1
			}
			s.set(x, y, dark)
		}
	}
}

// format writes level M and the mask, twice.
func (s *symbol) format(mask int) {
	rest := mask // level M is 00
	for range 10 {
		rest = rest<<1 ^ rest>>9*0x537
	}
	bits := (mask<<10 | rest) ^ 0x5412
	bit := func(i int) bool { return bits>>i&1 == 1 }
	for i := range 6 {
		s.set(8, i, bit(i))
		s.set(5-i, 8, bit(9+i))
	}
	s.set(8, 7, bit(6))
	s.set(8, 8, bit(7))
	s.set(7, 8, bit(8))
	for i := range 8 {
		s.set(s.size-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		s.set(8, s.size-15+i, bit(i))
	}
	s.set(8, s.size-8, true)
}

// place fills the symbol in its zigzag, two columns at a time from the right.
func (s *symbol) place(data []byte, mask int) {
	i := 0
	for right := s.size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		for v := range s.size {
			for x := right; x >= right-1; x-- {
				y := v
				if (right+1)&2 == 0 {
					y = s.size - 1 - v
				}
				if s.fixed[y][x] {
					continue
				}
				dark := i < 8*len(data) && data[i/8]>>(7-i%8)&1 == 1
				s.dark[y][x] = dark != masked(mask, x, y)
				i++
			}
		}
	}
}

// masked says which modules a mask turns around.
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (x/3+y/2)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	}
	return ((x+y)%2+x*y%3)%2 == 0
}
