package country_test

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/country"
)

func TestServicesLintAndKeepTheirTests(t *testing.T) {
	data, err := country.Codes()
	if err != nil {
		t.Fatal(err)
	}
	codes, err := services.LoadCodes(country.CodesFile, data)
	if err != nil {
		t.Fatal(err)
	}
	all, err := services.Load(country.Services(), codes)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, f := range s.Lint() {
			t.Error(f)
		}
		for _, r := range services.RunTests(s) {
			if !r.Passed() {
				t.Errorf("%s: %s:\n  %s\n  what happened:\n  %s", s.ID, r.Name, strings.Join(r.Failures, "\n  "), strings.Join(r.Trace, "\n  "))
			}
		}
	}
}

func TestRegisters(t *testing.T) {
	if _, err := registers.Load(country.Registers()); err != nil {
		t.Fatal(err)
	}
}
