package pdf

import "encoding/binary"

// profile is a minimal ICC v2 description of sRGB: its primaries and a gamma of
// 2.2. Archives ask that a file says what its colours mean.
func profile() []byte {
	xyz := func(x, y, z uint32) []byte {
		b := append([]byte("XYZ "), 0, 0, 0, 0)
		for _, v := range []uint32{x, y, z} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	const name = "sRGB"
	desc := append([]byte("desc"), 0, 0, 0, 0, 0, 0, 0, byte(len(name)+1))
	desc = append(desc, name...)
	desc = append(desc, make([]byte, 1+4+4+2+1+67)...)
	gamma := []byte{'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 1, 2, 0x33}
	parts := []struct {
		tag  string
		data []byte
	}{
		{"desc", desc}, {"cprt", append([]byte("text\x00\x00\x00\x00"), "CC0\x00"...)},
		{"wtpt", xyz(0xf6d6, 0x10000, 0xd32d)},
		{"rXYZ", xyz(0x6fa2, 0x38f5, 0x390)}, {"gXYZ", xyz(0x6299, 0xb785, 0x18da)}, {"bXYZ", xyz(0x24a0, 0xf84, 0xb6cf)},
		{"rTRC", gamma}, {"gTRC", gamma}, {"bTRC", gamma},
	}
	from := 128 + 4 + 12*len(parts)
	table := binary.BigEndian.AppendUint32(nil, uint32(len(parts)))
	var body []byte
	for _, p := range parts {
		table = append(table, p.tag...)
		table = binary.BigEndian.AppendUint32(table, uint32(from+len(body)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(p.data)))
		body = append(body, p.data...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	h := make([]byte, 128)
	binary.BigEndian.PutUint32(h, uint32(from+len(body)))
	h[8], h[9] = 2, 0x10 // version 2.1
	copy(h[12:], "mntrRGB XYZ ")
	binary.BigEndian.PutUint16(h[24:], 2026)
	h[27], h[29] = 1, 1 // 1 January
	copy(h[36:], "acsp")
	binary.BigEndian.PutUint32(h[68:], 0xf6d6) // D50
	binary.BigEndian.PutUint32(h[72:], 0x10000)
	binary.BigEndian.PutUint32(h[76:], 0xd32d)
	return append(append(h, table...), body...)
}
