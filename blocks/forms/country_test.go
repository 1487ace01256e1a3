package forms_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/country"
)

// TestTheCountrysServices goes through every real definition as the people of
// its own examples would: page after page, to the dossier code.
func TestTheCountrysServices(t *testing.T) {
	t.Parallel()
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
		for _, example := range s.Tests {
			if len(example.Given.Answers) == 0 || example.Expect.Stopped != "" || len(example.Expect.Invalid) > 0 {
				continue
			}
			t.Run(s.ID+"/"+example.Name, func(t *testing.T) {
				t.Parallel()
				apply(t, s, example)
			})
		}
	}
}

func apply(t *testing.T, s *services.Service, example services.Test) {
	h := houseOf(t, s)
	h.registers.world = example.Given.Data
	if h.registers.world == nil {
		h.registers.world = map[string]any{}
	}
	day, err := time.Parse(time.DateOnly, example.Given.Today)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Set(day.Add(3 * time.Hour))
	number, _ := example.Given.Applicant["number"].(string)
	v := h.as(number)
	st := services.State{Applicant: example.Given.Applicant, Data: example.Given.Data, Answers: example.Given.Answers, Today: example.Given.Today}
	given := s.Prune(st)
	r := v.post("/services/"+s.ID+"/start", nil)
	app := r.to
	at := app
	for range 30 {
		page := h.want(v.get(at), http.StatusOK)
		if strings.Contains(page.body, "⟦") {
			t.Fatalf("%s lacks a message", at)
		}
		switch {
		case at == app:
			at = app + "/p/" + between(page.body, `href="`+app+`/p/`, `"`)
		case at == app+"/check":
			h.leads(v.post(app+"/submit", url.Values{"consent": {"yes"}}), app+"/done")
			if got := h.office.opened[idOf(app)]; len(got.State.Answers) != len(given) {
				t.Errorf("sent %v, want %v", got.State.Answers, given)
			}
			return
		default:
			p, _ := s.Page(strings.TrimPrefix(at, app+"/p/"))
			values, files := posting(p, given)
			sent := h.want(v.send(at, values, files...), http.StatusSeeOther)
			if sent.to == at {
				t.Fatalf("%s is never done", at)
			}
			at = sent.to
		}
	}
	t.Fatal("going in circles")
}

// posting is what a person would put into the inputs of p.
func posting(p services.Page, given map[string]any) (url.Values, []file) {
	values := url.Values{}
	var files []file
	for _, f := range p.Fields {
		v, ok := given[f.ID]
		if !ok {
			continue
		}
		switch f.Type {
		case services.TypeFile:
			files = append(files, file{f.ID, "anh.jpg", jpegPhoto(900, 1200)})
		case services.TypeDate:
			d := strings.Split(v.(string), "-")
			values.Set(f.ID+"-year", d[0])
			values.Set(f.ID+"-month", d[1])
			values.Set(f.ID+"-day", d[2])
		case services.TypeYesNo, services.TypeDeclaration:
			b, _ := strconv.ParseBool(fmt.Sprint(v))
			values.Set(f.ID, map[bool]string{true: "yes", false: "no"}[b])
		case services.TypeCheckboxes:
			for _, o := range v.([]any) {
				values.Add(f.ID, fmt.Sprint(o))
			}
		default:
			values.Set(f.ID, fmt.Sprint(v))
		}
	}
	return values, files
}
