package people

// dice is SplitMix64: the same on every machine and in every Go release.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives 0 … n-1.
func (d *dice) below(n int) int { return int(d.next() % uint64(n)) }

// between gives from … to, both included; from when to is smaller.
func (d *dice) between(from, to int) int {
	if to <= from {
		return from
	}
	return from + d.below(to-from+1)
}

// chance is true p times in a hundred.
func (d *dice) chance(p int) bool { return d.below(100) < p }

func pick[T any](d *dice, from []T) T { return from[d.below(len(from))] }

// weighted is a value that comes up in proportion to its weight.
type weighted struct {
	value  string
	weight int
}

// urn draws by weight from a table made once.
type urn struct {
	index []int
}

func newUrn(n int, weight func(i int) int) urn {
	var u urn
	for i := range n {
		for range weight(i) {
			u.index = append(u.index, i)
		}
	}
	return u
}

func (u urn) draw(d *dice) int { return u.index[d.below(len(u.index))] }
