package services_test

import (
	"os"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/services"
)

func codes(t testing.TB) services.Codes {
	t.Helper()
	data, err := os.ReadFile("testdata/codes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := services.LoadCodes("testdata/codes.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func birth(t testing.TB) *services.Service {
	t.Helper()
	all, err := services.Load(os.DirFS("testdata/services"), codes(t))
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func birthYAML(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/services/birth.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// stateOf gives the world of an author test.
func stateOf(s *services.Service, test int) services.State {
	g := s.Tests[test].Given
	return services.State{Applicant: g.Applicant, Data: g.Data, Answers: g.Answers, Today: g.Today}
}

func TestTheExampleLintsAndKeepsItsTests(t *testing.T) {
	s := birth(t)
	for _, f := range s.Lint() {
		t.Error(f)
	}
	for _, r := range services.RunTests(s) {
		if !r.Passed() {
			t.Errorf("%s:\n  %s\ntrace:\n  %s", r.Name, strings.Join(r.Failures, "\n  "), strings.Join(r.Trace, "\n  "))
		}
	}
}
