package exchange

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
)

func TestCleanPathRefusesTraversal(t *testing.T) {
	t.Parallel()
	bad := []string{
		"/..", "/../", "/a/../b", "/.", "/a/./b", "/%2e%2e/a", "/%2E%2e", "/.%2e/a", "/a/%2e", "/a%2fb", "/a%2Fb", "/a%5cb", `/a\b`,
		"/%252e%252e/a", "/%25252e%25252e/a", "/%2525252525252e", "/a%252fb", "/a%255cb", "/..;/a", "/..;x=1/a", "/%2e%2e;/a", "/;/a",
		"//", "/a//b", "/%c0%ae%c0%ae/a", "/%c0%af", "/%e0%80%af", "/%ff", "/a%00b", "/a%2500b", "/a%0d%0ab", "/%", "/%zz", "/%2",
		"/\uff0e\uff0e/a", "/%EF%BC%8E%EF%BC%8E/a", "/a\uff0fb", "/%e2%80%a5/a", "/a%e2%80%8b", "/..%20/a", "/%20", "/a?b", "/a#b",
		"/" + strings.Repeat("a", maxPath),
	}
	for _, p := range bad {
		if got, err := CleanPath(p); err == nil {
			t.Errorf("CleanPath(%q) = %q, want a refusal", p, got)
		}
	}
	good := map[string]string{
		"": "", "/": "/", "/records": "/records", "records/1": "/records/1", "/a/": "/a/", "/a..b": "/a..b", "/...": "/...",
		"/H%C3%A0%20N%E1%BB%99i": "/H%C3%A0%20N%E1%BB%99i", "/.well-known/x": "/.well-known/x", "/a;v=1": "/a;v=1",
	}
	for p, want := range good {
		if got, err := CleanPath(p); err != nil || got != want {
			t.Errorf("CleanPath(%q) = %q, %v, want %q", p, got, err, want)
		}
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, s := range []string{"/a/b", "/%2e%2e", "/%252e", "/a%2fb", "/..;/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got, err := CleanPath(p)
		if err != nil {
			return
		}
		for range 6 { // no decoding turns it into another place
			for seg := range strings.SplitSeq(got, "/") {
				if seg == ".." || seg == "." {
					t.Fatalf("CleanPath(%q) let %q through", p, got)
				}
			}
			got = strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", "%25", "%").Replace(got)
		}
	})
}

func TestMatchPath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"/pets/*", "/pets/1", true}, {"/pets/*", "/pets/", true}, {"/pets/*", "/pets/1/x", false}, {"/pets/**", "/pets/1/x", true},
		{"**", "", true}, {"*", "/a", false}, {"/foo/*.json", "/foo/a.json", true}, {`/a\*`, "/a*", true}, {`/a\*`, "/ab", false},
		{`/a\\b`, `/a\b`, true}, {"/a", "/a/", false}, {"/a/*/c", "/a/b/c", true}, {"/**/c", "/a/b/c", true}, {"", "", true}, {"", "/", false},
	}
	for _, tt := range tests {
		if got := matchPath(tt.pattern, tt.path); got != tt.want {
			t.Errorf("matchPath(%q, %q) = %v", tt.pattern, tt.path, got)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "VN/GOV/MOJ", "VN/GOV/MOJ/a/b", "VN//MOJ/a", "VN/GOV/../a", "VN/GOV/MOJ/.", "VN/GOV/MOJ/a:b", "VN/GOV/MOJ/a;b",
		"VN/GOV/MOJ/a%20", `VN/GOV/MOJ/a\b`, "VN/GOV/MOJ/a\x00", "VN/GOV/MOJ/a\u200b", "VN/GOV/MOJ/ a", "VN/GOV/MOJ/e\u0301", "VN/GOV/MOJ/" + strings.Repeat("a", 200)} {
		if got, err := ParseSubsystem(s); err == nil {
			t.Errorf("ParseSubsystem(%q) = %v", s, got)
		}
	}
	for _, s := range []string{"VN/GOV/MOJ/hộ-tịch", "DEV/COM/1234/Test (a)+b,c-d.e='f'?"} {
		if got, err := ParseSubsystem(s); err != nil || got.String() != s {
			t.Errorf("ParseSubsystem(%q) = %v, %v", s, got, err)
		}
	}
	s, path, err := parseR1("/r1/VN/GOV/MPS/d%C3%A2n-c%C6%B0/population/records/1")
	if err != nil || s.Subsystem != "dân-cư" || path != "/records/1" {
		t.Errorf("parseR1 = %v %q %v", s, path, err)
	}
	for _, p := range []string{"/r1/VN/GOV/MPS/a%2Fb/s", "/r2/VN/GOV/MPS/a/s", "/r1/VN/GOV/MPS/a", "/r1/VN/GOV/%2e%2e/a/s", "/r1/VN/GOV/MPS/a/s/%2e%2e"} {
		if s, _, err := parseR1(p); err == nil {
			t.Errorf("parseR1(%q) = %v", p, s)
		}
	}
}

func FuzzIdentifiers(f *testing.F) {
	f.Add("VN/GOV/MPS/population/population")
	f.Add("/r1/VN/GOV/MPS/a%2Fb/s/x")
	f.Fuzz(func(t *testing.T, in string) {
		if s, err := ParseService(in); err == nil {
			if s.String() != in {
				t.Errorf("%q became %q", in, s)
			}
			back, _, err := parseR1(servicePath(s))
			if err != nil || back != s {
				t.Errorf("%v by its address became %v, %v", s, back, err)
			}
			sub, err := parseEncodedSubsystem(s.encodedSubsystem())
			if err != nil || sub != s.SubsystemID {
				t.Errorf("%v by its header became %v, %v", s.SubsystemID, sub, err)
			}
		}
		_, _, _ = parseR1(in)
	})
}

func (s ServiceID) encodedSubsystem() string { return s.SubsystemID.encoded() }

// RFC 9421 appendix B.2.6, with the key of B.1.4.
func TestRFC9421Ed25519(t *testing.T) {
	t.Parallel()
	components := []httpsig.Component{
		{Name: "date", Value: "Tue, 20 Apr 2021 02:07:55 GMT"}, {Name: "@method", Value: "POST"}, {Name: "@path", Value: "/foo"},
		{Name: "@authority", Value: "example.com"}, {Name: "content-type", Value: "application/json"}, {Name: "content-length", Value: "18"},
	}
	params := httpsig.Params{Created: 1618884473, KeyID: "test-key-ed25519"}
	input := httpsig.Input("sig-b26", components, params)
	const wantInput = `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
	if input != wantInput {
		t.Fatalf("Signature-Input = %s", input)
	}
	const header = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
	p, err := httpsig.Parse("sig-b26", input, header)
	if err != nil {
		t.Fatal(err)
	}
	base, ok := p.Base(func(c httpsig.Component) (string, bool) {
		i := slices.IndexFunc(components, func(o httpsig.Component) bool { return o.Name == c.Name })
		return components[i].Value, true
	})
	if !ok || string(base) != string(httpsig.Base(components, params)) {
		t.Fatalf("base = %s", base)
	}
	public, err := base64.RawURLEncoding.DecodeString("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs")
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(public, base, p.Signature) {
		t.Error("the RFC's own signature does not verify")
	}
	if httpsig.Header("sig-b26", p.Signature) != header {
		t.Error("SignatureHeader does not give back the RFC's header")
	}
}

func TestParseSignatureRefuses(t *testing.T) {
	t.Parallel()
	const sig = "a=:AAAA:"
	for _, in := range []string{"", "a", "a=()", "b=(\"x\")", `a=("x" "x")`, `a=("X")`, `a=("x";foo)`, `a=("x";req=?0)`, `a=("x")("y")`, `a=("x"`, `a=("x");created="1"`,
		`a=("x");created=1;created=2`, `a=("x");unknown=1`, `a=("x"), a=("y")`, `a=("x"),`, `a=("@signature-params")`, `a=("x""y")`, `a=("x";key="\"")`} {
		if in == "a=()" {
			continue // an empty list is well formed; what must be covered is the verifier's business
		}
		if p, err := httpsig.Parse("a", in, sig); err == nil {
			t.Errorf("ParseSignature(%q) = %+v", in, p)
		}
	}
}

func FuzzParseSignature(f *testing.F) {
	f.Add(`dinh=("@method" "signature";req;key="dinh");created=1;keyid="k";tag="t"`, "dinh=:AAAA:")
	f.Fuzz(func(t *testing.T, input, sig string) {
		p, err := httpsig.Parse("dinh", input, sig)
		if err != nil {
			return
		}
		again, err := httpsig.Parse("dinh", "dinh="+p.Raw, httpsig.Header("dinh", p.Signature))
		if err != nil || len(again.Components) != len(p.Components) || again.Params != p.Params {
			t.Errorf("%q read again: %+v, %v", p.Raw, again, err)
		}
	})
}

func TestContentDigest(t *testing.T) {
	t.Parallel()
	// RFC 9530 appendix B.1.
	body := []byte(`{"hello": "world"}` + "\n")
	if got, want := httpsig.ContentDigest(body), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"; got != want {
		t.Errorf("ContentDigest = %s, want %s", got, want)
	}
	if err := httpsig.VerifyContentDigest(httpsig.ContentDigest(body)+", md5=:AAAA:", body); err != nil {
		t.Error(err)
	}
	for _, h := range []string{"", "md5=:AAAA:", "sha-256=:AAAA:", "sha-256=x", httpsig.ContentDigest(nil), httpsig.ContentDigest(body) + ", sha-512=:AAAA:"} {
		if httpsig.VerifyContentDigest(h, body) == nil {
			t.Errorf("VerifyContentDigest took %q", h)
		}
	}
}

func TestVocabulary(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"server.serverproxy.access_denied": "Server.ServerProxy.AccessDenied", "client.io_error": "Client.IOError",
		"signer.hsm_non_operational": "Signer.HSMNonOperational", "server.clientproxy.global_conf_outdated": "Server.ClientProxy.OutdatedGlobalConf",
		"server.serverproxy.service_failed.ssl_authentication_failed": "Server.ServerProxy.ServiceFailed.SslAuthenticationFailed",
		"client.hashchain_unused_inputs":                              "Client.HashChainUnusedInputs", "client.token_readonly": "Client.TokenReadOnly",
	} {
		if got := V77.Code(in); got != want {
			t.Errorf("7.7 of %s = %s, want %s", in, got, want)
		}
		if V78.Code(in) != in || serverSide(in) != serverSide(want) {
			t.Errorf("7.8 of %s", in)
		}
	}
}

// data draws a JSON object over few names, so that paths often meet.
func data(depth int) *rapid.Generator[map[string]any] {
	names := rapid.SampledFrom([]string{"a", "b", "c", "a.b", "data", "records"})
	value := rapid.Custom(func(t *rapid.T) any {
		switch k := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case k == 0 && depth > 0:
			return data(depth-1).Draw(t, "object")
		case k == 1 && depth > 0:
			list := []any{}
			for _, o := range rapid.SliceOfN(data(depth-1), 0, 3).Draw(t, "list") {
				list = append(list, o)
			}
			return append(list, "secret")
		case k == 2:
			return nil
		}
		return "secret"
	})
	return rapid.MapOfN(names, value, 0, 4)
}

// paths collects where anything stands in a value.
func paths(prefix []string, v any, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, w := range v {
			paths(append(slices.Clone(prefix), k), w, out)
		}
	case []any:
		for _, w := range v {
			paths(prefix, w, out)
		}
	default:
		out[strings.Join(prefix, "\x00")] = true
	}
}

func TestFilterNeverLeaks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "a.b", "a.c", "b.a.c", "data", "records", "c.a"}), 1, 3).Draw(t, "fields")
		body := map[string]any{"id": "r", "version": 1, "valid_from": "2020-01-01", "secret": "top"}
		wrapped := rapid.SampledFrom([]string{"records", "data", "bare"}).Draw(t, "shape")
		d := data(3).Draw(t, "data")
		switch wrapped {
		case "records":
			body["records"] = []any{map[string]any{"id": "r", "version": 1, "valid_from": "2020-01-01", "updated_at": "2020-01-02T00:00:00Z", "data": d, "secret": "x"}}
		case "data":
			body["data"] = d
		default:
			body = d
		}
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := filterBody(raw, newFieldTree(fields...))
		if err != nil {
			return // refused whole
		}
		var got any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		seen := map[string]bool{}
		paths(nil, got, seen)
		for p := range maps.Keys(seen) {
			parts := strings.Split(p, "\x00")
			if len(parts) > 0 && parts[0] == "records" && isEnvelope(got) {
				parts = parts[1:]
			}
			if len(parts) == 0 || slices.Contains([]string{"id", "total"}, parts[0]) {
				continue
			}
			inner := parts
			if parts[0] == "data" {
				inner = parts[1:]
			}
			if !allowed(fields, inner) && !allowed(fields, parts) {
				t.Fatalf("fields %v: %q stands in %s, from %s", fields, p, out, raw)
			}
		}
	})
}

func isEnvelope(v any) bool {
	m, _ := v.(map[string]any)
	_, ok := m["records"].([]any)
	return ok
}

// allowed is the rule in its plainest form: some field is a prefix of the path.
func allowed(fields, path []string) bool {
	return slices.ContainsFunc(fields, func(f string) bool {
		parts := strings.Split(f, ".")
		return len(parts) <= len(path) && slices.Equal(parts, path[:len(parts)])
	})
}

func FuzzTouchedAndFilter(f *testing.F) {
	f.Add(`{"where":{"a":"1"}}`)
	f.Add(`{"data":{"a":[{"b":1},2],"c":{}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		_, _ = touched([]byte(body), "where")
		_, _ = touched([]byte(body), "data")
		if out, _, err := filterBody([]byte(body), newFieldTree("a.b")); err == nil && len(out) > 0 && !json.Valid(out) {
			t.Errorf("filter made %q", out)
		}
		_ = keepProblem([]byte(body))
	})
}

// Whatever a provider answers, under a filter only records that fit leave, in
// whichever way a reader further on reads them.
func FuzzSift(f *testing.F) {
	f.Add(`{"records":[{"id":"1","data":{"p":"a"}},{"data":{"p":"b"}}],"total":2}`)
	f.Add(`[{"p":"a","p":"b"},{"p":["a"]},{"p":{"q":"a"}},1,null]`)
	f.Add(`{"data":{"p":"b"},"data":{"p":"a"}}`)
	f.Add(`{"p":"a","records":null}`)
	fits := func(v any) bool {
		m, _ := v.(map[string]any)
		if d, ok := m["data"]; ok && d != nil {
			m, _ = d.(map[string]any)
		}
		if list, ok := m["p"].([]any); ok {
			return len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { _, more := v.([]any); return v != "a" && !more })
		}
		return m["p"] == "a"
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, fields := range []string{"*", "p"} {
			g := &Grant{Fields: []string{fields}, Filter: map[string][]string{"p": {"a"}}}
			s := &sifting{decision: decision{tree: newFieldTree(fields), grants: []*Grant{g}}}
			out, n, err := s.sift([]byte(body))
			if err != nil {
				continue
			}
			var got any
			if json.Unmarshal(out, &got) != nil {
				t.Fatalf("%q became %q", body, out)
			}
			records := []any{got}
			if list, ok := got.([]any); ok {
				records = list
			} else if m, ok := got.(map[string]any); ok && m["records"] != nil {
				records, _ = m["records"].([]any)
			}
			if len(records) != n {
				t.Errorf("%q became %q, counted as %d", body, out, n)
			}
			for _, r := range records {
				if !fits(r) {
					t.Errorf("%q let out %q", body, out)
				}
			}
		}
	})
}

func FuzzCapture(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nA: b\r\n\r\n", 3)
	f.Add("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, stream string, cut int) {
		collect := func(size int) (out []string) {
			var s captureState
			for rest := stream; rest != ""; {
				n := min(max(size, 1), len(rest))
				s.feed([]byte(rest[:n]), func(b headerBlock) { out = append(out, fmt.Sprintf("%q", b)) })
				rest = rest[n:]
			}
			return out
		}
		if a, b := collect(len(stream)), collect(cut); !slices.Equal(a, b) {
			t.Errorf("in one piece %q, in pieces of %d %q", a, cut, b)
		}
	})
}
