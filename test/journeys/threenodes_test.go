package journeys

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

const (
	bank    = "VN/COM/VCB/loans"
	courier = "VN/COM/VNPOST/parcels"
	parcels = courier + "/tracking"
	persons = "VN/GOV/MPS/population/population"
)

// TestThreeNodes runs the exchange of docs/guides/join-the-exchange.md as its
// operators do, by commands alone: a central node and two members' gateways, each
// a process of its own.
func TestThreeNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three processes")
	}
	w := newThree(t)
	w.openCentral(t)
	w.join(t, w.provider, "COM", "VNPOST", "Bưu điện", "Post", "parcels; Bưu kiện; Parcels")
	w.join(t, w.asker, "COM", "VCB", "Ngân hàng", "Bank", "loans; Cho vay; Loans")
	w.publish(t)
	w.secret = regexp.MustCompile(`dinh_\S+`).FindString(w.asker.does(t, "member", "key", bank, "loan system"))
	grant := w.grant(t)
	w.eventually(t, "the first answer", parcels, "")
	w.proven(t)
	w.traced(t)
	w.does(t, w.provider, "Revoked", "grant", "revoke", grant, "thử xong")
	w.refused(t, parcels, "server.serverproxy.access_denied", "grant revoked")
	w.grant(t)
	w.answered(t, parcels)
	w.changesKeys(t)
	w.witnessed(t)
	w.providerGoesDown(t)
	w.centralGoesDown(t)
	w.isSuspended(t)
	w.holds(t, w.first) // what was signed before goes on verifying
	w.comesBack(t)
	w.isRevoked(t)
}

// three are the nodes of the journey.
type three struct {
	central, provider, asker *node
	service                  net.Listener
	secret, trust            string
	first                    string // id of a message before keys changed
	asked                    atomic.Int64
	traces                   *collector
	traceparent              atomic.Value // that the service was last asked under
}

func newThree(t *testing.T) *three {
	t.Helper()
	w := &three{traces: newCollector(t)}
	binary := build(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	w.service = l
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.traceparent.Store(r.Header.Get("Traceparent"))
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"state":"delivered"}`)
	})}
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	w.central = newNode(t, binary, "GOV/MPS/node1")
	w.provider, w.asker = newNode(t, binary, "COM/VNPOST/node1"), newNode(t, binary, "COM/VCB/node1")
	for _, n := range []*node{w.provider, w.asker} {
		n.set("OTEL_EXPORTER_OTLP_ENDPOINT", w.traces.URL, "OTEL_SERVICE_NAME", n.id, "OTEL_BSP_SCHEDULE_DELAY", "100")
	}
	w.central.set("DINH_SMTP", "smtp://localhost:25", "DINH_MAIL_FROM", "dinh@example.vn", "DINH_NODE_ADDRESS", w.central.link, "DINH_DIRECTORY_LIFE", life.String())
	return w
}

// openCentral starts the source of the directory, which has two registrars and the
// registers of the state. Its directory is short-lived, as in a drill.
func (w *three) openCentral(t *testing.T) {
	t.Helper()
	w.central.start(t, "serve")
	for _, o := range []string{"lan.tran", "minh.le"} {
		w.does(t, w.central, "signs in at", "officer", "add", o, "--name", "Trần Lê Minh Lan", "--member", "GOV/MPS", "--role", "exchange-registrar", "--email", o+"@mps.example.vn")
	}
	w.trust = w.central.get(t, "/directory/verifier-key")
	for _, n := range []*node{w.provider, w.asker} {
		n.set("DINH_CENTRAL", w.central.origin, "DINH_TRUST", w.trust, "DINH_WITNESS", w.central.origin+"/witness="+w.central.get(t, "/witness/verifier-key"))
	}
}

// join takes a member in: it asks and proves, two registrars approve, its gateway runs.
func (w *three) join(t *testing.T, n *node, who ...string) {
	t.Helper()
	w.letIn(t, n, who...)
	n.start(t, "gateway")
}

// letIn asks for membership as class, code, name, English name and system.
func (w *three) letIn(t *testing.T, n *node, who ...string) {
	t.Helper()
	w.does(t, n, "Control of both keys is shown", "member", "request", "--class", who[0], "--code", who[1], "--name", who[2], "--name-en", who[3],
		"--email", "ops@example.vn", "--system", who[4], "--address", n.link)
	w.does(t, n, "0 of 2 have approved", "member", "status")
	w.decided(t, who[0]+"/"+who[1]+`\s+join`)
	w.does(t, n, "dinh gateway --node "+n.id, "member", "status")
}

// decided has the second registrar say yes to a request, after the first.
func (w *three) decided(t *testing.T, pattern string) {
	t.Helper()
	request := regexp.MustCompile(`(\S+)\s+` + pattern + `\s+proved\s+(\d)`).FindStringSubmatch(w.central.does(t, "member", "requests", "--as", "lan.tran"))
	if request == nil {
		t.Fatal("the registrars see no request for", pattern)
	}
	if request[2] == "0" {
		w.does(t, w.central, "Another registrar has to approve", "member", "approve", request[1], "--as", "lan.tran")
	}
	w.does(t, w.central, "decided by two registrars", "member", "approve", request[1], "--as", "minh.le")
}

func (w *three) publish(t *testing.T) {
	t.Helper()
	w.does(t, w.provider, "It is on the exchange and answers", "publish", "--service", parcels, "--url", "http://"+w.service.Addr().String(),
		"--title-vi", "Tra cứu bưu kiện", "--title-en", "Tracking")
}

// grant lets the asker track parcels, and gives the grant's id.
func (w *three) grant(t *testing.T) string {
	t.Helper()
	id, _, _ := strings.Cut(w.provider.does(t, "grant", "add", "--client", bank, "--service", parcels, "--may", "read", "--field", "*",
		"--purpose", "loan-assessment", "--legal-basis", "Luật Bưu chính 2010"), "\n")
	return id
}

// does runs a command at a node, which has to say so.
func (w *three) does(t *testing.T, n *node, says string, args ...string) {
	t.Helper()
	if got := n.does(t, args...); !strings.Contains(got, says) {
		t.Fatalf("dinh %s says %q, want %q in it", strings.Join(args, " "), got, says)
	}
}

// xroadAnswer is what an X-Road client gets.
type xroadAnswer struct {
	status        int
	code, id      string
	event, detail string
}

// ask asks once, as an X-Road client does.
func (w *three) ask(t *testing.T, service string) xroadAnswer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.asker.xroad+"/r1/"+service+"/records/1", nil)
	must(t, err)
	a := xroadAnswer{id: "three-" + time.Now().Format("150405.000000000")}
	for k, v := range map[string]string{"X-Road-Client": bank, "X-Road-Id": a.id, "Authorization": "Bearer " + w.secret} {
		r.Header.Set(k, v)
	}
	res, err := asking().Do(r)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	w.asked.Add(1)
	a.status, a.code, a.event, a.detail = res.StatusCode, res.Header.Get("X-Road-Error"), res.Header.Get("X-Dinh-Event"), string(body)
	return a
}

func asking() *http.Client { return &http.Client{Timeout: 15 * time.Second} }

func (w *three) answered(t *testing.T, service string) xroadAnswer {
	t.Helper()
	a := w.ask(t, service)
	if a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", service, a.status, a.detail)
	}
	return a
}

func (w *three) refused(t *testing.T, service, code, says string) {
	t.Helper()
	if a := w.ask(t, service); a.code != code || !strings.Contains(a.detail, says) {
		t.Fatalf("%s: %d %q %s, want %q and %q", service, a.status, a.code, a.detail, code, says)
	}
}

// eventually asks until the answer has the code; "" is an answer without an error.
func (w *three) eventually(t *testing.T, what, service, code string) {
	t.Helper()
	var last xroadAnswer
	until(t, what, func() bool {
		last = w.ask(t, service)
		return last.code == code && (code != "" || last.status == http.StatusOK)
	}, func() string { return last.detail })
}

// proven looks for the evidence on both sides, and the receipt.
func (w *three) proven(t *testing.T) {
	t.Helper()
	a := w.answered(t, parcels)
	for name, n := range map[string]*node{"asking": w.asker, "answering": w.provider} {
		g := n.open(t, app.OpenGateway)
		all, err := g.Exchange.Evidence(t.Context(), a.id)
		must(t, err)
		if len(all) != 1 || all[0].Request.Signature == "" || all[0].Answer.Signature == "" {
			t.Errorf("the %s side has %d pieces of evidence", name, len(all))
		}
		if n == w.provider {
			until(t, "the receipt", func() bool { _, err := g.Ledger.Proof(t.Context(), a.event); return err == nil }, nil)
		}
		g.Close()
	}
	w.first = a.id
	w.holds(t, a.id)
}

// holds has the asking system fetch its container, and checks that without any house.
func (w *three) holds(t *testing.T, id string) {
	t.Helper()
	file, roots := filepath.Join(t.TempDir(), "a.asice"), filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(roots, []byte(w.asker.get(t, "/ca.pem")), 0o600))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.asker.xroad+"/asic?xRoadInstance=VN&memberClass=COM&memberCode=VCB&subsystemCode=loans&unique&responseOnly&queryId="+id, nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+w.secret)
	res, err := asking().Do(r)
	must(t, err)
	defer res.Body.Close()
	container, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, os.WriteFile(file, container, 0o600))
	w.does(t, w.asker, "✓ the evidence holds", "evidence", "verify", file, "--ca", roots)
}

// changesKeys rotates the provider's signing key and renews its certificate, then
// the asker's, while a client keeps asking: nothing may fail, also when the old
// ones have ended.
func (w *three) changesKeys(t *testing.T) {
	t.Helper()
	before := map[*node]directory.Seat{w.provider: w.provider.seat(t), w.asker: w.asker.seat(t)}
	began := time.Now()
	for n := range before {
		w.does(t, n, "is announced", "member", "rotate")
		w.does(t, n, "The next certificate is here", "member", "renew")
	}
	announced := time.Now()
	n := 0
	for time.Since(announced) < 2*life+time.Second {
		w.answered(t, parcels)
		n++
	}
	for at, was := range before {
		if now := at.seat(t); now.Key == was.Key || now.Certificate == was.Certificate {
			t.Errorf("%s goes on with %+v", at.id, now.Key)
		}
	}
	t.Logf("%d answers in %s, with keys and certificates changed on both sides", n, time.Since(began).Round(time.Second))
}

// witnessed holds that the central node cosigns the provider's log, which it knows
// from the directory.
func (w *three) witnessed(t *testing.T) {
	t.Helper()
	witness, vkey := w.central.get(t, "/witness/verifier-key"), w.provider.get(t, "/ledger/verifier-key")
	var last error
	until(t, "a cosignature", func() bool {
		_, last = ledger.OpenCosigned([]byte(w.provider.get(t, "/ledger/checkpoint/cosigned")+"\n"), vkey, []string{witness}, 1)
		return last == nil
	}, func() string { return errs.CodeOf(last) })
}

// providerGoesDown kills the provider: clients get a clear error at once, others
// are asked as before, and it comes back without a hand.
func (w *three) providerGoesDown(t *testing.T) {
	t.Helper()
	w.provider.kill()
	w.refused(t, parcels, "server.clientproxy.network_error", "")
	w.refused(t, parcels, "server.clientproxy.network_error", "nothing was sent")
	w.refused(t, persons, "server.serverproxy.access_denied", "no grant") // the central node's own answer
	w.provider.start(t, "gateway")
	w.eventually(t, "an answer after the restart", parcels, "")
}

// centralGoesDown kills the central node until the directory has expired: members
// go on, with an alarm.
func (w *three) centralGoesDown(t *testing.T) {
	t.Helper()
	w.central.kill()
	until(t, "the alarm", func() bool {
		w.answered(t, parcels)
		return strings.Contains(fetch(t, "http://"+w.asker.figures+"/metrics"), "\ndinh_directory_expires_seconds -")
	}, nil)
	w.provider.kill() // and start without it
	w.provider.start(t, "gateway")
	w.eventually(t, "an answer without a central node", parcels, "")
	w.central.start(t, "serve")
}

// isSuspended has two registrars suspend the asker, which is then refused.
func (w *three) isSuspended(t *testing.T) {
	t.Helper()
	m := w.asker.open(t, app.OpenMembership)
	defer m.Close()
	shown, err := m.Membership.Certificate(t.Context())
	must(t, err)
	if err := shake(t, w.provider.link, shown); err != nil {
		t.Fatalf("a member's certificate is refused: %v", err)
	}
	w.does(t, w.central, "Another registrar has to approve", "member", "suspend", "COM/VCB", "--as", "lan.tran", "--reason", "vi phạm")
	w.answered(t, parcels) // one voice is none
	w.decided(t, `COM/VCB\s+suspend`)
	w.eventually(t, "the refusal", parcels, "server.clientproxy.unknown_member")
	w.refused(t, parcels, "server.clientproxy.unknown_member", "not found")
	until(t, "the link's refusal", func() bool { return shake(t, w.provider.link, shown) != nil }, nil)
	ask := keys.NewOCSPSource(keys.Source{Clock: clock.System()})
	if err := ask.Check(t.Context(), shown.Leaf, w.central.authority(t)); errs.CodeOf(err) != "keys.revoked" {
		t.Errorf("OCSP says %v of the certificate of a suspended member", err)
	}
}

// comesBack has the suspended member ask again, and be let in with new keys.
func (w *three) comesBack(t *testing.T) {
	t.Helper()
	before := w.asker.seat(t)
	w.does(t, w.asker, "No member any more: vi phạm", "member", "status")
	w.letIn(t, w.asker, "COM", "VCB", "Ngân hàng", "Bank", "loans; Cho vay; Loans")
	w.eventually(t, "an answer to the member that came back", parcels, "")
	if now := w.asker.seat(t); now.Key == before.Key || now.TLSKey == before.TLSKey {
		t.Error("it came back with keys that were revoked")
	}
}

// isRevoked has the authority take the asker's certificate back, in another process
// than the one that holds the asker's open link: its next request is not taken.
func (w *three) isRevoked(t *testing.T) {
	t.Helper()
	m := w.asker.open(t, app.OpenMembership)
	defer m.Close()
	shown, err := m.Membership.Certificate(t.Context())
	must(t, err)
	w.refused(t, persons, "server.serverproxy.access_denied", "no grant") // the link is open
	g, err := app.OpenExchange(t.Context(), app.Config{Data: w.central.data, Origin: w.central.origin, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	defer g.Close()
	must(t, g.Keys.Revoke(t.Context(), shown.Leaf.SerialNumber.Text(16), keys.KeyCompromise))
	w.refused(t, persons, "server.clientproxy.network_error", "")
}
