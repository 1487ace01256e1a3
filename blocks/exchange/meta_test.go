package exchange_test

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Metaservices need no grant, reach over to other nodes, and leave a trace and
// evidence as every message does.
func TestMetaservicesBetweenNodes(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	ask := func(service, query string) (exchange.Answer, error) {
		id := population
		id.Service = service
		return n.asking.Call(t.Context(), exchange.Call{Client: civil, Service: id, Query: query, Purpose: purpose})
	}
	got, err := ask("listMethods", "")
	ok(t, err)
	if !strings.Contains(string(got.Body), `"service_code":"population"`) || got.ContentType != "application/json" {
		t.Errorf("listMethods: %s", got.Body)
	}
	if e, err := n.answering.Evidence(t.Context(), got.MessageID); err != nil || len(e) != 1 || len(got.Events) != 1 {
		t.Errorf("evidence %v, events %v, %v", e, got.Events, err)
	}
	if got, err = ask("allowedMethods", ""); err != nil || string(got.Body) != `{"service":[]}` {
		t.Errorf("allowedMethods without a grant: %s %v", got.Body, err)
	}
	n.answering.grant(t)
	if got, err = ask("allowedMethods", ""); err != nil || !strings.Contains(string(got.Body), "population") {
		t.Errorf("allowedMethods: %s %v", got.Body, err)
	}
	if got, err = ask("getOpenAPI", "SERVICEcode=population"); err != nil || !strings.Contains(string(got.Body), "openapi") {
		t.Errorf("getOpenAPI: %s %v", got.Body, err)
	}
	if _, err = ask("getOpenAPI", ""); errs.CodeOf(err) != "exchange.metaservice" {
		t.Errorf("getOpenAPI without a code: %v", err)
	}
	if n.answering.provider.count() != 0 {
		t.Error("the provider was asked")
	}
}
