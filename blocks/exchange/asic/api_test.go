package asic_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

const ours = "/asic?xRoadInstance=VN&memberClass=GOV&memberCode=MOJ&subsystemCode=civil-status"

func (w *world) door() http.Handler { return w.Beside(w.exchange.R1Handler()) }

func (w *world) secret(t testing.TB, s exchange.SubsystemID) string {
	t.Helper()
	secret, _, err := w.exchange.NewClientKey(t.Context(), s, "test", time.Time{})
	ok(t, err)
	return secret
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	ok(t, err)
	return string(b)
}

// TestASiCSpeaksAsXRoad has each status with X-Road's own words.
func TestASiCSpeaksAsXRoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, message)
	w.provider.err = errors.New("down")
	w.ask(t, "VN-m-failed")
	key, others := w.secret(t, civil), w.secret(t, exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "notary"})
	const notWho = "Client SUBSYSTEM:VN/GOV/MOJ/civil-status is not who asks for its documents"
	for name, c := range map[string]struct {
		path, key string
		status    int
		text      string
	}{
		"no instance":       {"/asic?memberClass=GOV&memberCode=MOJ&queryId=" + message, key, 400, `Parameter "xRoadInstance"  must be specified.`},
		"no class":          {"/asic?xRoadInstance=VN&memberCode=MOJ", key, 400, `Parameter "memberClass"  must be specified.`},
		"no code":           {"/asic?xRoadInstance=VN&memberClass=GOV", "", 400, `Parameter "memberCode"  must be specified.`},
		"nobody":            {ours + "&queryId=" + message, "", 401, notWho},
		"a false key":       {ours + "&queryId=" + message, "dinh_false", 401, notWho},
		"another system":    {ours + "&queryId=" + message, others, 401, notWho},
		"nobody's question": {ours, "", 401, notWho},
		"no subsystem":      {"/asic?xRoadInstance=VN&memberClass=GOV&memberCode=MOJ&queryId=" + message, key, 401, "Client SUBSYSTEM:VN/GOV/MOJ/ is not who asks for its documents"},
		"no query":          {ours, key, 400, `Parameter "queryId"  must be specified.`},
		"both":              {ours + "&queryId=x&requestOnly&responseOnly", key, 400, `Parameters "requestOnly" and "responseOnly" cannot be used at the same time.`},
		"unknown":           {ours + "&queryId=x", key, 404, "No signed documents found"},
		"unknown, unique":   {ours + "&queryId=x&unique", key, 404, "No signed documents found"},
		"unique of two":     {ours + "&unique&queryId=" + message, key, 400, `Parameter "unique" not applicable without "requestOnly" or "responseOnly".`},
		"no answer":         {ours + "&responseOnly&queryId=VN-m-failed", key, 404, "No signed documents found"},
	} {
		res := get(t, w.door(), c.path, c.key)
		if got := body(t, res); res.StatusCode != c.status || got != c.text || res.Header.Get("Content-Type") != "text/plain;charset=UTF-8" {
			t.Errorf("%s: %d %q %s", name, res.StatusCode, got, res.Header.Get("Content-Type"))
		}
	}
	w.stamper.err = errors.New("down")
	for path, text := range map[string]string{"": "Message signature has not been timestamped yet!", "&force": "Could not create missing timestamp!"} {
		if res := get(t, w.door(), ours+"&queryId="+message+path, key); res.StatusCode != 500 || body(t, res) != text {
			t.Errorf("no timestamp%s: %d", path, res.StatusCode)
		}
	}
}

func TestASiCDownload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const odd = "VN/m 1*~ü"
	w.ask(t, odd)
	w.sealLedger(t)
	key := w.secret(t, civil)
	const query, id = "&queryId=VN%2Fm+1*~%C3%BC", `VN%2Fm\+1\*%7E%C3%BC`
	for name, c := range map[string]struct {
		params, mime, file string
		entries            []string
	}{
		"all":      {"", "application/zip", id + `\.zip`, []string{id + `-request-[0-9a-v]+\.asice`, id + `-response-[0-9a-v]+\.asice`}},
		"request":  {"&requestOnly", "application/zip", id + `-request\.zip`, []string{id + `-request-[0-9a-v]+\.asice`}},
		"response": {"&responseOnly=true", "application/zip", id + `-response\.zip`, []string{id + `-response-[0-9a-v]+\.asice`}},
		"one":      {"&requestOnly&unique&force", "application/vnd.etsi.asic-e+zip", id + `-request-[0-9a-v]+\.asice`, nil},
	} {
		res := get(t, w.door(), ours+query+c.params, key)
		data := []byte(body(t, res))
		disposition := regexp.MustCompile(`^attachment; filename="` + c.file + `"$`)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != c.mime || !disposition.MatchString(res.Header.Get("Content-Disposition")) {
			t.Fatalf("%s: %d %v", name, res.StatusCode, res.Header)
		}
		containers := [][]byte{data}
		if c.entries != nil {
			containers = nil
			for i, e := range open(t, data) {
				if !regexp.MustCompile("^" + c.entries[i] + "$").MatchString(e.name) {
					t.Errorf("%s: %s", name, e.name)
				}
				containers = append(containers, e.data)
			}
			if len(containers) != len(c.entries) {
				t.Errorf("%s: %d containers", name, len(containers))
			}
		}
		for _, container := range containers {
			if r, err := asic.Verify(container, w.trust()); err != nil || !r.Holds() || r.MessageID != odd {
				t.Errorf("%s: %+v %v", name, r, err)
			}
		}
	}
	// Every download is written down, and every try by somebody else is not answered.
	operator := auth.With(t.Context(), auth.Principal{Officer: "o-1", Member: "GOV/MPS", Roles: []string{auth.RoleOperator}, Level: auth.High})
	searches, err := w.exchange.LogSearches(operator)
	if err != nil || len(searches) != 4 || searches[0].Officer != civil.String() || searches[0].Member != "GOV/MOJ" || !strings.Contains(string(searches[0].Query), `"asic"`) {
		t.Errorf("%+v %v", searches, err)
	}
}

// TestASiCForOfficers goes through the shared listener's route, as auditors do.
func TestASiCForOfficers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, message)
	for name, c := range map[string]struct {
		p      auth.Principal
		status int
	}{
		"the member's auditor":   {auth.Principal{Officer: "o-1", Member: "GOV/MOJ", Roles: []string{exchange.RoleLog}, Level: auth.High}, 200},
		"an operator":            {auth.Principal{Officer: "o-2", Member: "GOV/MPS", Roles: []string{auth.RoleOperator}, Level: auth.High}, 200},
		"another's auditor":      {auth.Principal{Officer: "o-3", Member: "GOV/MPS", Roles: []string{exchange.RoleLog}, Level: auth.High}, 401},
		"no auditor":             {auth.Principal{Officer: "o-4", Member: "GOV/MOJ", Roles: []string{exchange.RoleGrants}, Level: auth.High}, 401},
		"the member's system":    {auth.Principal{Subsystem: civil.String(), Member: "GOV/MOJ"}, 200},
		"a system of the member": {auth.Principal{Subsystem: "VN/GOV/MOJ/notary", Member: "GOV/MOJ"}, 401},
		"a person":               {auth.Principal{Number: person, Level: auth.High}, 401},
		"nobody":                 {auth.Principal{}, 401},
	} {
		for _, route := range w.Routes() {
			if route.Path != "/asic" {
				continue
			}
			handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				ok(t, route.Handle(rw, r.WithContext(auth.With(r.Context(), c.p))))
			})
			if res := get(t, handler, ours+"&queryId="+message, ""); res.StatusCode != c.status {
				t.Errorf("%s: %d", name, res.StatusCode)
			}
			if may := route.Access.Of(c.p) == nil; c.status == 200 && !may {
				t.Errorf("%s may not come in", name)
			}
		}
	}
}

type shared struct {
	XMLName  xml.Name `xml:"http://x-road.eu/xsd/xroad.xsd conf"`
	Instance string   `xml:"instanceIdentifier"`
	Members  []struct {
		ID         string `xml:"id,attr"`
		Class      string `xml:"memberClass>code"`
		Code       string `xml:"memberCode"`
		Name       string `xml:"name"`
		Subsystems []struct {
			ID   string `xml:"id,attr"`
			Code string `xml:"subsystemCode"`
		} `xml:"subsystem"`
	} `xml:"member"`
	Servers []struct {
		Owner   string   `xml:"owner"`
		Code    string   `xml:"serverCode"`
		Address string   `xml:"address"`
		Auth    []string `xml:"authCertHash"`
		Clients []string `xml:"client"`
	} `xml:"securityServer"`
}

func TestVerificationConf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := get(t, w.door(), "/verificationconf", "")
	data := []byte(body(t, res))
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/zip" || res.Header.Get("Content-Disposition") != `filename="verificationconf.zip"` {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	ok(t, err)
	files := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		ok(t, err)
		text, err := io.ReadAll(in)
		ok(t, err)
		files[f.Name] = string(text)
	}
	if files["verificationconf/instance-identifier"] != "VN" || len(files) != 3 {
		t.Errorf("%v", files)
	}
	var got shared
	ok(t, xml.Unmarshal([]byte(files["verificationconf/VN/shared-params.xml"]), &got))
	if got.Instance != "VN" || len(got.Members) != 2 || got.Members[0].Code != "MOJ" || got.Members[0].Class != "GOV" || got.Members[0].Name != "Bộ Tư pháp" || len(got.Members[0].Subsystems) != 2 {
		t.Errorf("%+v", got)
	}
	if s := got.Servers[0]; s.Owner != got.Members[0].ID || s.Address != "dinh.example.vn" || strings.Join(s.Clients, " ") != "id-VN.GOV.MOJ.civil-status id-VN.GOV.MOJ.notary id-VN.GOV.MPS.population" {
		t.Errorf("%+v", s)
	}
}

// TestInternalConf reads the directory as xrdinfo does, and checks what it signs.
func TestInternalConf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := get(t, w.door(), "/internalconf", "")
	text := body(t, res)
	m := regexp.MustCompile(`(?i)Content-location: (/.+/shared-params.xml)`).FindStringSubmatch(text)
	if res.StatusCode != 200 || m == nil || m[1] != "/internalconf/VN/shared-params.xml" {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	file := get(t, w.door(), m[1], "")
	params := body(t, file)
	sum := sha512.Sum512([]byte(params))
	if file.StatusCode != 200 || !strings.Contains(text, "\r\n\r\n"+base64.StdEncoding.EncodeToString(sum[:])+"\r\n") {
		t.Errorf("%d, or another digest", file.StatusCode)
	}
	parts := strings.Split(text, "--dinh-directory\r\n")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	_, sig64, _ := strings.Cut(strings.TrimSuffix(parts[2], "\r\n--dinh-directory--\r\n"), "\r\n\r\n")
	sig, err := base64.StdEncoding.DecodeString(sig64)
	ok(t, err)
	key, err := w.keys.Current(t.Context(), "instance/VN/evidence", keys.Document)
	ok(t, err)
	digest := sha256.Sum256([]byte(strings.TrimSuffix(parts[1], "\r\n")))
	certificate := sha512.Sum512(key.Certificate.Raw)
	if !ecdsa.VerifyASN1(key.Public.(*ecdsa.PublicKey), digest[:], sig) || !strings.Contains(parts[2], base64.StdEncoding.EncodeToString(certificate[:])) {
		t.Error("the directory's signature does not hold")
	}
	for _, path := range []string{"/internalconf/DEV/shared-params.xml", "/internalconf/x", "/asic/x", "/verificationconf/"} {
		if res := get(t, w.door(), path, ""); res.StatusCode == 200 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if res := get(t, w.door(), "/listClients", ""); res.StatusCode != 200 {
		t.Errorf("/listClients behind these doors: %d", res.StatusCode)
	}
}

// list is a directory of two nodes.
type list struct{ at time.Time }

func (l list) Members() []directory.Member {
	return []directory.Member{
		{Class: "COM", Code: "a.b_c", Name: i18n.Text{VI: "Ngân hàng"}, Subsystems: []directory.Subsystem{{Code: "loans"}}, Node: "COM/a.b_c/n1"},
		{Class: "GOV", Code: "MOJ", Subsystems: []directory.Subsystem{{Code: "civil-status"}}, Node: "GOV/MOJ/n1"},
		{Class: "GOV", Code: "gone", Status: directory.Removed, Subsystems: []directory.Subsystem{{Code: "x"}}, Node: "GOV/MOJ/n1"},
	}
}

func (l list) Nodes() []directory.Node {
	return []directory.Node{
		{ID: "COM/a.b_c/n1", Address: "bank.example:5500"},
		{ID: "GOV/MOJ/n1", Address: "[::1]:5500,moj.example:5500", Certificates: []directory.Certificate{
			{Fingerprint: "00ff", From: l.at, Until: l.at.Add(time.Hour)}, {Fingerprint: "01", From: l.at, Until: l.at.Add(time.Hour), RevokedAt: l.at},
		}},
		{ID: "GOV/gone/n1", Address: "gone.example:5500"},
	}
}

// TestSharedParamsOfADirectory lists every node with what it serves.
func TestSharedParamsOfADirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Directory = list{w.clock.Now()}
	m, err := asic.New(w.deps)
	ok(t, err)
	var got shared
	ok(t, xml.Unmarshal([]byte(body(t, get(t, m.Beside(http.NotFoundHandler()), "/internalconf/VN/shared-params.xml", ""))), &got))
	if len(got.Members) != 2 || len(got.Servers) != 2 || got.Members[0].ID != "id-VN.COM.a_2eb_5fc" {
		t.Fatalf("%+v", got)
	}
	bank, moj := got.Servers[0], got.Servers[1]
	if bank.Owner != got.Members[0].ID || bank.Code != "n1" || bank.Address != "bank.example" || strings.Join(bank.Clients, " ") != "id-VN.COM.a_2eb_5fc.loans" {
		t.Errorf("%+v", bank)
	}
	if moj.Address != "::1" || strings.Join(moj.Auth, " ") != "AP8=" || strings.Join(moj.Clients, " ") != "id-VN.GOV.MOJ.civil-status" {
		t.Errorf("%+v", moj)
	}
}
