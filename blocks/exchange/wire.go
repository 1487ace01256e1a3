package exchange

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Between nodes a message's head is a row of texts and numbers: a text is its
// length and its bytes, a number is a varint. The first byte is the version.
// What is signed is not sent twice: the receiver builds the signature base from
// what it got.
const wireVersion = 2

// maxParts bounds the lists of a head: fields, headers, subjects, events.
const maxParts = 1100

type packer struct{ b []byte }

func (p *packer) number(n int64) { p.b = binary.AppendVarint(p.b, n) }

func (p *packer) flag(on bool) {
	if on {
		p.number(1)
	} else {
		p.number(0)
	}
}

func (p *packer) text(texts ...string) {
	for _, s := range texts {
		p.b = binary.AppendUvarint(p.b, uint64(len(s)))
		p.b = append(p.b, s...)
	}
}

func (p *packer) list(texts []string) {
	p.number(int64(len(texts)))
	p.text(texts...)
}

func (p *packer) headers(lines []HeaderLine) {
	p.number(int64(len(lines)))
	for _, l := range lines {
		p.text(l.Name, l.Value)
	}
}

// proof writes all of a proof but its base.
func (p *packer) proof(pr Proof) {
	sig, err := base64.StdEncoding.DecodeString(pr.Signature)
	if err != nil {
		panic("exchange: a signature made here is not base64: " + err.Error())
	}
	p.number(pr.Created)
	p.text(pr.KeyID, string(sig))
}

// unpacker reads what a packer wrote. After the first fault it gives nothing.
// Its texts are parts of one, so that a head costs one allocation.
type unpacker struct {
	b   []byte
	all string // of which b is the end
	bad bool
}

func unpack(b []byte) *unpacker { return &unpacker{b: b, all: string(b)} }

func (u *unpacker) number() int64 {
	n, k := binary.Varint(u.b)
	if k <= 0 || u.bad {
		u.bad = true
		return 0
	}
	u.b = u.b[k:]
	return n
}

func (u *unpacker) text() string {
	n, k := binary.Uvarint(u.b)
	if k <= 0 || u.bad || n > uint64(len(u.b)-k) {
		u.bad = true
		return ""
	}
	at := len(u.all) - len(u.b) + k
	u.b = u.b[k+int(n):]
	return u.all[at : at+int(n)]
}

func (u *unpacker) count() int {
	n := u.number()
	if n < 0 || n > maxParts {
		u.bad = true
		return 0
	}
	return int(n)
}

func (u *unpacker) list() []string {
	var out []string
	for range u.count() {
		if u.bad {
			return nil
		}
		out = append(out, u.text())
	}
	return out
}

func (u *unpacker) headers() []HeaderLine {
	var out []HeaderLine
	for range u.count() {
		if u.bad {
			return nil
		}
		out = append(out, HeaderLine{u.text(), u.text()})
	}
	return out
}

func (u *unpacker) proof() Proof {
	p := Proof{Created: u.number(), KeyID: u.text()}
	p.Signature = base64.StdEncoding.EncodeToString([]byte(u.text()))
	return p
}

// end says whether all was read and nothing was wrong.
func (u *unpacker) end() error {
	if u.bad || len(u.b) > 0 {
		return errs.New(errs.Invalid, "exchange.bad_message")
	}
	return nil
}

// packRequest writes a question. The proof of one that streams follows in its
// tail.
func packRequest(a *ask) []byte {
	p := &packer{b: make([]byte, 0, 768)}
	p.b = append(p.b, wireVersion)
	p.text(a.Method, a.Service.String(), a.Path, a.Query, a.Client.String(), a.MessageID, a.requestID, a.ContentType)
	p.text(a.Purpose, a.LegalBasis, a.Issue, a.UserID, a.Application, a.Represented)
	p.flag(a.purposeFromGrant)
	p.flag(a.generatedID != "")
	p.list(a.Fields)
	p.list(a.Subjects)
	if len(a.Subjects) > 0 {
		p.text(a.blind)
	}
	p.headers(a.passed)
	p.flag(a.stream != nil)
	if a.stream != nil {
		p.number(a.length)
		return p.b
	}
	a.packProof(p)
	return p.b
}

func (a *ask) packProof(p *packer) {
	p.text(a.hash, string(a.sums.sha256[:]))
	p.proof(a.request)
}

// unpackRequest reads what packRequest wrote. Everything in it is the claim of
// another node.
func unpackRequest(head []byte) (a *ask, streams bool, err error) {
	if len(head) == 0 || head[0] != wireVersion {
		return nil, false, errs.New(errs.Invalid, "exchange.bad_message")
	}
	u := unpack(head[1:])
	a = &ask{}
	a.Method = u.text()
	service := u.text()
	a.Path, a.Query = u.text(), u.text()
	client := u.text()
	a.MessageID, a.requestID, a.ContentType = u.text(), u.text(), u.text()
	a.Purpose, a.LegalBasis, a.Issue, a.UserID = u.text(), u.text(), u.text(), u.text()
	a.Application, a.Represented = u.text(), u.text()
	a.purposeFromGrant = u.number() == 1
	if u.number() == 1 {
		a.generatedID = a.MessageID
	}
	a.Fields, a.Subjects = u.list(), u.list()
	if len(a.Subjects) > 0 {
		a.blind = u.text()
	}
	a.passed = u.headers()
	if streams = u.number() == 1; streams {
		a.length = u.number()
	} else {
		a.unpackProof(u)
	}
	if err := u.end(); err != nil {
		return nil, false, err
	}
	if a.Service, err = ParseService(service); err != nil {
		return nil, false, err
	}
	if a.Client, err = ParseSubsystem(client); err != nil {
		return nil, false, err
	}
	if len(a.requestID) == 0 || len(a.requestID) > 64 || a.requestID != printable(a.requestID) {
		return nil, false, errs.New(errs.Invalid, "exchange.bad_message")
	}
	return a, streams, a.prepare()
}

func (a *ask) unpackProof(u *unpacker) {
	a.hash = u.text()
	u.bad = u.bad || copy(a.sums.sha256[:], u.text()) != len(a.sums.sha256)
	a.request = u.proof()
}

// reply is an answer as it travels.
type reply struct {
	answered
	fields []string
	events []string
	proof  Proof
}

func packAnswer(r reply, streams bool) []byte {
	p := &packer{b: make([]byte, 0, 512)}
	p.b = append(p.b, wireVersion)
	p.number(int64(r.status))
	p.text(r.contentType)
	p.headers(r.headers)
	p.list(r.fields)
	p.flag(streams)
	if streams {
		p.number(r.length)
		return p.b
	}
	r.packProof(p)
	return p.b
}

func (r reply) packProof(p *packer) {
	p.text(string(r.sums.sha256[:]))
	p.list(r.events)
	p.proof(r.proof)
}

func unpackAnswer(head []byte) (r reply, streams bool, err error) {
	if len(head) == 0 || head[0] != wireVersion {
		return reply{}, false, errs.New(errs.Invalid, "exchange.bad_message")
	}
	u := unpack(head[1:])
	r.status = int(u.number())
	r.contentType, r.headers, r.fields = u.text(), u.headers(), u.list()
	if streams = u.number() == 1; streams {
		r.length = u.number()
	} else {
		r.unpackProof(u)
	}
	if r.status < 200 || r.status > 599 {
		u.bad = true
	}
	return r, streams, u.end()
}

func (r *reply) unpackProof(u *unpacker) {
	u.bad = u.bad || copy(r.sums.sha256[:], u.text()) != len(r.sums.sha256)
	r.events, r.proof = u.list(), u.proof()
}

// faultType marks an answer in which the other node says that there is none.
const faultType = "application/vnd.dinh.fault+json"

type wireFault struct {
	Kind   errs.Kind      `json:"kind"`
	Code   string         `json:"code"`
	Args   map[string]any `json:"args,omitempty"`
	Fields []errs.Field   `json:"fields,omitempty"`
}

// packFault words an error for another node. What has no code is our own fault
// and stays here.
func packFault(err error) []byte {
	f := wireFault{Kind: errs.Unavailable, Code: "exchange.node_failed"}
	if e, ok := errs.As(err); ok && e.Code != "" {
		f = wireFault{e.Kind, e.Code, e.Args, e.Fields}
	}
	b, merr := json.Marshal(f)
	if merr != nil {
		return []byte(`{"kind":"unavailable","code":"exchange.node_failed"}`)
	}
	return b
}

func unpackFault(body []byte) error {
	var f wireFault
	if json.Unmarshal(body, &f) != nil || f.Code == "" {
		return errs.New(errs.Unavailable, "exchange.node_failed")
	}
	for name, v := range f.Args {
		if n, ok := v.(float64); ok {
			f.Args[name] = int64(n)
		}
	}
	return &errs.Error{Kind: f.Kind, Code: f.Code, Args: f.Args, Fields: f.Fields}
}

// A sheaf is the evidence of all messages that became durable in one
// transaction, in one piece and compressed: a row for each of their texts would
// cost more than everything else about a message, and most of them say the same.

const sheafVersion = 1

// scratch is where sheaves are packed: they are large, and needed only until
// they are written.
type scratch struct{ plain, packed []byte }

// packSheaf gives a sheaf that holds until the scratch is used again.
func (s *scratch) packSheaf(all []*Evidence) []byte {
	p := &packer{b: s.plain[:0]}
	for _, e := range all {
		p.text(e.RequestID, e.MessageID, e.Client, e.Service, e.RequestHash)
		p.number(e.At.UnixMicro())
		for _, pr := range []Proof{e.Request, e.Answer} {
			p.text(pr.KeyID, pr.Base, pr.Signature)
			p.number(pr.Created)
		}
	}
	s.plain = p.b
	s.packed = slices.Grow(s.packed[:0], 1+s2.MaxEncodedLen(len(p.b)))
	out := append(s.packed, sheafVersion)
	return out[:1+len(s2.Encode(out[1:cap(out)], p.b))]
}

// fromSheaf gives the evidence at one place of a sheaf.
func fromSheaf(data []byte, place int) (e Evidence, err error) {
	if len(data) == 0 || data[0] != sheafVersion {
		return Evidence{}, errs.New(errs.Internal, "exchange.bad_message")
	}
	plain, err := s2.Decode(nil, data[1:])
	if err != nil {
		return Evidence{}, errs.New(errs.Internal, "exchange.bad_message").Wrap(err)
	}
	u := unpack(plain)
	for i := 0; i <= place && !u.bad; i++ {
		e = Evidence{RequestID: u.text(), MessageID: u.text(), Client: u.text(), Service: u.text(), RequestHash: u.text()}
		e.At = time.UnixMicro(u.number()).UTC()
		for _, pr := range []*Proof{&e.Request, &e.Answer} {
			*pr = Proof{KeyID: u.text(), Base: u.text(), Signature: u.text(), Created: u.number()}
		}
	}
	if u.bad {
		return Evidence{}, errs.New(errs.Internal, "exchange.bad_message")
	}
	return e, nil
}
