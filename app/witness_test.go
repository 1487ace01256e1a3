package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/ledger"
)

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
