package asic_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/kernel/timestamp"
)

const (
	person  = "001199000001"
	message = "VN-m-1"
)

var (
	civil      = exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}
	population = exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MPS", Subsystem: "population"}, Service: "population"}
)

type register struct{ err error }

func (r *register) Serve(context.Context, exchange.Delivery) (exchange.Reply, error) {
	return exchange.Reply{Body: []byte(`{"records":[{"id":"r1","data":{"number":"` + person + `","name":"Nguyễn Thị An"}}],"total":1}`), Subjects: []string{person}}, r.err
}

// stamper can be made to fail.
type stamper struct {
	*timestamp.Authority
	err error
}

func (s *stamper) Stamp(ctx context.Context, d [32]byte) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Authority.Stamp(ctx, d)
}

type world struct {
	*asic.Containers
	exchange *exchange.Exchange
	keys     *keys.Keys
	ledger   *ledger.Ledger
	clock    *clock.Fake
	provider *register
	stamper  *stamper
	vkey     string
	deps     asic.Deps
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := t.Context()
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "ledger", FS: ledger.Migrations()}, dbtest.Set{Name: "exchange", FS: exchange.Migrations()})
	w := &world{clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)), provider: &register{}}
	var err error
	w.keys, err = keys.Open(ctx, keys.Deps{DB: d, Clock: w.clock, Master: [32]byte{1}, Instance: "VN"})
	ok(t, err)
	skey, vkey, err := ledger.NewKey("test.dinh/ledger")
	ok(t, err)
	signer, err := note.NewSigner(skey)
	ok(t, err)
	w.vkey = vkey
	w.ledger, err = ledger.New(ledger.Deps{DB: d, Clock: w.clock, Origin: "test.dinh/ledger", Signer: signer})
	ok(t, err)
	w.exchange, err = exchange.New(exchange.Deps{DB: d, Clock: w.clock, Keys: w.keys, Ledger: w.ledger, Instance: "VN"})
	ok(t, err)
	for _, m := range []exchange.Member{
		{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp", EN: "Ministry of Justice"}, Subsystems: []exchange.Subsystem{{Code: "civil-status"}, {Code: "notary"}}},
		{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Ministry of Public Security"}, Subsystems: []exchange.Subsystem{{Code: "population"}}},
	} {
		ok(t, w.exchange.AddMember(ctx, m))
	}
	ok(t, w.exchange.RegisterProvider(exchange.ServiceInfo{ID: population, Title: i18n.Text{VI: "Dân cư", EN: "Population"}}, w.provider))
	_, err = w.exchange.AddGrant(ctx, exchange.Grant{Client: civil, Service: population, Operations: []string{"search"}, Fields: []string{"name", "number"}, Purpose: "birth-registration", LegalBasis: "Luật Hộ tịch 2014, Điều 13"})
	ok(t, err)
	w.stamper = &stamper{Authority: timestamp.NewAuthority(w.keys, w.clock, "VN", keys.Name{CommonName: "Đình timestamps"})}
	w.deps = asic.Deps{Exchange: w.exchange, Keys: w.keys, Ledger: w.ledger, Stamper: w.stamper, Clock: w.clock, Instance: "VN", VKey: vkey, Origin: "https://dinh.example.vn"}
	w.Containers, err = asic.New(w.deps)
	ok(t, err)
	return w
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask makes an exchange under a message id.
func (w *world) ask(t testing.TB, id string) {
	t.Helper()
	_, err := w.exchange.Call(t.Context(), exchange.Call{
		Client: civil, Service: population, Method: "POST", Path: "/search", Body: []byte(`{"where":{"number":"` + person + `"}}`),
		Purpose: "birth-registration", Subjects: []string{person}, Application: "birth", Issue: "HS-1", MessageID: id,
	})
	if err != nil && errs.CodeOf(err) != "exchange.provider_failed" {
		t.Fatal(err)
	}
}

func (w *world) sealLedger(t testing.TB) {
	t.Helper()
	_, err := w.ledger.Seal(t.Context())
	ok(t, err)
}

func asClient(ctx context.Context, s exchange.SubsystemID) context.Context {
	return auth.With(ctx, auth.Principal{Subsystem: s.String(), Member: s.Owner().String()})
}

func (w *world) handed(t testing.TB, id string) exchange.Exhibit {
	t.Helper()
	all, err := w.exchange.HandOut(asClient(t.Context(), civil), civil, id)
	ok(t, err)
	if len(all) != 1 {
		t.Fatalf("%d sendings of %s", len(all), id)
	}
	return all[0]
}

// container is one message's, sealed after the ledger has taken its event.
func (w *world) container(t testing.TB, kind string) []byte {
	t.Helper()
	w.ask(t, message)
	w.ask(t, "VN-m-other")
	w.sealLedger(t)
	c, err := w.Make(t.Context(), w.handed(t, message), kind)
	ok(t, err)
	return c.Data
}

func (w *world) trust() asic.Trust {
	return asic.Trust{Authorities: []*x509.Certificate{w.keys.CA()}}
}

// batched signs the same message again, as it is signed when many come at once.
func (w *world) batched(t testing.TB, h exchange.Exhibit) exchange.Exhibit {
	t.Helper()
	sign := func(p exchange.Proof) exchange.Proof {
		bases := [][]byte{[]byte("\"@method\": GET"), []byte(p.Base), []byte("\"@method\": PUT")}
		sigs, err := httpsig.SignBatch(bases, func(m []byte) ([]byte, error) { return w.keys.Sign(t.Context(), p.KeyID, m) })
		ok(t, err)
		p.Signature = base64.StdEncoding.EncodeToString(sigs[1])
		return p
	}
	was := h.Request.Signature
	h.Request = sign(h.Request)
	h.Answer.Base = strings.Replace(h.Answer.Base, was, h.Request.Signature, 1)
	h.Answer = sign(h.Answer)
	return h
}

func get(t testing.TB, h http.Handler, path, key string) *http.Response {
	t.Helper()
	res := httptest.NewRecorder()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://dinh.test"+path, nil)
	ok(t, err)
	if key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	h.ServeHTTP(res, req)
	return res.Result()
}

// replay gives the same timestamp for the same digest.
type replay struct {
	asic.Stamper
	kept map[[32]byte][]byte
}

func (r *replay) Stamp(ctx context.Context, d [32]byte) ([]byte, error) {
	if r.kept == nil {
		r.kept = map[[32]byte][]byte{}
	}
	if r.kept[d] == nil {
		got, err := r.Stamper.Stamp(ctx, d)
		if err != nil {
			return nil, err
		}
		r.kept[d] = got
	}
	return r.kept[d], nil
}

// memberSeals hands out a member's key for documents instead of the node's.
type memberSeals struct {
	*keys.Keys
	real *keys.Keys
}

func (m memberSeals) Ensure(ctx context.Context, _ string, use keys.Use, _ keys.Name) (keys.Key, error) {
	return m.real.Ensure(ctx, "GOV/MOJ", use, keys.Name{CommonName: "Bộ Tư pháp", Organization: "Bộ Tư pháp", Unit: "GOV/MOJ"})
}
