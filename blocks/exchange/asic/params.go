package asic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net"
	"net/url"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
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
	Servers  []paramServer `xml:"securityServer"`
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
	Auth    []string `xml:"authCertHash"`
	Clients []string `xml:"client"`

	node string
}

type paramSettings struct {
	Classes   []paramClass `xml:"memberClass"`
	Freshness int          `xml:"ocspFreshnessSeconds"`
}

// serverCode names a node that is by itself among its owner's servers.
const serverCode = "dinh"

// sharedParams describes the exchange: all members with their systems, and the
// nodes as the servers of those. In a house for itself there is one server, this,
// whose owner stands for nothing: the first member. The same members make the
// same bytes.
func (m *Containers) sharedParams(ctx context.Context) ([]byte, error) {
	members, servers, err := m.listed(ctx)
	if err != nil {
		return nil, err
	}
	key, _, err := m.sealingKey(ctx)
	if err != nil {
		return nil, err
	}
	ca, host := b64(m.d.Keys.CA().Raw), hostOf(m.d.Origin)
	p := sharedParams{
		NS:       "http://x-road.eu/xsd/xroad.xsd",
		Instance: m.d.Instance, Source: paramSource{Address: host, Internal: b64(key.Certificate.Raw)},
		CA:       paramCA{Name: m.d.Keys.CA().Subject.CommonName, TopCA: ca, Profile: "dinh"},
		TSA:      paramTSA{Name: "Đình " + m.d.Instance, URL: m.d.Origin + "/tsa", Cert: ca},
		Settings: paramSettings{Freshness: 3600},
	}
	if servers == nil && len(members) > 0 {
		sum := sha256.Sum256(key.Certificate.Raw)
		servers = []paramServer{{Owner: members[0].ID(), Code: serverCode, Address: host, Auth: []string{b64(sum[:])}}}
	}
	ids, seen := map[string]string{}, map[string]bool{}
	for _, member := range members {
		entry := paramMember{ID: elementID(m.d.Instance, member.Class, member.Code), Class: paramClass{member.Class, member.Class}, Code: member.Code, Name: member.Name.In(i18n.VI)}
		ids[member.ID()] = entry.ID
		for _, s := range member.Subsystems {
			sub := paramSubsystem{ID: entry.ID + "." + elementPart(s.Code), Code: s.Code, Name: s.Name.In(i18n.VI)}
			entry.Subsystems = append(entry.Subsystems, sub)
			for i := range servers {
				if servers[i].node == member.Node {
					servers[i].Clients = append(servers[i].Clients, sub.ID)
				}
			}
		}
		if !seen[member.Class] {
			seen[member.Class], p.Settings.Classes = true, append(p.Settings.Classes, entry.Class)
		}
		p.Members = append(p.Members, entry)
	}
	for _, s := range servers {
		if s.Owner = ids[s.Owner]; s.Owner != "" { // an IDREF has to lead somewhere
			p.Servers = append(p.Servers, s)
		}
	}
	text, err := xml.MarshalIndent(p, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

// listed are the active members, and the nodes of the directory if there is one.
func (m *Containers) listed(ctx context.Context) (members []directory.Member, servers []paramServer, err error) {
	if m.d.Directory == nil {
		own, err := m.d.Exchange.Members(ctx)
		for _, o := range own {
			member := directory.Member{Class: o.Class, Code: o.Code, Name: o.Name}
			for _, s := range o.Subsystems {
				member.Subsystems = append(member.Subsystems, directory.Subsystem{Code: s.Code, Name: s.Name})
			}
			members = append(members, member)
		}
		return members, nil, err
	}
	for _, member := range m.d.Directory.Members() {
		if member.Status == "" {
			members = append(members, member)
		}
	}
	now := m.d.Clock.Now()
	servers = []paramServer{}
	for _, n := range m.d.Directory.Nodes() {
		at := strings.LastIndexByte(n.ID, '/')
		host, _, _ := strings.Cut(n.Address, ",")
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		s := paramServer{Owner: n.ID[:max(at, 0)], Code: n.ID[at+1:], Address: host, node: n.ID}
		for _, c := range n.Certificates {
			if sum, err := hex.DecodeString(c.Fingerprint); err == nil && c.ValidAt(now) {
				s.Auth = append(s.Auth, b64(sum))
			}
		}
		servers = append(servers, s)
	}
	return members, servers, nil
}

// elementID is an XML ID of a member.
func elementID(instance, class, code string) string {
	return "id-" + elementPart(instance) + "." + elementPart(class) + "." + elementPart(code)
}

// elementPart writes what an XML ID may not have, and the point and the underline
// too, as underline and hexadecimal code, so that no two are the same.
func elementPart(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'_', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

func hostOf(origin string) string {
	if u, err := url.Parse(origin); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "localhost"
}
