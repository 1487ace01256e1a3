package main

import (
	"strings"
	"testing"
)

func TestGroupCommands(t *testing.T) {
	t.Parallel()
	data, _ := central(t)
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"add", "GOV/MPS/hospitals"}, "Correct the fields named"},
		{[]string{"add", "GOV/MPS/hospitals", "VN/GOV/MPS/population"}, "There is no group GOV/MPS/hospitals"},
		{[]string{"add", "GOV/MPS/hospitals", "--vi", "Bệnh viện", "--en", "Hospitals"}, ""},
		{[]string{"add", "GOV/MPS/hospitals", "VN/GOV/MPS/population"}, ""},
		{[]string{"add", "GOV/MPS/hospitals", "VN/GOV/XXX/nothing"}, "is not on the exchange"},
		{[]string{"add", "GOV/MPS/hospitals", "population"}, "VN/GOV/"},
		{[]string{"list"}, "Bệnh viện  1"},
		{[]string{"members", "GOV/MPS/hospitals"}, "VN/GOV/MPS/population\n"},
		{[]string{"members", "nothing"}, "there is no group nothing"},
		{[]string{"remove", "GOV/MPS/hospitals", "VN/GOV/MPS/population"}, ""},
		{[]string{"members", "GOV/MPS/hospitals"}, ""},
		{[]string{"remove", "GOV/MPS/hospitals"}, ""},
		{[]string{"remove", "GOV/MPS/hospitals"}, "There is no group"},
	} {
		got := told(t, append(append([]string{"group"}, step.args...), "--data", data)...)
		if step.want == "" && got != "" || !strings.Contains(got, step.want) {
			t.Errorf("%v: %q, want %q", step.args, got, step.want)
		}
	}
}

// A grant to a group, at one address, of some records.
func TestGrantIsNarrowedByCommand(t *testing.T) {
	t.Parallel()
	data, _ := central(t)
	if got := told(t, "group", "add", "GOV/MPS/hospitals", "VN/GOV/MOJ/civil-status", "--vi", "Bệnh viện", "--en", "Hospitals", "--data", data); got != "" {
		t.Fatal(got)
	}
	add := func(more ...string) string {
		return told(t, append([]string{"grant", "add", "--data", data, "--service", "VN/GOV/MPS/population/population", "--may", "read",
			"--field", "full_name", "--purpose", "birth-registration", "--legal-basis", "Luật Hộ tịch 2014, Điều 58"}, more...)...)
	}
	for _, tt := range []struct {
		more []string
		want string
	}{
		{nil, "--client"},
		{[]string{"--group", "GOV/MPS/nothing"}, "There is no group"},
		{[]string{"--group", "GOV/MPS/hospitals", "--at", "/records/*"}, "write a method and a path"},
		{[]string{"--group", "GOV/MPS/hospitals", "--only", "sex"}, "write a field once"},
		{[]string{"--group", "GOV/MPS/hospitals", "--at", "GET /records/*", "--only", "full_name=An|Bình"}, "GOV/MPS/hospitals may read"},
	} {
		if got := add(tt.more...); !strings.Contains(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.more, got, tt.want)
		}
	}
	if list := told(t, "grant", "list", "--data", data); !strings.Contains(list, "GET /records/*, full_name=An|Bình") {
		t.Error(list)
	}
	if got := told(t, "group", "remove", "GOV/MPS/hospitals", "--data", data); !strings.Contains(got, "still has grants") {
		t.Error(got)
	}
}
