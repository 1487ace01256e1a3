package journeys

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenSSLDatesTheLedger checks the newest dated checkpoint as anybody can:
// three downloads and openssl. It also asks our authority as a client of others.
func TestOpenSSLDatesTheLedger(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	h := shared(t)
	played(t) // there is something to date
	if _, err := h.Ledger.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	size, err := h.Ledger.Stamp(t.Context())
	if err != nil || size == 0 {
		t.Fatal(size, err)
	}
	dir, nobody := t.TempDir(), h.caller(t, "")
	keep := func(name, body string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	openssl := func(args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
		if err != nil || strings.Contains(strings.Join(args, " "), "-verify") && !strings.Contains(string(out), "Verification: OK") {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	ca := keep("ca.pem", nobody.get(t, "/ca.pem").Body)
	reply := nobody.get(t, "/ledger/timestamp")
	at := reply.Header.Get("Dinh-Ledger-Size")
	checkpoint := nobody.get(t, "/ledger/timestamp/checkpoint?size="+at)
	if reply.Status != http.StatusOK || checkpoint.Status != http.StatusOK || !strings.Contains(checkpoint.Body, "\n"+at+"\n") {
		t.Fatalf("%d %d, size %q: %s", reply.Status, checkpoint.Status, at, checkpoint.Body)
	}
	openssl("ts", "-verify", "-data", keep("checkpoint", checkpoint.Body), "-in", keep("reply", reply.Body), "-CAfile", ca)

	paper := keep("paper", "a paper of somebody else")
	query := filepath.Join(dir, "query")
	openssl("ts", "-query", "-data", paper, "-sha512", "-cert", "-out", query)
	text, err := os.ReadFile(query)
	if err != nil {
		t.Fatal(err)
	}
	theirs := nobody.do(t, request{method: http.MethodPost, path: "/tsa", kind: "application/timestamp-query", body: bytes.NewReader(text)})
	if theirs.Status != http.StatusOK || theirs.Type != "application/timestamp-reply" {
		t.Fatalf("/tsa: %d %s", theirs.Status, theirs.Body)
	}
	openssl("ts", "-verify", "-queryfile", query, "-in", keep("theirs", theirs.Body), "-CAfile", ca)
	for path, status := range map[string]int{"/ledger/timestamp?size=0": 404, "/ledger/timestamp?size=-1": 404, "/ledger/timestamp/checkpoint?size=x": 404} {
		if a := nobody.get(t, path); a.Status != status {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
}
