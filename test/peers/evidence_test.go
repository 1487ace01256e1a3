package peers

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
	"github.com/dinh-gov/dinh/country/people"
)

const evidenceClient = "VN/GOV/MOJ/civil-status"

// evidenceHouse is a house whose evidence other people's programs judge.
type evidenceHouse struct {
	*app.App
	client exchange.SubsystemID
	person string
	door   string // X-Road's
	secret string
}

func openEvidenceHouse(t *testing.T) *evidenceHouse {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := app.Open(ctx, app.Config{Data: t.TempDir(), Demo: true, People: 20, Seed: 1, Origin: "http://localhost:8080", Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	client, err := exchange.ParseSubsystem(evidenceClient)
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := a.Exchange.NewClientKey(ctx, client, "a judge", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.ServeXRoad(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		a.Close()
	})
	mai, ok := people.Generate(1, 20, a.Config.Clock.Now().In(a.Calendar.Zone())).Sample("mai")
	if !ok {
		t.Fatal("nobody is called Mai")
	}
	return &evidenceHouse{App: a, client: client, person: mai.Number, door: "http://" + l.Addr().String(), secret: secret}
}

// ask makes one exchange under a message id, as a system of the member would.
func (h *evidenceHouse) ask(t *testing.T, message string) {
	t.Helper()
	body := fmt.Sprintf(`{"where":{"number":%q}}`, h.person)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.door+"/r1/VN/GOV/MPS/population/population/search", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	for name, value := range map[string]string{"X-Road-Client": evidenceClient, "X-Road-Id": message, "X-Dinh-Purpose": "birth-registration", "Content-Type": "application/json", "X-Api-Key": h.secret} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %s", message, res.StatusCode, answer)
	}
}

// containers gives one exchange that was signed alone and one that was signed
// with others, downloaded as X-Road's clients do.
func (h *evidenceHouse) containers(t *testing.T) map[string][]byte {
	t.Helper()
	h.ask(t, "alone")
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() { h.ask(t, fmt.Sprintf("among-%d", i)) })
	}
	all.Wait()
	if _, err := h.Ledger.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{"plain": h.download(t, "alone")}
	for i := range 32 {
		data := h.download(t, fmt.Sprintf("among-%d", i))
		var said struct{ Answer struct{ Signature string } }
		if err := json.Unmarshal(evidenceFiles(t, data)["evidence.json"], &said); err != nil {
			t.Fatal(err)
		}
		if sig, err := base64.StdEncoding.DecodeString(said.Answer.Signature); err == nil && len(sig) > 64 {
			out["batch"] = data
			break
		}
	}
	if out["batch"] == nil {
		t.Error("32 at once were all signed one by one")
	}
	return out
}

func (h *evidenceHouse) download(t *testing.T, message string) []byte {
	t.Helper()
	q := url.Values{"queryId": {message}, "xRoadInstance": {"VN"}, "memberClass": {"GOV"}, "memberCode": {"MOJ"}, "subsystemCode": {"civil-status"}, "responseOnly": {""}, "unique": {""}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.door+"/asic?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", h.secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/vnd.etsi.asic-e+zip" {
		t.Fatalf("%s: %d %s %v", message, res.StatusCode, data, err)
	}
	return data
}

func evidenceFiles(t *testing.T, container []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(container), int64(len(container)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// unpacked is a container's files in a folder, with the authority's certificate.
type unpacked struct {
	dir   string
	files map[string][]byte
	ca    *x509.Certificate
}

func unpack(t *testing.T, container []byte, ca *x509.Certificate) unpacked {
	t.Helper()
	u := unpacked{t.TempDir(), evidenceFiles(t, container), ca}
	for name, data := range u.files {
		u.write(t, name, data)
	}
	u.write(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}))
	return u
}

func (u unpacked) write(t *testing.T, name string, data []byte) {
	t.Helper()
	at := filepath.Join(u.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (u unpacked) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = u.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// xmlsec is how somebody with Debian's xmlsec1 checks the node's seal.
func (u unpacked) xmlsec(t *testing.T) (string, error) {
	t.Helper()
	return u.run(t, "xmlsec1", "--verify", "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--trusted-pem", "ca.pem", "META-INF/signatures.xml")
}

// openssl checks the timestamp in the seal: the token is taken out of
// signatures.xml, what it is for is the signature's value in canonical form.
func (u unpacked) openssl(t *testing.T, signatures []byte) (string, error) {
	t.Helper()
	between := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindSubmatch(signatures)
		if m == nil {
			return ""
		}
		return string(m[1])
	}
	token, err := base64.StdEncoding.DecodeString(between(`<xades:EncapsulatedTimeStamp>([^<]*)<`))
	if err != nil {
		return "", err
	}
	u.write(t, "token.der", token)
	u.write(t, "value.xml", []byte(between(`(<ds:SignatureValue [^>]*>[^<]*</ds:SignatureValue>)`)))
	return u.run(t, "openssl", "ts", "-verify", "-token_in", "-in", "token.der", "-data", "value.xml", "-CAfile", "ca.pem")
}

// otherLast changes the last character of what a pattern finds.
func otherLast(text []byte, pattern string) []byte {
	out := bytes.Clone(text)
	at := regexp.MustCompile(pattern).FindIndex(out)
	if last := &out[at[1]-1]; *last == 'A' {
		*last = 'B'
	} else {
		*last = 'A'
	}
	return out
}

func evidenceProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}

// TestXMLSecAndOpenSSL has the judges accept what is whole, and refuse each
// sealed file with one byte changed, at places all over it.
func TestXMLSecAndOpenSSL(t *testing.T) {
	evidenceProgram(t, "xmlsec1")
	evidenceProgram(t, "openssl")
	h := openEvidenceHouse(t)
	for name, data := range h.containers(t) {
		u := unpack(t, data, h.Keys.CA())
		signatures := u.files["META-INF/signatures.xml"]
		if out, err := u.xmlsec(t); err != nil || !strings.HasPrefix(out, "OK") {
			t.Fatalf("%s: xmlsec1: %v\n%s", name, err, out)
		}
		if out, err := u.openssl(t, signatures); err != nil || !strings.Contains(out, "Verification: OK") {
			t.Fatalf("%s: openssl: %v\n%s", name, err, out)
		}
		if name != "plain" {
			continue
		}
		for file, whole := range u.files {
			if file == "mimetype" || strings.HasPrefix(file, "META-INF/") {
				continue
			}
			for i := range 8 {
				at := i * (len(whole) - 1) / 7
				bad := bytes.Clone(whole)
				bad[at] ^= 1
				u.write(t, file, bad)
				if out, err := u.xmlsec(t); err == nil {
					t.Errorf("xmlsec1 takes %s with byte %d changed: %s", file, at, out)
				}
			}
			u.write(t, file, whole)
		}
		for what, bad := range map[string][]byte{
			"the time it was sealed": bytes.Replace(signatures, []byte("<xades:SigningTime>20"), []byte("<xades:SigningTime>19"), 1),
			"a type of a file":       bytes.Replace(signatures, []byte("text/plain"), []byte("text/pl4in"), 1),
			"the value":              otherLast(signatures, `<ds:SignatureValue [^>]*>.`),
		} {
			u.write(t, "META-INF/signatures.xml", bad)
			if out, err := u.xmlsec(t); err == nil {
				t.Errorf("xmlsec1 takes %s changed: %s", what, out)
			}
		}
		if out, err := u.openssl(t, otherLast(signatures, `<ds:SignatureValue [^>]*>.`)); err == nil {
			t.Errorf("openssl takes another signature under the timestamp: %s", out)
		}
		if out, err := u.openssl(t, otherLast(signatures, `<xades:EncapsulatedTimeStamp>.{600}`)); err == nil {
			t.Errorf("openssl takes a changed timestamp: %s", out)
		}
	}
}

// TestRFC9421Library has a library from npm accept both members' signatures, in
// both forms, and refuse them over other texts.
func TestRFC9421Library(t *testing.T) {
	evidenceProgram(t, "node")
	if _, err := os.Stat("../../node_modules/http-message-signatures"); err != nil {
		t.Skip("http-message-signatures is not there: npm ci fetches it")
	}
	script, err := filepath.Abs("rfc9421.mjs")
	if err != nil {
		t.Fatal(err)
	}
	h := openEvidenceHouse(t)
	for form, data := range h.containers(t) {
		u := unpack(t, data, h.Keys.CA())
		if out, err := u.run(t, "node", script, u.dir); err != nil || !strings.Contains(out, "request ") || !strings.Contains(out, "answer "+form+" true\n") {
			t.Errorf("%s: %v\n%s", form, err, out)
		}
		for file, change := range map[string][2]string{"request.txt": {"birth-registration", "credit-assessment"}, "answer.txt": {`"@status": 200`, `"@status": 404`}} {
			u.write(t, file, bytes.Replace(u.files[file], []byte(change[0]), []byte(change[1]), 1))
			if out, err := u.run(t, "node", script, u.dir); err == nil {
				t.Errorf("%s: the library takes another %s: %s", form, file, out)
			}
			u.write(t, file, u.files[file])
		}
		if r, err := asic.Verify(data, asic.Trust{Authorities: []*x509.Certificate{h.Keys.CA()}}); err != nil || !r.Holds() {
			t.Errorf("%s: our own verdict: %+v %v", form, r, err)
		}
	}
}
