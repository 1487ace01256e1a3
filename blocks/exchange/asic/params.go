package asic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"net/url"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// sharedParams is X-Road's shared-params.xml, version 5: element names and order
// are those of its schema. Only the root is in its namespace.
type sharedParams struct {
	XMLName  xml.Name      `xml:"xroad:conf"`
	NS       string        `xml:"xmlns:xroad,attr"`
	Instance string        `xml:"instanceIdentifier"`
	Source   paramSource   `xml:"source"`
	CA       paramCA       `xml:"approvedCA"`
	TSA      paramTSA      `xml:"approvedTSA"`
	Members  []paramMember `xml:"member"`
	Server   []paramServer `xml:"securityServer"`
	Settings paramSettings `xml:"globalSettings"`
}

type paramSource struct {
	Address  string `xml:"address"`
	Internal string `xml:"internalVerificationCert"`
}

type paramCA struct {
	Name    string `xml:"name"`
	TopCA   string `xml:"topCA>cert"`
	Profile string `xml:"certificateProfileInfo"`
}

type paramTSA struct {
	Name string `xml:"name"`
	URL  string `xml:"url"`
	Cert string `xml:"cert"`
}

type paramClass struct {
	Code        string `xml:"code"`
	Description string `xml:"description"`
}

type paramMember struct {
	ID         string           `xml:"id,attr"`
	Class      paramClass       `xml:"memberClass"`
	Code       string           `xml:"memberCode"`
	Name       string           `xml:"name"`
	Subsystems []paramSubsystem `xml:"subsystem"`
}

type paramSubsystem struct {
	ID   string `xml:"id,attr"`
	Code string `xml:"subsystemCode"`
	Name string `xml:"subsystemName,omitempty"`
}

type paramServer struct {
	Owner   string   `xml:"owner"`
	Code    string   `xml:"serverCode"`
	Address string   `xml:"address"`
	Auth    string   `xml:"authCertHash"`
	Clients []string `xml:"client"`
}

type paramSettings struct {
	Classes   []paramClass `xml:"memberClass"`
	Freshness int          `xml:"ocspFreshnessSeconds"`
}

// serverCode names this node among its owner's servers.
const serverCode = "dinh"

// sharedParams describes this node: all members it knows, their systems, and
// itself as the one server of those. Its owner is the member named in Deps, else
// the first. The same members make the same bytes.
func (m *Containers) sharedParams(ctx context.Context) ([]byte, error) {
	members, err := m.d.Exchange.Members(ctx)
	if err != nil {
		return nil, err
	}
	key, _, err := m.sealingKey(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(key.Certificate.Raw)
	ca, host := b64(m.d.Keys.CA().Raw), address(m.d.Origin)
	p := sharedParams{
		NS:       "http://x-road.eu/xsd/xroad.xsd",
		Instance: m.d.Instance, Source: paramSource{Address: host, Internal: b64(key.Certificate.Raw)},
		CA:       paramCA{Name: m.d.Keys.CA().Subject.CommonName, TopCA: ca, Profile: "dinh"},
		TSA:      paramTSA{Name: "Đình " + m.d.Instance, URL: m.d.Origin + "/tsa", Cert: ca},
		Settings: paramSettings{Freshness: 3600},
	}
	server := paramServer{Code: serverCode, Address: host, Auth: b64(sum[:])}
	seen := map[string]bool{}
	for _, member := range members {
		entry := paramMember{ID: elementID(m.d.Instance, member, ""), Class: paramClass{member.Class, member.Class}, Code: member.Code, Name: member.Name.In(i18n.VI)}
		if server.Owner == "" || member.ID() == m.d.Owner {
			server.Owner = entry.ID
		}
		for _, s := range member.Subsystems {
			sub := paramSubsystem{ID: elementID(m.d.Instance, member, s.Code), Code: s.Code, Name: s.Name.In(i18n.VI)}
			entry.Subsystems, server.Clients = append(entry.Subsystems, sub), append(server.Clients, sub.ID)
		}
		if !seen[member.Class] {
			seen[member.Class], p.Settings.Classes = true, append(p.Settings.Classes, entry.Class)
		}
		p.Members = append(p.Members, entry)
	}
	if server.Owner != "" {
		p.Server = []paramServer{server}
	}
	return p.encode()
}

// elementID is an XML ID: letters, digits and points stay, anything else is
// written as its hexadecimal code between underlines.
func elementID(instance string, m exchange.Member, subsystem string) string {
	var b bytes.Buffer
	b.WriteString("id-")
	for i, part := range []string{instance, m.Class, m.Code, subsystem} {
		if i > 0 && part != "" {
			b.WriteByte('.')
		}
		for _, c := range []byte(part) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
				b.WriteByte(c)
				continue
			}
			const digits = "0123456789abcdef"
			b.Write([]byte{'_', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

func address(origin string) string {
	if u, err := url.Parse(origin); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "localhost"
}

func (p sharedParams) encode() ([]byte, error) {
	text, err := xml.MarshalIndent(p, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}
