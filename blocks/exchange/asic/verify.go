package asic

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/kernel/timestamp"
)

// Report is what Verify found in a container. Except for Checks it repeats what
// the container says; believe it when Holds.
type Report struct {
	Kind      string
	MessageID string
	Recorded  time.Time // by the exchange
	Sealed    time.Time // by the node, as it says itself
	Stamped   time.Time // by the timestamping authority; zero when that does not hold
	Request   []Line    // of the signed request: a header or derived component with its value
	Answer    []Line
	Authority string // SHA-256 of the authority's certificate in the container, hex
	Pinned    bool   // whether the reader's own authorities decided, not that one
	Checks    []Check
}

// Check is one thing that was examined.
type Check struct {
	Name string // "container", "seal", "authority", "timestamp", "request", "answer", "ledger"
	OK   bool
	Said string // one line for people: what holds, or what does not
}

// Holds says whether everything does.
func (r Report) Holds() bool {
	return len(r.Checks) > 0 && !slices.ContainsFunc(r.Checks, func(c Check) bool { return !c.OK })
}

// Trust is whom a reader believes.
type Trust struct {
	Authorities []*x509.Certificate // who certifies nodes, and may give them timestamps
	Timestamps  []*x509.Certificate // who only gives timestamps
}

// Verify examines a container. It needs no house, no network and no clock.
// Without authorities to trust the container's own is taken, which shows only
// that the container agrees with itself. The error is errs.Invalid
// "asic.not_a_container", and then nothing was examined.
func Verify(container []byte, t Trust) (Report, error) {
	entries, ok := unpack(container)
	if !ok {
		return Report{}, errs.New(errs.Invalid, "asic.not_a_container")
	}
	c, ok := readContents(entries)
	s, ok2 := readSeal(entries[nameSeal])
	if !ok || !ok2 {
		return Report{}, errs.New(errs.Invalid, "asic.not_a_container")
	}
	e := examination{contents: c, seal: s}
	e.report = Report{
		Kind: c.Kind, MessageID: c.MessageID, Recorded: c.At, Sealed: s.at,
		Request: lines(c.request, "x-road-client", "@method", "@path", "@query", "content-digest", "x-dinh-purpose", "x-dinh-legal-basis", "x-dinh-fields", "x-dinh-application", "x-road-issue"),
		Answer:  lines(c.answer, "x-road-service", "@status", "content-digest"),
	}
	again, err := assemble(c, s)
	e.note("container", err == nil && bytes.Equal(again, container), "every byte is as it was sealed", "a byte was changed, added or removed after it was sealed")
	e.certificates(t)
	e.signature("request", c.request, c.Request, e.requestSays)
	if c.Answer != nil {
		e.signature("answer", c.answer, *c.Answer, e.answerSays)
	}
	e.ledger()
	return e.report, nil
}

type examination struct {
	contents
	seal
	report Report
}

func (e *examination) note(name string, ok bool, yes, no string) bool {
	said := yes
	if !ok {
		said = no
	}
	e.report.Checks = append(e.report.Checks, Check{name, ok, said})
	return ok
}

// certificates examines the seal, whose it is, and since when it has been there.
func (e *examination) certificates(t Trust) {
	leaf, err := x509.ParseCertificate(e.certificate)
	ca, err2 := x509.ParseCertificate(e.authority)
	files, err3 := e.files()
	if err != nil || err2 != nil || err3 != nil {
		e.note("seal", false, "", "its certificates cannot be read")
		return
	}
	e.note("seal", e.holds(leaf, files), "the node's key "+leaf.Subject.String()+" signed these files", "the node's key did not sign these files")
	sum := sha256.Sum256(e.authority)
	e.report.Authority = hex.EncodeToString(sum[:])
	e.report.Pinned = len(t.Authorities) > 0
	if !e.report.Pinned {
		t.Authorities = []*x509.Certificate{ca}
	}
	digest, err := e.stamped()
	if err == nil {
		e.report.Stamped, err = timestamp.VerifyToken(e.token, digest, pool(slices.Concat(t.Authorities, t.Timestamps)))
	}
	at := e.report.Stamped
	if !e.note("timestamp", err == nil, "the seal was there on "+at.UTC().Format(time.RFC3339), "no trusted authority vouches for when it was sealed") {
		at = e.at
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: pool(t.Authorities), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	e.note("authority", err == nil && isSeal(leaf), leaf.Issuer.String()+" vouches for that key as this node's seal for evidence", "no trusted authority vouches for that key as a seal for evidence")
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certificates {
		p.AddCert(c)
	}
	return p
}

// isSeal says whether a certificate is for sealing evidence: the authority has
// certified members' keys for documents, too.
func isSeal(c *x509.Certificate) bool {
	signing := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36} // id-kp-documentSigning, RFC 9336
	return slices.Equal(c.Subject.OrganizationalUnit, []string{Unit}) && slices.ContainsFunc(c.UnknownExtKeyUsage, signing.Equal)
}

// signature examines a member's signature and that the text is about this message.
func (e *examination) signature(name, base string, s signed, says func() string) {
	raw, err := base64.StdEncoding.DecodeString(s.Signature)
	public, ok := s.Key.public()
	_, params, found := strings.Cut(base, "\"@signature-params\": ")
	switch {
	case !ok:
		e.note(name, false, "", "the key of "+s.Member+" is not the one that is named")
	case err != nil || !httpsig.Verify(public, []byte(base), raw):
		e.note(name, false, "", s.Member+" did not sign this "+name)
	case !found || !strings.Contains(params, `;keyid="`+s.Key.Kid+`"`):
		e.note(name, false, "", "the signed text names another key")
	case says() != "":
		e.note(name, false, "", says())
	default:
		how := "by itself"
		if len(raw) > 64 {
			how = "in a batch"
		}
		e.note(name, true, fmt.Sprintf("%s signed the %s with its key %s, %s", s.Member, name, s.Key.Kid, how), "")
	}
}

// requestSays what in the signed request is not as the node states it; "" is nothing.
func (e *examination) requestSays() string {
	client, ok := line(e.request, `"x-road-client"`)
	if !ok || !belongs(client, e.Instance, e.Request.Member) {
		return "the request is not from a system of " + e.Request.Member
	}
	if id, ok := line(e.request, `"x-road-id"`); !ok || unescaped(id) != e.MessageID {
		return "the request is not the message " + e.MessageID
	}
	return ""
}

// answerSays the same of the answer, and whether it is to this very request.
func (e *examination) answerSays() string {
	service, ok := line(e.answer, `"x-road-service"`)
	if !ok || !belongs(service, e.Instance, e.Answer.Member) {
		return "the answer is not from a service of " + e.Answer.Member
	}
	asked, ok := "", false
	for l := range strings.SplitSeq(e.answer, "\n") {
		if strings.HasPrefix(l, `"signature";req;key="`) {
			_, asked, ok = strings.Cut(l, `": `)
		}
	}
	if !ok || asked != ":"+e.Request.Signature+":" {
		return "the answer is to another request"
	}
	first, ok1 := line(e.request, `"x-road-request-id"`)
	second, ok2 := line(e.answer, `"x-road-request-id"`)
	if !ok1 || !ok2 || first != second {
		return "the answer names another request"
	}
	return ""
}

// belongs says whether an encoded id is of a member of the instance.
func belongs(id, instance, member string) bool {
	parts := strings.Split(id, "/")
	for i := range parts {
		parts[i] = unescaped(parts[i])
	}
	return len(parts) >= 3 && parts[0] == instance && parts[1]+"/"+parts[2] == member
}

func unescaped(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}

// ledger examines the proofs that the events' commitments are in the log.
func (e *examination) ledger() {
	for _, c := range e.Events {
		leaf, err := base64.StdEncoding.DecodeString(c.Leaf)
		if err == nil {
			err = ledger.VerifyProof(e.proofs[c.Proof], leaf, e.Ledger)
		}
		name, _, _ := strings.Cut(e.Ledger, "+")
		e.note("ledger", err == nil, "the access event "+c.Event+" stands in "+name, "the access event "+c.Event+" is not where its proof says")
	}
}
