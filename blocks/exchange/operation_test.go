package exchange_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func TestOperationsUnderXRoadsNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t0 := w.clock.Now()
	at := func(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }
	answered := exchange.Operation{
		Client: civil, Service: population, Method: "GET", Path: "/records/" + person, MessageID: "m-1", UserID: "EE" + person,
		RequestIn: at(0), RequestOut: at(2), ResponseIn: at(12), ResponseOut: at(15), RequestSize: 10, ResponseSize: 2000, Status: 200,
	}
	w.Observe(answered)
	refused := answered
	refused.RequestOut, refused.ResponseIn, refused.Status = time.Time{}, time.Time{}, 0
	refused.Err = errs.New(errs.Forbidden, "exchange.no_grant")
	w.Observe(refused)
	failed := answered
	failed.Err, failed.Status = errs.New(errs.Unavailable, "exchange.provider_failed").Wrap(errs.New(errs.Unavailable, "exchange.provider_timeout")), 0
	w.Observe(failed)
	own := answered
	own.Status, own.Err = 0, errs.New(errs.NotFound, "registers.no_record")
	w.Observe(own)
	w.Observe(exchange.Operation{Client: civil, Service: exchange.ServiceID{SubsystemID: population.SubsystemID, Service: "listMethods"}, Method: "GET",
		RequestIn: at(20), ResponseOut: at(21), Status: 200, Metaservice: true})
	w.Observe(exchange.Operation{Client: exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "bank", Subsystem: "loans"},
		Service: exchange.ServiceID{SubsystemID: civil, Service: "x"}, Method: "POST", RequestIn: at(30), Err: errors.New("boom"), ResponseOut: at(31)})

	operator := auth.Principal{Level: auth.Substantial, Officer: "root", Roles: []string{auth.RoleOperator}}
	list := func(p auth.Principal, query string) (page struct {
		Records         []map[string]any
		NextRecordsFrom int64
	}) {
		got := w.door(t, p, "GET", "/api/exchange/operations"+query, "")
		if !strings.HasPrefix(got, "200") {
			t.Fatalf("%s: %s", query, got)
		}
		if strings.Contains(got, person) {
			t.Errorf("a person is in it: %s", got)
		}
		ok(t, json.Unmarshal([]byte(got[4:]), &page))
		return page
	}
	all := list(operator, "")
	if len(all.Records) != 6 || all.NextRecordsFrom != 0 {
		t.Fatalf("%+v", all)
	}
	want := map[string]any{
		"monitoringDataTs": float64(at(15).Unix()), "securityServerType": "Client", "requestInTs": float64(t0.UnixMilli()), "requestOutTs": float64(at(2).UnixMilli()),
		"responseInTs": float64(at(12).UnixMilli()), "responseOutTs": float64(at(15).UnixMilli()), "clientXRoadInstance": "VN", "clientMemberClass": "GOV", "clientMemberCode": "MOJ",
		"clientSubsystemCode": "civil-status", "serviceXRoadInstance": "VN", "serviceMemberClass": "GOV", "serviceMemberCode": "MPS", "serviceSubsystemCode": "population",
		"serviceCode": "population", "serviceType": "OPENAPI3", "restMethod": "GET", "messageId": "m-1", "messageUserId": w.keys.Pseudonym("EE" + person),
		"messageProtocolVersion": "1", "requestSize": 10.0, "responseSize": 2000.0, "succeeded": true, "statusCode": 200.0, "xRoadVersion": "7.8",
	}
	if !reflect.DeepEqual(all.Records[0], want) {
		t.Errorf("\n%v, want\n%v", all.Records[0], want)
	}
	for i, code := range []any{nil, "server.serverproxy.access_denied", "server.serverproxy.service_failed.network_error", "registers.no_record", nil, "server.clientproxy.internal_error"} {
		if r := all.Records[i]; r["faultCode"] != code || r["succeeded"] != (code == nil) {
			t.Errorf("%d: %v", i, r)
		}
	}
	if m := all.Records[4]; m["requestOutTs"] != m["requestInTs"] || m["responseInTs"] != m["responseOutTs"] {
		t.Errorf("a metaservice: %v", m)
	}

	auditor := func(member string) auth.Principal {
		return auth.Principal{Level: auth.Substantial, Officer: "a", Member: member, Roles: []string{exchange.RoleLog}}
	}
	for member, n := range map[string]int{"GOV/MPS": 5, "COM/bank": 1, "GOV/MOJ": 6, "GOV/M": 0} {
		if got := list(auditor(member), ""); len(got.Records) != n {
			t.Errorf("%s sees %d records, want %d", member, len(got.Records), n)
		}
	}
	if got := list(operator, "?client=VN/COM/bank/loans"); len(got.Records) != 1 {
		t.Errorf("by client: %+v", got)
	}
	if got := list(operator, fmt.Sprintf("?from=%d", t0.Unix()+1)); len(got.Records) != 0 {
		t.Errorf("later: %+v", got)
	}
	for _, p := range []auth.Principal{{}, {Number: person, Level: auth.High}, grantsOfficer("GOV/MPS")} {
		if got := w.door(t, p, "GET", "/api/exchange/operations", ""); !strings.HasPrefix(got, "400") {
			t.Errorf("%+v: %s", p, got)
		}
	}
	if got := w.door(t, operator, "GET", "/api/exchange/operations?from=yesterday", ""); !strings.Contains(got, "exchange.bad_seconds") {
		t.Error(got)
	}

	reg := prometheus.NewPedanticRegistry()
	ok(t, reg.Register(w.Figures()))
	err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP dinh_exchange_requests_total Exchanges by side, outcome (answered, failed, refused) and service.
# TYPE dinh_exchange_requests_total counter
dinh_exchange_requests_total{outcome="answered",service="VN/GOV/MPS/population/population",side="Client"} 1
dinh_exchange_requests_total{outcome="answered",service="other",side="Client"} 1
dinh_exchange_requests_total{outcome="failed",service="VN/GOV/MPS/population/population",side="Client"} 2
dinh_exchange_requests_total{outcome="refused",service="VN/GOV/MPS/population/population",side="Client"} 1
dinh_exchange_requests_total{outcome="refused",service="other",side="Client"} 1
# HELP dinh_exchange_faults_total Exchanges that X-Road clients were told of an error for, by side and X-Road's code of it.
# TYPE dinh_exchange_faults_total counter
dinh_exchange_faults_total{code="server.clientproxy.internal_error",side="Client"} 1
dinh_exchange_faults_total{code="server.serverproxy.access_denied",side="Client"} 1
dinh_exchange_faults_total{code="server.serverproxy.service_failed.network_error",side="Client"} 1
`), "dinh_exchange_requests_total", "dinh_exchange_faults_total")
	ok(t, err)
}

// A gateway that only asks counts the services of others by name too, once their
// provider has answered.
func TestServicesOfOtherNodesAreCounted(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	n.answering.grant(t)
	nothing := func(c *exchange.Call) { c.Service.Service = "nothing" }
	meta := func(c *exchange.Call) { c.Service.Service, c.Method, c.Path, c.Body = "listMethods", "GET", "", nil }
	for _, change := range []func(*exchange.Call){nothing, func(*exchange.Call) {}, meta} {
		_, _ = n.asking.Call(t.Context(), search(change))
	}
	reg := prometheus.NewPedanticRegistry()
	ok(t, reg.Register(n.asking.Figures()))
	ok(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP dinh_exchange_requests_total Exchanges by side, outcome (answered, failed, refused) and service.
# TYPE dinh_exchange_requests_total counter
dinh_exchange_requests_total{outcome="answered",service="VN/GOV/MPS/population/population",side="Client"} 1
dinh_exchange_requests_total{outcome="answered",service="other",side="Client"} 1
dinh_exchange_requests_total{outcome="failed",service="other",side="Client"} 1
`), "dinh_exchange_requests_total"))
}

func TestRecordsArePagedBetweenSeconds(t *testing.T) {
	t.Parallel()
	r := opmon.NewRing()
	for i := range opmon.Kept + 500 { // 700 a second
		r.Add(opmon.Record{MonitoringDataTs: int64(i / 700), MessageID: fmt.Sprint(i)})
	}
	all := func(*opmon.Record) bool { return true }
	seen, from := 500, int64(0)
	for pages := 1; ; pages++ {
		p := r.Between(from, 1<<40, all)
		if p.Overwritten != 500 || len(p.Records) > opmon.MaxPage+700 || pages > 5 {
			t.Fatalf("page %d: %d records, %d overwritten", pages, len(p.Records), p.Overwritten)
		}
		for _, rec := range p.Records {
			if rec.MessageID != fmt.Sprint(seen) {
				t.Fatalf("record %s, want %d", rec.MessageID, seen)
			}
			seen++
		}
		if from = p.NextRecordsFrom; from == 0 {
			break
		}
	}
	if seen != opmon.Kept+500 {
		t.Errorf("%d records seen", seen)
	}
	// A clock that goes back hides nothing.
	r.Add(opmon.Record{MonitoringDataTs: 3, MessageID: "late"})
	if p := r.Between(int64(opmon.Kept/700), 1<<40, all); p.Records[len(p.Records)-1].MessageID != "late" {
		t.Error("the newest record is not the last")
	}
}

// Strangers' names make no series.
func TestFiguresAreBounded(t *testing.T) {
	t.Parallel()
	f := opmon.NewFigures()
	for i := range 2000 {
		f.Observe(&opmon.Record{SecurityServerType: opmon.Client}, exchange.OutcomeAnswered, fmt.Sprint("service ", i), true)
		f.Fault(&opmon.Record{SecurityServerType: opmon.Client, FaultCode: fmt.Sprint("code ", i)})
	}
	f.Observe(&opmon.Record{SecurityServerType: opmon.Client}, exchange.OutcomeRefused, "nobody's", false)
	f.Observe(&opmon.Record{SecurityServerType: opmon.Client}, exchange.OutcomeRefused, "service 1", false)
	for name, want := range map[string]int{"dinh_exchange_requests_total": 501 + 2, "dinh_exchange_faults_total": 501} {
		if n := testutil.CollectAndCount(f, name); n != want {
			t.Errorf("%s: %d series, want %d", name, n, want)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	w := newWorld(b)
	o := exchange.Operation{Client: civil, Service: population, Method: "GET", Path: "/records/1", MessageID: "m", RequestIn: w.clock.Now(), RequestOut: w.clock.Now(), ResponseIn: w.clock.Now(), ResponseOut: w.clock.Now(), Status: 200}
	b.ReportAllocs()
	for b.Loop() {
		w.Observe(o)
	}
}
