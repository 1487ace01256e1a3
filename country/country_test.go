package country_test

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange/broker"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/calendar"
)

func loadServices(t *testing.T) []*services.Service {
	t.Helper()
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
	return all
}

// loadRegisters gives the registers by the address of their service.
func loadRegisters(t *testing.T) map[string]*registers.Definition {
	t.Helper()
	defs, err := registers.Load(country.Registers())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*registers.Definition{}
	for _, d := range defs {
		out[d.Member+"/"+d.Subsystem+"/"+d.ServiceCode()] = d
	}
	return out
}

func TestServicesLintAndKeepTheirTests(t *testing.T) {
	for _, s := range loadServices(t) {
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

func TestFilesLoad(t *testing.T) {
	if instance, members, err := country.Members(); err != nil || instance != "VN" || len(members) != 7 {
		t.Errorf("members: %s, %d, %v", instance, len(members), err)
	}
	if _, err := country.Grants(); err != nil {
		t.Error(err)
	}
	if _, err := country.LifeEvents(); err != nil {
		t.Error(err)
	}
	data, err := country.Calendar()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := calendar.Parse(data); err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat(country.FS(), "members.yaml"); err != nil {
		t.Error(err)
	}
}

// A register belongs to a subsystem that exists.
func TestRegistersHaveOwners(t *testing.T) {
	_, members, err := country.Members()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range members {
		for _, s := range m.Subsystems {
			known[m.ID()+"/"+s.Code] = true
		}
	}
	for address, d := range loadRegisters(t) {
		if !known[d.Member+"/"+d.Subsystem] {
			t.Errorf("%s: nobody owns it", address)
		}
		for _, f := range d.Fields() {
			if l := d.Label(f); l.VI == f || l.EN == "" {
				t.Errorf("%s: field %s has no x-title in both languages", address, f)
			}
		}
	}
}

// Evidence and writes name fields that the registers have, may look up by and need.
func TestServicesFitTheRegisters(t *testing.T) {
	regs := loadRegisters(t)
	top := func(d *registers.Definition) map[string]bool {
		out := map[string]bool{}
		for _, f := range d.Fields() {
			name, _, _ := strings.Cut(f, ".")
			out[name] = true
		}
		return out
	}
	for _, s := range loadServices(t) {
		for _, e := range s.Evidence {
			d := regs[e.From]
			if d == nil {
				t.Errorf("%s: evidence %s: no register %s", s.ID, e.ID, e.From)
				continue
			}
			for f := range e.Where {
				if !slices.Contains(d.Index, f) {
					t.Errorf("%s: evidence %s: %s cannot be asked for by %s", s.ID, e.ID, e.From, f)
				}
			}
			for _, f := range e.Fields {
				if !top(d)[f] {
					t.Errorf("%s: evidence %s: %s has no field %s", s.ID, e.ID, e.From, f)
				}
			}
		}
		for _, w := range s.Writes {
			d := regs[w.To]
			if d == nil {
				t.Errorf("%s: write %s: no register %s", s.ID, w.ID, w.To)
				continue
			}
			for f := range w.Data {
				if !top(d)[f] {
					t.Errorf("%s: write %s: %s has no field %s", s.ID, w.ID, w.To, f)
				}
			}
			required, _ := d.Schema["required"].([]any)
			for _, f := range required {
				given := d.Assign != nil && d.Assign.Field == f
				if _, ok := w.Data[f.(string)]; !ok && !given && w.Op == "create" {
					t.Errorf("%s: write %s leaves out %s, which %s needs", s.ID, w.ID, f, w.To)
				}
			}
		}
	}
}

// TestGrantsAreExactlyWhatIsNeeded keeps rights from growing: what no service
// asks for is not granted, and what one asks for is.
func TestGrantsAreExactlyWhatIsNeeded(t *testing.T) {
	grants, err := country.Grants()
	if err != nil {
		t.Fatal(err)
	}
	type right struct{ client, service, operation, purpose string }
	given := map[right]country.Grant{}
	for _, g := range grants {
		if g.Client == "GOV/MPS/identity" {
			continue // asked by signing in, not by a service
		}
		for _, op := range g.Operations {
			given[right{g.Client, g.Service, op, g.Purpose}] = g
		}
	}
	for _, s := range loadServices(t) {
		client := s.Owner.Member + "/" + s.Owner.Subsystem
		need, where := map[right][]string{}, map[right][]string{}
		for _, e := range s.Evidence {
			r := right{client, e.From, "search", e.Purpose}
			need[r], where[r] = e.Fields, slices.Collect(maps.Keys(e.Where))
		}
		for _, w := range s.Writes {
			need[right{client, w.To, w.Op, w.Purpose}] = slices.Collect(maps.Keys(w.Data))
		}
		for r, fields := range need {
			granted, ok := given[r]
			if !ok {
				t.Errorf("%s needs a grant: %+v", s.ID, r)
				continue
			}
			for _, f := range fields {
				if !slices.Contains(granted.Fields, f) && !slices.Contains(granted.Fields, "*") {
					t.Errorf("%s needs the field %s in the grant %+v", s.ID, f, r)
				}
			}
			for _, f := range where[r] {
				if !slices.Contains(granted.Fields, f) && !slices.Contains(granted.Match, f) {
					t.Errorf("%s needs to search by %s under the grant %+v", s.ID, f, r)
				}
			}
			if r.operation == "search" && len(granted.Fields) != len(fields) {
				t.Errorf("%s: the grant %+v gives more than is asked: %v", s.ID, r, granted.Fields)
			}
			delete(given, r)
		}
	}
	for _, s := range loadServices(t) {
		if s.Pack == nil {
			continue
		}
		for _, id := range s.Pack.Papers {
			e := evidence(t, id)
			for r, consent := range map[right]bool{
				{s.Owner.Member + "/" + s.Owner.Subsystem, e.Service, "search", s.Pack.Purpose}: true,
				{"GOV/MPS/portal", e.Service, "search", broker.PurposePreview}:                  false,
			} {
				g, ok := given[r]
				if !ok || g.Consent != consent || !slices.Equal(g.Fields, e.Fields) || !slices.Equal(g.Match, e.By) {
					t.Errorf("%s needs a grant %+v of %v by %v, with consent: %v; there is %+v", s.ID, r, e.Fields, e.By, consent, g)
				}
				delete(given, r)
			}
		}
	}
	for r := range given {
		t.Errorf("nobody needs the grant %+v", r)
	}
}

// evidence is what meets a requirement.
func evidence(t *testing.T, requirement string) broker.Evidence {
	t.Helper()
	text, err := country.Requirements()
	if err != nil {
		t.Fatal(err)
	}
	all, err := broker.Load(country.RequirementsFile, text)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(r broker.Requirement) bool { return r.ID == requirement })
	if i < 0 {
		t.Fatalf("requirements.yaml has no %s", requirement)
	}
	return all[i].Evidence[0]
}

func TestPurposesAndLifeEventsMeetTheServices(t *testing.T) {
	purposes, err := country.Purposes()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range purposes {
		known[p.ID] = true
	}
	events, err := country.LifeEvents()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range loadServices(t) {
		for _, e := range s.Evidence {
			if !known[e.Purpose] {
				t.Errorf("%s: evidence %s: purpose %s is not in purposes.yaml", s.ID, e.ID, e.Purpose)
			}
		}
		for _, w := range s.Writes {
			if !known[w.Purpose] {
				t.Errorf("%s: write %s: purpose %s is not in purposes.yaml", s.ID, w.ID, w.Purpose)
			}
		}
		i := slices.IndexFunc(events, func(e country.LifeEvent) bool { return e.ID == s.LifeEvent })
		if i < 0 || !slices.Contains(events[i].Services, s.ID) {
			t.Errorf("%s: life event %q does not list it", s.ID, s.LifeEvent)
		}
	}
}
