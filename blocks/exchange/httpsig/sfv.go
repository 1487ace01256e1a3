package httpsig

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// The part of structured fields (RFC 9651) that signatures and digests use:
// dictionaries of byte sequences and inner lists of strings, with parameters
// that are strings, integers, tokens, byte sequences or true.

type sfParam struct {
	key   string
	value any // string, int64, bool, []byte
}

type sfItem struct {
	value  any
	params []sfParam
}

type sfMember struct {
	key    string
	value  any // as of an item, or []sfItem
	params []sfParam
	raw    string // the member's value with its parameters, byte for byte
}

// maxField bounds a header that is parsed at all.
const maxField = 16 << 10

type sfParser struct{ s string }

func parseDictionary(s string) ([]sfMember, bool) {
	if len(s) > maxField {
		return nil, false
	}
	p := &sfParser{strings.Trim(s, " ")}
	var out []sfMember
	seen := map[string]bool{}
	for p.s != "" {
		key, ok := p.key()
		if !ok || seen[key] {
			return nil, false // a repeated key: two readers would choose differently
		}
		seen[key] = true
		m := sfMember{key: key, value: true}
		before := p.s
		if p.take('=') {
			before = p.s
			if m.value, ok = p.itemOrList(); !ok {
				return nil, false
			}
		}
		if m.params, ok = p.params(); !ok {
			return nil, false
		}
		m.raw = before[:len(before)-len(p.s)]
		out = append(out, m)
		p.s = strings.TrimLeft(p.s, " \t")
		if p.s == "" {
			break
		}
		if !p.take(',') {
			return nil, false
		}
		if p.s = strings.TrimLeft(p.s, " \t"); p.s == "" {
			return nil, false
		}
	}
	return out, len(out) > 0
}

func (p *sfParser) take(c byte) bool {
	if p.s == "" || p.s[0] != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

func (p *sfParser) key() (string, bool) {
	i := 0
	for i < len(p.s) {
		c := p.s[i]
		first := c >= 'a' && c <= 'z' || c == '*'
		if !first && (i == 0 || !(c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.')) {
			break
		}
		i++
	}
	key := p.s[:i]
	p.s = p.s[i:]
	return key, i > 0
}

func (p *sfParser) itemOrList() (any, bool) {
	if !p.take('(') {
		return p.bare()
	}
	items := []sfItem{}
	for {
		spaced := strings.HasPrefix(p.s, " ")
		p.s = strings.TrimLeft(p.s, " ")
		if p.take(')') {
			return items, true
		}
		if len(items) > 0 && !spaced {
			return nil, false
		}
		v, ok := p.bare()
		if !ok {
			return nil, false
		}
		params, ok := p.params()
		if !ok {
			return nil, false
		}
		items = append(items, sfItem{v, params})
	}
}

func (p *sfParser) params() ([]sfParam, bool) {
	var out []sfParam
	for p.take(';') {
		p.s = strings.TrimLeft(p.s, " ")
		key, ok := p.key()
		if !ok {
			return nil, false
		}
		var v any = true
		if p.take('=') {
			if v, ok = p.bare(); !ok {
				return nil, false
			}
		}
		for _, o := range out {
			if o.key == key {
				return nil, false
			}
		}
		out = append(out, sfParam{key, v})
	}
	return out, true
}

func (p *sfParser) bare() (any, bool) {
	if p.s == "" {
		return nil, false
	}
	switch c := p.s[0]; {
	case c == '"':
		return p.quoted()
	case c == ':':
		end := strings.IndexByte(p.s[1:], ':')
		if end < 0 {
			return nil, false
		}
		b, err := base64.StdEncoding.Strict().DecodeString(p.s[1 : 1+end])
		p.s = p.s[end+2:]
		return b, err == nil
	case c == '?':
		if len(p.s) < 2 || p.s[1] != '0' && p.s[1] != '1' {
			return nil, false
		}
		v := p.s[1] == '1'
		p.s = p.s[2:]
		return v, true
	case c == '-' || c >= '0' && c <= '9':
		return p.integer()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '*':
		i := strings.IndexAny(p.s, " \t;,()=\"")
		if i < 0 {
			i = len(p.s)
		}
		v := p.s[:i]
		p.s = p.s[i:]
		return v, ascii(v)
	}
	return nil, false
}

func (p *sfParser) integer() (any, bool) {
	i := 1
	for i < len(p.s) && p.s[i] >= '0' && p.s[i] <= '9' {
		i++
	}
	if i > 16 {
		return nil, false
	}
	n, err := strconv.ParseInt(p.s[:i], 10, 64)
	p.s = p.s[i:]
	return n, err == nil && !strings.HasPrefix(p.s, ".")
}

func (p *sfParser) quoted() (any, bool) {
	var b strings.Builder
	for i := 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.s = p.s[i+1:]
			return b.String(), true
		case c == '\\':
			i++
			if i == len(p.s) || p.s[i] != '"' && p.s[i] != '\\' {
				return nil, false
			}
			b.WriteByte(p.s[i])
		case c < 0x20 || c > 0x7e:
			return nil, false
		default:
			b.WriteByte(c)
		}
	}
	return nil, false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
