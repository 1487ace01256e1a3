package directory

import (
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (g *Registry) showJoin(w http.ResponseWriter, r *http.Request) error {
	return g.joinPage(w, r, Application{Class: "GOV", Node: "node1"}, "", nil)
}

func (g *Registry) sendJoin(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "directory.bad_form").Wrap(err)
	}
	f := r.PostForm
	a := Application{
		Class: f.Get("class"), Code: f.Get("code"), Name: i18n.Text{VI: f.Get("name_vi"), EN: f.Get("name_en")}, Email: f.Get("email"),
		Subsystems: parseSystems(f.Get("subsystems")), Node: f.Get("node"), Address: f.Get("address"), LedgerKey: f.Get("ledger_key"), Key: f.Get("key"), CSR: f.Get("csr"),
	}
	_, secret, err := g.Ask(r.Context(), a, g.address(r))
	t := g.teller(r)
	if wrong, ok := t.wrong(err, joinControl); ok {
		return g.joinPage(w, r, a, f.Get("subsystems"), wrong)
	}
	switch errs.CodeOf(err) {
	case "directory.member_exists":
		return g.joinPage(w, r, a, f.Get("subsystems"), []web.FieldError{{Field: "code", Text: g.view.T(t.lang, "error.directory.member_exists", "member", a.Member())}})
	case "directory.key_taken":
		return g.joinPage(w, r, a, f.Get("subsystems"), []web.FieldError{{Field: "key", Text: g.view.T(t.lang, "error.directory.key_taken")}})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/directory/follow/"+secret, http.StatusSeeOther)
	return nil
}

// joinControl finds the control of a field of an application.
func joinControl(field string) string {
	if strings.HasPrefix(field, "subsystems") {
		return "subsystems"
	}
	return strings.ReplaceAll(field, ".", "_")
}

// parseSystems reads one system a line: code; name; name in English.
func parseSystems(text string) (all []Subsystem) {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		parts := append(strings.SplitN(line, ";", 3), "", "")
		all = append(all, Subsystem{Code: strings.TrimSpace(parts[0]), Name: i18n.Text{VI: strings.TrimSpace(parts[1]), EN: strings.TrimSpace(parts[2])}})
		if len(all) > maxSubsystems {
			break // refused for their number
		}
	}
	return all
}

func (g *Registry) joinPage(w http.ResponseWriter, r *http.Request, a Application, systems string, wrong []web.FieldError) error {
	t := g.teller(r)
	input := func(name, value, classes string) web.Input {
		return web.Input{Name: name, Value: value, Classes: classes, Label: web.Label{Text: t.say("join." + name)}, Hint: web.HintText(t.say("join." + name + "_hint")), ErrorMessage: web.ErrorFor(wrong, name), Spellcheck: web.Off}
	}
	area := func(name, value string, rows int) web.Textarea {
		return web.Textarea{Name: name, Value: value, Rows: rows, Label: web.Label{Text: t.say("join." + name)}, Hint: web.HintText(t.say("join." + name + "_hint")), ErrorMessage: web.ErrorFor(wrong, name), Spellcheck: web.Off}
	}
	email := input("email", a.Email, "govuk-input--width-20")
	email.Type, email.InputMode, email.Autocomplete = "email", "email", "email"
	var kinds []web.Choice
	for _, c := range exchange.Classes() {
		kinds = append(kinds, web.Choice{Value: c, Text: t.say("class." + c)})
	}
	body := web.Plain{Title: t.say("join.title"), Lead: t.say("join.lead"), Parts: []web.Component{
		web.InsetText{Text: t.say("join.command")},
		code(t.say("join.command_label"), "dinh member request --help"),
		web.Form{Action: "/directory/join", Body: []web.Component{
			web.Heading{Text: t.say("join.organisation")},
			web.Radios{Name: "class", Value: a.Class, Items: kinds, ErrorMessage: web.ErrorFor(wrong, "class"), Fieldset: &web.Fieldset{Legend: web.Legend{Text: t.say("join.class"), Classes: "govuk-fieldset__legend--s"}}},
			input("code", a.Code, "govuk-input--width-10"), input("name_vi", a.Name.VI, ""), input("name_en", a.Name.EN, ""), email,
			area("subsystems", systems, 3),
			web.Heading{Text: t.say("join.machine")},
			input("node", a.Node, "govuk-input--width-10"), input("address", a.Address, "govuk-input--width-20"), input("ledger_key", a.LedgerKey, ""),
			web.Heading{Text: t.say("join.keys")}, web.Paragraph{Text: t.say("join.keys_text")},
			input("key", a.Key, ""), area("csr", strings.TrimSpace(a.CSR), 6),
			web.Button{Text: t.say("join.button"), PreventDoubleClick: web.On},
		}},
	}}
	return g.view.Show(w, r, web.Page{Title: body.Title, Errors: wrong, Indexed: true, BackLink: &web.BackLink{Href: "/exchange"}, Data: body})
}
