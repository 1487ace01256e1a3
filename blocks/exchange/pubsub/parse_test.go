package pubsub

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"/r1/VN/GOV/MOJ/civil-status/api/v1/eventType", "/r1/VN/GOV/MOJ/civil-status/pull/v1/x/y", "/r1/VN/GOV/MOJ/a%2Fb/pub/v1/x",
		"/r1/VN/GOV/MOJ/../pub/v1/x", "/r1/////pub/v1/x", "/r1/VN/GOV/MOJ/s/api/v1/subs/%E1%BA%A5",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := parse(s)
		if !ok {
			return
		}
		if a.room.IsZero() || strings.ContainsAny(a.eventType+a.eventID+a.room.Subsystem, "/\x00") || strings.Count(s, "/") < 8 {
			t.Errorf("%q was read as %+v", s, a)
		}
	})
}

func FuzzSubjectPath(f *testing.F) {
	f.Add("$.child.number", `{"child":{"number":"1"}}`)
	f.Add("$.people[*].number", `{"people":[{"number":"1"},{"number":2}]}`)
	f.Add("$[*]", `["1"]`)
	f.Add("$.a[*][*].b", `{"a":[[{"b":"x"}]]}`)
	f.Fuzz(func(t *testing.T, path, event string) {
		p, err := parseSubjectPath(path)
		if err != nil {
			return
		}
		numbers, err := p.find(json.RawMessage(event))
		if path != "" && err == nil && len(numbers) == 0 {
			t.Errorf("%q found nobody in %s and let it pass", path, event)
		}
		for _, n := range numbers {
			if strings.TrimSpace(n) == "" {
				t.Errorf("%q found a blank number", path)
			}
		}
	})
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"type":"integer"}}}`, `{"a":1}`)
	f.Add(`{"$ref":"#"}`, `{}`)
	f.Add(`{"type":"object","pattern":"(a+)+$"}`, `{"a":1,"a":2}`)
	f.Add(`{"allOf":[{"$ref":"#/definitions/a"}],"definitions":{"a":{"$ref":"#/definitions/a"}}}`, `{}`)
	f.Fuzz(func(t *testing.T, schema, event string) {
		typ := EventType{EventType: "x", Schema: json.RawMessage(schema)}
		got, err := typ.accept(json.RawMessage(event))
		if err != nil {
			return
		}
		if again, err := once(got); err != nil || string(again) != string(got) {
			t.Errorf("%s became %s and then %s", event, got, again)
		}
	})
}

func TestSubjectsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, event string
		want        int // people; -1: refused
	}{
		{"", `{"a":1}`, 0},
		{"$.a", `{"a":"1"}`, 1},
		{"$.a", `{"a":1}`, -1},
		{"$.a", `{}`, -1},
		{"$.a[*].n", `{"a":[{"n":"1"},{"n":"2"}]}`, 2},
		{"$.a[*].n", `{"a":[{"n":"1"},{}]}`, -1},
		{"$.a[*].n", `{"a":[]}`, -1},
		{"$.a[*]", `{"a":["1","2"]}`, 2},
		{"$.a[*]", `{"a":{"b":"1"}}`, -1},
		{"$.a[*]", `{"a":["1"` + strings.Repeat(`,"2"`, 1000) + `]}`, -1},
	} {
		p, err := parseSubjectPath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.find(json.RawMessage(c.event))
		if n := len(got); err != nil && c.want != -1 || err == nil && n != c.want {
			t.Errorf("%s in %.40s: %v, %v, want %d", c.path, c.event, got, err, c.want)
		}
	}
	for _, bad := range []string{"$", "a", "$a", "$.", "$..a", "$.a[0]", "$.a['b']", "$[*]", "$.a b", "$." + strings.Repeat("x", 300), "$" + strings.Repeat(".a", 17)} {
		if _, err := parseSubjectPath(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
