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
