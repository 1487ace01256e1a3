package peers

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// suite is one of GovStack's, at the port it has in its code. trivial is the
// answer to everything with which most of it passes already.
type suite struct {
	repository string
	cases      int
	port       string
	trivial    string
}

// verdict is a suite's figures. Beside them stands what a server passes that
// gives the same answer to everything, so that they cannot flatter.
type verdict struct {
	Passed  int      `json:"passed"`
	Total   int      `json:"total"`
	Trivial int      `json:"trivial_server"`
	Failed  []string `json:"failed,omitempty"`
}

// TestGovStack runs GovStack's suites unmodified against the demonstration's
// door for them.
func TestGovStack(t *testing.T) {
	suites := []suite{
		{"bb-information-mediator", 28, "3366", `{"member":[]}`},
		{"bb-digital-registries", 57, "3333", `{}`},
	}
	modules := peer(t, "node_modules")
	node := program(t, "node", "GovStack's suites are cucumber-js")
	flags := []string{"--govstack-data", govstackData(t, peer(t, suites[1].repository))}
	for _, s := range suites {
		if taken("localhost:" + s.port) {
			t.Skipf("port %s, which %s has in its code, is taken", s.port, s.repository)
		}
		flags = append(flags, "--govstack", "localhost:"+s.port)
	}
	cucumber := filepath.Join(modules, "@cucumber", "cucumber", "bin", "cucumber-js")
	trivial := map[string]int{}
	for _, s := range suites {
		trivial[s.repository] = baseline(t, s, node, cucumber)
	}
	start(t, plan{flags: flags})
	out := map[string]verdict{}
	for _, s := range suites {
		v := judge(t, s, node, cucumber)
		v.Trivial = trivial[s.repository]
		out[s.repository] = v
		if v.Total != s.cases || v.Passed < v.Total {
			t.Errorf("%s: %d of %d passed, %d cases known; failed:\n  %s", s.repository, v.Passed, v.Total, s.cases, strings.Join(v.Failed, "\n  "))
		}
	}
	line, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(line))
	file := filepath.Join("..", "..", "build", "peers", "govstack.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(line, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// baseline is what a server passes that knows nothing.
func baseline(t *testing.T, s suite, node, cucumber string) int {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:"+s.port)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, s.trivial)
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	return judge(t, s, node, cucumber).Passed
}

// TestGovStackDoor shows that behind the door stand a register and the log of
// accesses, and that the door is for demonstrations.
func TestGovStackDoor(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("govstack")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"records.json":   `{"registryname": [{"uuid": "0000-0001", "ID": "EE1", "FirstName": "Ann", "LastName": "Bell", "BirthCertificateID": "RR-1", "state": "active"}]}`,
		"databases.json": `{"id": 1, "name": "n", "code": "c", "databases": [{"id": 8438778473}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	start(t, plan{flags: []string{"--govstack", "localhost:" + port, "--govstack-data", filepath.Join(dir, "house.yaml")}})
	const people = "/data/registryname/111"
	for _, tt := range []struct {
		request, body string
		status        int
		says          string
	}{
		{"POST " + people + "/read", `{"query": {"content": {"LastName": "Bell"}}}`, 200, `"FirstName":"Ann"`},
		{"POST " + people + "/read", `{"query": {"content": {"LastName": "Bell"`, 400, "JSON"},
		{"POST " + people + "/read", `{"query": {"content": {"Shoe": "42"}}}`, 400, "registers."},
		{"POST " + people + "/create", `{"write": {"content": {"FirstName": "no ID"}}}`, 400, "registers."},
		{"PUT " + people + "/update", `{"query": {"content": {"ID": "EE1"}}, "write": {"content": {"LastName": "Bow"}}}`, 200, ""},
		{"GET " + people + "?search=Bow&filter=LastName", "", 200, `"count":1`},
		{"GET " + people + "?search=An", "", 200, `"count":1`},
		{"GET " + people + "?query.ID=EE2", "", 200, `"count":0`},
		{"GET " + people + "/0000-0001/read-value/LastName.txt", "", 200, `"Bow"`},
		{"GET /data/myPersonalDataUsage/1.0?userId=EE1&databaseId=MCTS", "", 200, `"ReaderInstitutionName":"GovStack Digital Registries","ReaderApplicationName":"digitalregistries"`},
		{"DELETE " + people + "/EE1/delete", "", 204, ""},
		{"POST " + people + "/read", `{"query": {"content": {"LastName": "Bow"}}}`, 404, "no record found"},
		{"GET /database/8438778473", "", 200, "8438778473"},
		{"GET /r1/VN/GOV/MPS/population/getOpenAPI?serviceCode=population", "", 200, `\"openapi\":\"3.1.0\"`},
		{"GET /VN/GOV/MPS/ghost/listMethods", "", 400, "there is no application"},
		{"GET /EE/GOV/MPS/population/listMethods", "", 400, "there is no application"},
		{"GET /", "", 404, "no such address"},
	} {
		verb, target, _ := strings.Cut(tt.request, " ")
		req, err := http.NewRequestWithContext(t.Context(), verb, "http://localhost:"+port+target, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := send(t, req); got.status != tt.status || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s: %d %s, want %d %s", tt.request, got.status, got.body, tt.status, tt.says)
		}
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path, "serve", "--data", t.TempDir(), "--listen", "localhost:"+freePort(t), "--smtp", "smtp://localhost:25", "--govstack", "localhost:"+freePort(t)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--demo") {
		t.Errorf("a house that is no demonstration opened the door: %v %s", err, out)
	}
}

// judge runs a suite and counts its cases.
func judge(t *testing.T, s suite, node, cucumber string) verdict {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.CommandContext(t.Context(), node, cucumber, "--format", "json:"+report)
	cmd.Dir = filepath.Join(peer(t, s.repository), "test", "openAPI")
	said, runErr := cmd.CombinedOutput()
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%s: %v, %v\n%s", s.repository, runErr, err, said)
	}
	var features []struct {
		Name     string
		Elements []struct {
			Name  string
			Line  int
			Steps []struct {
				Name   string
				Result struct {
					Status  string
					Message string `json:"error_message"`
				}
			}
		}
	}
	if err := json.Unmarshal(text, &features); err != nil {
		t.Fatalf("%s: %v\n%s", s.repository, err, said)
	}
	v := verdict{}
	for _, f := range features {
		for _, e := range f.Elements {
			v.Total++
			ok := true
			for _, step := range e.Steps {
				if step.Result.Status != "passed" && ok {
					ok = false
					v.Failed = append(v.Failed, fmt.Sprintf("%s:%d: %s: %s", e.Name, e.Line, step.Name, firstLine(step.Result.Message)))
				}
			}
			if ok {
				v.Passed++
			}
		}
	}
	slices.Sort(v.Failed)
	return v
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// govstackData writes what the suites expect to find: our names for theirs from
// the folder govstack, their records from their own checkout, and two people who
// stand in their scenarios but not in their data.
func govstackData(t *testing.T, checkout string) string {
	t.Helper()
	var theirs struct {
		Registries struct {
			Records []struct{ UUID, ID, FirstName, LastName, BirthCertificateID string }
		}
		Databases []map[string]any
	}
	text, err := os.ReadFile(filepath.Join(checkout, "test", "openAPI", "test-data.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &theirs); err != nil || len(theirs.Databases) == 0 {
		t.Fatal("the suite's data are not what they were at the pinned commit: ", err)
	}
	record := func(uuid, id, first, last, certificate string) map[string]string {
		return map[string]string{"uuid": uuid, "ID": id, "FirstName": first, "LastName": last, "BirthCertificateID": certificate, "state": "active"}
	}
	records := []map[string]string{
		record("0000-scenario-1", "EE000000000001", "John Helmut", "Meier", "RR-0000000001"),
		record("0000-scenario-2", "EE000000000002", "Emma", "Smith", "EE6546273487865"),
	}
	for _, r := range theirs.Registries.Records {
		records = append(records, record(r.UUID, r.ID, r.FirstName, r.LastName, r.BirthCertificateID))
	}
	group := theirs.Databases[0]
	list, _ := group["databases"].([]any)
	group["databases"] = slices.DeleteFunc(list, func(v any) bool { _, remark := v.(string); return remark })
	databases, err := json.Marshal(group)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("govstack")); err != nil {
		t.Fatal(err)
	}
	text, err = json.Marshal(map[string]any{"registryname": records})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"records.json": text, "databases.json": databases} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "house.yaml")
}
