package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// A node is a witness of every log that its directory names, and of no other.
func TestListedLogsAreKnown(t *testing.T) {
	t.Parallel()
	d := openCentral(t, clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)))
	d.join(t, "GOV/A/n")
	d.doc.Nodes[0].LedgerKey = d.VKey
	d.doc.Instance = d.Instance
	signed, err := directory.Sign(d.doc, d.signer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenGateway(t.Context(), Config{Data: t.TempDir(), Clock: d.Config.Clock, Federation: &Federation{Node: "GOV/B/n", Central: d.Config.Origin, Trust: []string{d.trust}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	origin, _, _ := strings.Cut(d.VKey, "+")
	if got := a.listedLog(origin); got != "" {
		t.Errorf("before any directory: %q", got)
	}
	if err := a.Directory.Accept(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
	if got := a.listedLog(origin); got != d.VKey {
		t.Errorf("%q, want %q", got, d.VKey)
	}
	if got := a.listedLog("court.test/ledger"); got != "" {
		t.Errorf("a log that is not listed: %q", got)
	}
}

func TestParseWitnesses(t *testing.T) {
	t.Parallel()
	_, vkey, err := ledger.NewKey("court.test/ledger")
	if err != nil {
		t.Fatal(err)
	}
	if w, err := ParseWatched("court.test/ledger=" + vkey); err != nil || w.Origin != "court.test/ledger" || w.VKey != vkey {
		t.Errorf("%+v, %v", w, err)
	}
	if w, err := ParseWitness("https://court.test/witness=" + vkey); err != nil || w.URL != "https://court.test/witness" || w.VKey != vkey {
		t.Errorf("%+v, %v", w, err)
	}
	for _, bad := range []string{"", vkey, "court.test/ledger", "=" + vkey, "court.test/witness=" + vkey[:20], "ftp://court.test=" + vkey} {
		_, errOf := ParseWatched(bad)
		_, errAt := ParseWitness(bad)
		if errAt == nil || errOf == nil && !strings.HasPrefix(bad, "ftp:") {
			t.Errorf("%q: %v, %v", bad, errOf, errAt)
		}
	}
}

// One node cosigns another's ledger, found by what each of them publishes.
func TestNodesWitnessEachOther(t *testing.T) {
	t.Parallel()
	node := func(c Config) (*App, string) {
		a, err := OpenGateway(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.Close)
		srv := httptest.NewServer(a.Handler())
		t.Cleanup(srv.Close)
		return a, srv.URL
	}
	get := func(url string) string {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(url, res.Status, err)
		}
		return strings.TrimSpace(string(text))
	}
	mine := Config{Data: t.TempDir(), Origin: "http://ministry.test"}
	asked, url := node(mine)
	watched, err := ParseWatched("ministry.test/ledger=" + get(url+"/ledger/verifier-key"))
	if err != nil {
		t.Fatal(err)
	}
	asked.Close()
	_, url = node(Config{Data: t.TempDir(), Origin: "http://court.test", WitnessOf: []ledger.Watched{watched}})
	by, err := ParseWitness(url + "/witness=" + get(url+"/witness/verifier-key"))
	if err != nil {
		t.Fatal(err)
	}
	mine.Witnesses = []ledger.WitnessAt{by}
	ministry, url := node(mine)
	if err := ministry.Ledger.Append(t.Context(), "a", []byte("a fact")); err != nil {
		t.Fatal(err)
	}
	if _, err := ministry.Ledger.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := ministry.Ledger.GatherCosignatures(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	signed := get(url+"/ledger/checkpoint/cosigned") + "\n"
	if tree, err := ledger.OpenCosigned([]byte(signed), watched.VKey, []string{by.VKey}, 1); err != nil || tree.N != 1 {
		t.Errorf("%v, %v\n%s", tree, err, signed)
	}
}
