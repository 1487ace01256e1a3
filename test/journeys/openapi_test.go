package journeys

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// outside are doors that no block's OpenAPI document describes, and why.
var outside = map[string]string{
	"/static/":             "files of the pages",
	"/healthz":             "for the machine that watches the house",
	"/metrics":             "Prometheus's own format",
	"/ledger/checkpoint":   "c2sp.org/tlog-tiles",
	"/ledger/checkpoint/":  "a checkpoint with cosignatures, as c2sp.org/tlog-checkpoint",
	"/ledger/tile/":        "c2sp.org/tlog-tiles",
	"/witness/":            "c2sp.org/tlog-witness",
	"/ocsp":                "RFC 6960, in DER",
	"/ocsp/":               "RFC 6960, in DER",
	"/ca.crl":              "RFC 5280, in DER",
	"/ledger/verifier-key": "c2sp.org/signed-note",
	"/ledger/timestamp":    "RFC 3161, in DER",
	"/ledger/timestamp/":   "a checkpoint, as c2sp.org/tlog-checkpoint",
	"/tsa":                 "RFC 3161 over HTTP (section 3.4)",
	"/ca.pem":              "a certificate",
	"/r1/":                 "X-Road's message protocol for REST",
	"/listClients":         "X-Road's metaservice",
	"/asic":                "X-Road's download of signed documents",
	"/verificationconf":    "X-Road's configuration, for verifiers",
	"/internalconf":        "X-Road's configuration, for its tools",
	"/internalconf/":       "X-Road's configuration, for its tools",
}

func isOutside(path string) bool {
	for prefix := range outside {
		if path == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// contracts reads every block's OpenAPI document, by file.
func contracts(t *testing.T) map[string]*openapi3.T {
	t.Helper()
	files, err := filepath.Glob("../../blocks/*/openapi.yaml")
	deeper, deeperErr := filepath.Glob("../../blocks/*/*/openapi.yaml")
	files, err = append(files, deeper...), errors.Join(err, deeperErr)
	if err != nil || len(files) == 0 {
		t.Fatal("no OpenAPI documents", err)
	}
	parts, err := filepath.Glob("../../blocks/*/*/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, parts...)
	out := map[string]*openapi3.T{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		out[f] = doc
	}
	return out
}

// TestContractsAreTrue holds the documents to the doors, and the doors to the
// documents.
func TestContractsAreTrue(t *testing.T) {
	t.Parallel()
	described := map[string]string{}
	for file, doc := range contracts(t) {
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				if other := described[method+" "+path]; other != "" {
					t.Errorf("%s %s stands in %s and in %s", method, path, other, file)
				}
				described[method+" "+path] = file
			}
		}
	}
	doors := map[string]bool{}
	for _, r := range shared(t).Routes() {
		if r.Page || isOutside(r.Path) {
			continue
		}
		name := r.Method + " " + r.Path
		doors[name] = true
		if described[name] == "" {
			t.Errorf("%s stands in no block's openapi.yaml", name)
		}
	}
	for name, file := range described {
		if _, path, _ := strings.Cut(name, " "); !doors[name] && !isOutside(path) {
			t.Errorf("%s describes %s, which is no door", file, name)
		}
	}
	if len(described) == 0 || len(doors) == 0 {
		t.Error("nothing was compared")
	}
}

// TestContractsAreValid checks the documents themselves.
func TestContractsAreValid(t *testing.T) {
	t.Parallel()
	for file, doc := range contracts(t) {
		if err := doc.Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		ids := map[string]bool{}
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				at := file + ": " + method + " " + path
				if op.OperationID == "" || ids[op.OperationID] {
					t.Errorf("%s: operationId %q must be there once", at, op.OperationID)
				}
				ids[op.OperationID] = true
				if op.Summary == "" {
					t.Errorf("%s has no summary", at)
				}
				named := []string{}
				for _, p := range slices.Concat(item.Parameters, op.Parameters) {
					if p.Value != nil && p.Value.In == "path" {
						named = append(named, p.Value.Name)
					}
				}
				for _, part := range strings.Split(path, "/") {
					if name, ok := strings.CutPrefix(part, "{"); ok && !slices.Contains(named, strings.TrimSuffix(name, "}")) {
						t.Errorf("%s does not describe %s", at, part)
					}
				}
			}
		}
	}
}
