package play

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// SignIn enters as one of the sample people or officers of a demonstration.
func (b *Browser) SignIn(ctx context.Context, sample string) error {
	_, err := b.Submit(ctx, &Form{Action: "/sign-in/demo", Method: "post", Values: url.Values{"sample": {sample}}}, nil, nil)
	return err
}

// Name is who is signed in, as the header of every page says.
func (b *Browser) Name(ctx context.Context) (string, error) {
	page, err := b.Get(ctx, "/applications")
	if err != nil {
		return "", err
	}
	return page.Class("dinh-account__name"), nil
}

// Application is what a person has handed in.
type Application struct {
	ID   string
	Code string // dossier code
}

// Answers are what a person types, by field id. Dates are YYYY-MM-DD, several
// choices are separated by commas.
type Answers map[string]string

var (
	applicationID = regexp.MustCompile(`/apply/([0-9a-f-]{36})`)
	dossierCode   = regexp.MustCompile(`[A-Z][0-9]{2}(?:\.[0-9]{2})+-[0-9]{6}-[0-9]{4,}`)
)

// WrongAnswers is a page that did not take what was typed.
type WrongAnswers struct {
	Page   string
	Errors []string
}

// Error lists what the page said.
func (e *WrongAnswers) Error() string { return e.Page + ": " + strings.Join(e.Errors, "; ") }

const maxPages = 40 // of one application; more is going in circles

// Apply goes through a service from its start page to the confirmation, as a
// person would: page after page, typing what is asked.
func (b *Browser) Apply(ctx context.Context, service string, answers Answers, files map[string]Upload) (Application, error) {
	page, err := b.Begin(ctx, service)
	if err != nil {
		return Application{}, err
	}
	return b.Finish(ctx, page, answers, files)
}

// Begin presses the start button of a service.
func (b *Browser) Begin(ctx context.Context, service string) (*Page, error) {
	page, err := b.Get(ctx, "/services/"+service)
	if err != nil {
		return nil, err
	}
	start := page.Form("/services/" + service + "/start")
	if start == nil {
		return page, fmt.Errorf("the page of %s has no start button", service)
	}
	return b.Submit(ctx, start, nil, nil)
}

// Resume applies, going on with an application that was begun before. If it
// was handed in already, its dossier code comes from the list of applications.
func (b *Browser) Resume(ctx context.Context, service string, answers Answers, files map[string]Upload) (Application, error) {
	page, err := b.Get(ctx, "/applications")
	if err != nil {
		return Application{}, err
	}
	if code := dossierCode.FindString(page.Text()); code != "" {
		for _, link := range page.Links("/applications/") {
			return Application{ID: strings.TrimPrefix(link, "/applications/"), Code: code}, nil
		}
	}
	if drafts := page.Links("/apply/"); len(drafts) > 0 {
		if page, err = b.Get(ctx, drafts[0]); err != nil {
			return Application{}, err
		}
		return b.Finish(ctx, page, answers, files)
	}
	return b.Apply(ctx, service, answers, files)
}

// Finish answers what is left of an application and hands it in.
func (b *Browser) Finish(ctx context.Context, page *Page, answers Answers, files map[string]Upload) (Application, error) {
	var app Application
	for range maxPages {
		if m := applicationID.FindStringSubmatch(page.Path); m != nil {
			app.ID = m[1]
		}
		if app.ID == "" {
			return app, fmt.Errorf("no application began: %s (%s)", page.Heading(), page.Path)
		}
		next, done, err := b.step(ctx, page, app.ID, answers, files)
		if err != nil {
			return app, err
		}
		if done {
			app.Code = dossierCode.FindString(next.Text())
			if app.Code == "" {
				return app, fmt.Errorf("the confirmation shows no dossier code: %s", next.Heading())
			}
			return app, nil
		}
		page = next
	}
	return app, errors.New("the application goes in circles")
}

func (b *Browser) step(ctx context.Context, page *Page, id string, answers Answers, files map[string]Upload) (*Page, bool, error) {
	if errs := page.Errors(); len(errs) > 0 {
		return page, false, &WrongAnswers{Page: page.Path, Errors: errs}
	}
	root := "/apply/" + id
	for _, last := range []string{root + "/submit", root + "/resubmit"} {
		if f := page.Form(last); f != nil {
			values := url.Values{}
			for _, i := range f.Inputs {
				if i.Type == "checkbox" {
					values.Set(i.Name, i.Value)
				}
			}
			next, err := b.Submit(ctx, f, values, nil)
			if err == nil && len(next.Errors()) > 0 {
				err = &WrongAnswers{Page: next.Path, Errors: next.Errors()}
			}
			return next, true, err
		}
	}
	if f := page.Form(root + "/evidence"); f != nil { // a register did not answer: try again
		next, err := b.Submit(ctx, f, nil, nil)
		return next, false, err
	}
	if f := page.Form(root + "/p/"); f != nil {
		next, err := b.Submit(ctx, f, f.Fill(answers), files)
		return next, false, err
	}
	for _, links := range [][]string{page.Links(root + "/p/"), page.Links(root + "/check")} {
		if len(links) > 0 {
			next, err := b.Get(ctx, links[0])
			return next, false, err
		}
	}
	return page, false, fmt.Errorf("no way on from %s: %s", page.Path, page.Heading())
}

// Fill gives the form's values with the answers put in. Of choices that no
// answer speaks of and that have none yet, the first is taken.
func (f *Form) Fill(answers Answers) url.Values {
	values := url.Values{}
	for _, i := range f.Inputs {
		if a, ok := answers[i.Name]; ok {
			values[i.Name] = strings.Split(a, ",")
			if i.Type != "checkbox" {
				values[i.Name] = []string{a}
			}
			continue
		}
		if part, v, ok := datePart(i.Name, answers); ok {
			values.Set(part, v)
			continue
		}
		choice := i.Type == "radio" || i.Type == "select"
		if choice && f.Values.Get(i.Name) == "" && values.Get(i.Name) == "" && i.Value != "" {
			values.Set(i.Name, i.Value)
		}
	}
	return values
}

func datePart(name string, answers Answers) (input, value string, ok bool) {
	for n, suffix := range []string{"-year", "-month", "-day"} {
		field, found := strings.CutSuffix(name, suffix)
		date, has := answers[field]
		if parts := strings.Split(date, "-"); found && has && len(parts) == 3 {
			return name, strings.TrimLeft(parts[n], "0"), true
		}
	}
	return "", "", false
}

// Wait looks at a page again and again until ready says yes or a minute is
// over. It is how a person waits.
func (b *Browser) Wait(ctx context.Context, path string, ready func(*Page) bool) (*Page, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pause := time.NewTicker(30 * time.Millisecond)
	defer pause.Stop()
	seen := &Page{}
	for {
		page, err := b.Get(ctx, path)
		if err == nil && ready(page) {
			return page, nil
		}
		if err != nil && ctx.Err() == nil {
			return page, err
		}
		if page != nil { // nil when time ran out while asking
			seen = page
		}
		select {
		case <-ctx.Done():
			return seen, fmt.Errorf("%s did not become ready: %s", path, seen.Heading())
		case <-pause.C:
		}
	}
}
