package exchange

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// MemberID names an organisation within the instance: "GOV/MPS".
type MemberID struct{ Class, Code string }

// SubsystemID names a member's system: "VN/GOV/MOJ/civil-status".
type SubsystemID struct{ Instance, Class, Member, Subsystem string }

// ServiceID names what a subsystem offers: "VN/GOV/MPS/population/population".
type ServiceID struct {
	SubsystemID
	Service string
}

// maxSegment bounds one part of an identifier, in bytes.
const maxSegment = 128

// ParseSubsystem reads "VN/GOV/MOJ/civil-status". The error is errs.Invalid
// "exchange.bad_subsystem".
func ParseSubsystem(s string) (SubsystemID, error) {
	p, ok := segments(s, 4)
	if !ok {
		return SubsystemID{}, errs.New(errs.Invalid, "exchange.bad_subsystem", "id", clip(s))
	}
	return SubsystemID{p[0], p[1], p[2], p[3]}, nil
}

// ParseService reads "VN/GOV/MPS/population/population". The error is
// errs.Invalid "exchange.bad_service".
func ParseService(s string) (ServiceID, error) {
	p, ok := segments(s, 5)
	if !ok {
		return ServiceID{}, errs.New(errs.Invalid, "exchange.bad_service", "id", clip(s))
	}
	return ServiceID{SubsystemID{p[0], p[1], p[2], p[3]}, p[4]}, nil
}

// String gives "GOV/MPS".
func (m MemberID) String() string { return m.Class + "/" + m.Code }

// String gives the form that ParseSubsystem reads.
func (s SubsystemID) String() string {
	return s.Instance + "/" + s.Class + "/" + s.Member + "/" + s.Subsystem
}

// String gives the form that ParseService reads.
func (s ServiceID) String() string { return s.SubsystemID.String() + "/" + s.Service }

// Owner is the member that runs the subsystem.
func (s SubsystemID) Owner() MemberID { return MemberID{s.Class, s.Member} }

// IsZero says whether no subsystem is named.
func (s SubsystemID) IsZero() bool { return s == SubsystemID{} }

// MarshalText writes the identifier as text, so that JSON shows one string.
func (s SubsystemID) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *SubsystemID) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSubsystem(string(b))
	return err
}

// MarshalText writes the identifier as text, so that JSON shows one string.
func (s ServiceID) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *ServiceID) UnmarshalText(b []byte) (err error) {
	*s, err = ParseService(string(b))
	return err
}

func segments(s string, n int) ([]string, bool) {
	if len(s) > n*(maxSegment+1) {
		return nil, false
	}
	parts := strings.Split(s, "/")
	if len(parts) != n {
		return nil, false
	}
	for _, p := range parts {
		if !ValidSegment(p) {
			return nil, false
		}
	}
	return parts, true
}

// ValidSegment says whether s may be one part of an identifier. It refuses what
// X-Road refuses there (control characters, : ; / \ %, and path segments that mean
// another place), and text that is not in normal form, because two spellings of
// one name would be two names.
func ValidSegment(s string) bool {
	if plainName(s) {
		return true
	}
	if s == "" || len(s) > maxSegment || s == "." || s == ".." || !utf8.ValidString(s) || !norm.NFC.IsNormalString(s) {
		return false
	}
	for _, r := range s {
		if strings.ContainsRune(`:;/\%`, r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) ||
			unicode.IsSpace(r) && r != ' ' {
			return false
		}
	}
	return strings.TrimSpace(s) == s
}

// plainName says whether s is made of letters of the Latin alphabet, digits,
// hyphens and underscores alone, as nearly all identifiers are.
func plainName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxSegment
}

// Classes are those of members: state bodies, companies, associations.
func Classes() []string { return []string{"GOV", "COM", "NGO"} }

// ValidClass says whether s is one of Classes.
func ValidClass(s string) bool { return slices.Contains(Classes(), s) }

// clip keeps hostile input short in an error message.
func clip(s string) string {
	const most = 80
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// printable replaces what no database and no log should have to hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}

// parseR1 reads X-Road's address from a path as it was sent: /r1/{instance}/
// {class}/{member}/{subsystem}/{service}[/path].
func parseR1(escaped string) (ServiceID, string, error) {
	parts := strings.SplitN(escaped, "/", 8)
	if len(parts) < 7 || parts[0] != "" || parts[1] != "r1" {
		return ServiceID{}, "", errs.New(errs.Invalid, "exchange.bad_path")
	}
	s, err := ParseService(decodeSegments(parts[2:7]))
	if err != nil {
		return ServiceID{}, "", err
	}
	path := ""
	if len(parts) == 8 {
		path = "/" + parts[7]
	}
	path, err = CleanPath(path)
	return s, path, err
}

// parseEncodedSubsystem reads the value of X-Road-Client.
func parseEncodedSubsystem(s string) (SubsystemID, error) {
	return ParseSubsystem(decodeSegments(strings.Split(strings.TrimSpace(s), "/")))
}

// decodeSegments decodes each segment on its own and joins them; an encoded slash
// stays encoded, so that it makes the identifier invalid and not longer.
func decodeSegments(parts []string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		d, err := url.PathUnescape(p)
		if err != nil || strings.Contains(d, "/") {
			d = "%"
		}
		out[i] = d
	}
	return strings.Join(out, "/")
}
