package pubsub_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

const prefix = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}"

// operations lists what a document describes: "GET /pull/v1/{eventType}".
func operations(doc *openapi3.T) (out []string) {
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			out = append(out, method+" "+strings.TrimPrefix(path, prefix))
		}
	}
	slices.Sort(out)
	return out
}

func TestContractIsValid(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	ok(t, err)
	ok(t, doc.Validate(t.Context()))
	if n := len(operations(doc)); n != 14 {
		t.Errorf("%d operations", n)
	}
}

// GovStack's own document, where it is at hand, describes the same operations,
// and what we answer fits its schemas. It is GovStack_IM_PubSub_API.yaml of
// github.com/GovStackWorkingGroup/bb-information-mediator at commit
// 44524920d20b55b7b8fa5d6ec10cb6beef1f2862; DINH_GOVSTACK_PUBSUB names the file.
func TestAnswersFitGovStacksDocument(t *testing.T) {
	t.Parallel()
	file := os.Getenv("DINH_GOVSTACK_PUBSUB")
	if file == "" {
		t.Skip("DINH_GOVSTACK_PUBSUB names no document")
	}
	theirs, err := openapi3.NewLoader().LoadFromFile(file)
	ok(t, err)
	ours, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	ok(t, err)
	if a, b := operations(ours), operations(theirs); !slices.Equal(a, b) {
		t.Fatalf("operations\n%v\nGovStack's\n%v", a, b)
	}
	w := newWorld(t)
	w.birthType(t, police)
	rc := w.receiver(t, police)
	fits := func(schema, body string) {
		t.Helper()
		var v any
		ok(t, json.Unmarshal([]byte(body), &v))
		s := theirs.Components.Schemas[schema].Value
		items := []any{v}
		if list, isList := v.([]any); isList {
			items = list
		}
		for _, item := range items {
			if err := s.VisitJSON(item); err != nil {
				t.Errorf("%s: %v\n%s", schema, err, body)
			}
		}
	}
	fits("SubscriptionItem", w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"PULL"}`, "X-Dinh-Purpose", purpose).want(t, 200).body)
	fits("SubscriptionItem", w.do(t, police, "GET", base+"/api/v1/subs", "").want(t, 200).body)
	fits("EventType", w.do(t, police, "GET", base+"/api/v1/eventType/newBirth", "").want(t, 200).body)
	published := w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201).body
	fits("PublishEventResult", published)
	fits("EventItem", w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 200).body)
	var made struct{ ID string }
	ok(t, json.Unmarshal([]byte(published), &made))
	fits("EventItem", w.do(t, room, "GET", base+"/pub/v1/newBirth/"+made.ID, "").want(t, 200).body)
	fits("SubscriptionItem", w.do(t, police, "PATCH", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"PUSH"}`).want(t, 201).body)
	w.drain(t)
	fits("EventItem", string(rc.all()[0].body))
}
