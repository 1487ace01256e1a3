package workspace

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
	"github.com/dinh-gov/dinh/web"
)

// hidden is a text followed by words for screen readers only.
func (v view) hidden(text, more string) template.HTML {
	return template.HTML(template.HTMLEscapeString(text) + ` <span class="govuk-visually-hidden">` + template.HTMLEscapeString(more) + `</span>`) //nolint:gosec // escaped
}

// lines is text in the flow of a line, with its own line breaks kept.
func lines(text string) web.Component {
	return web.Markup(strings.ReplaceAll(template.HTMLEscapeString(text), "\n", "<br>")) //nolint:gosec // escaped
}

func casePath(id string) string { return "/desk/cases/" + url.PathEscape(id) }

// The views of a case.
const (
	viewCase    = ""
	viewFiles   = "files"
	viewHistory = "history"
)

func (x *Workspace) showCase(w http.ResponseWriter, req *http.Request) error {
	v := x.view(w, req)
	k, err := x.d.Cases.Get(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	return v.casePage(k)
}

func (v view) casePage(k *cases.Full) error {
	bar, err := v.identity(k)
	if err != nil {
		return err
	}
	shown := v.req.URL.Query().Get("view")
	var main []web.Component
	switch shown {
	case viewFiles:
		main = append(v.files(k), v.documents(k)...)
	case viewHistory:
		main = []web.Component{web.Heading{Text: v.t("view.history")}, v.history(k)}
	default:
		shown = viewCase
		main = slices.Concat(v.decisions(k), v.answers(k))
	}
	side, err := v.side(k)
	if err != nil {
		return err
	}
	title := v.t("case.title", "code", k.Code)
	flash := v.news()
	if flash != nil && k.Assignee != v.who.Officer {
		if q := v.req.URL.Query().Get("queue"); q != "" {
			flash.Body = []web.Component{web.Paragraph{Text: flash.Text}, web.Link{Text: v.t("news.to_queue"), Href: queuePath(q)}}
		}
	}
	back := v.back("/desk", "desk.title")
	if k.Queue != "" {
		back = v.back(queuePath(k.Queue), "case.to_queue")
	}
	return v.show(web.Page{Title: title, BackLink: back, Flash: flash}, web.Plain{Parts: []web.Component{
		web.Heading{Level: 1, Text: title, Classes: "govuk-visually-hidden"},
		bar,
		web.Button{Text: v.t("do.jump"), Href: "#do", Classes: "govuk-button--secondary dinh-narrow-only"},
		v.caseViews(k, shown),
		web.Columns{SideRight: true, Main: main, Side: side},
	}})
}

func (v view) identity(k *cases.Full) (web.Component, error) {
	due, err := v.due(k.Case)
	if err != nil {
		return nil, err
	}
	facts := []web.Row{
		web.Fact(v.t("case.received"), i18n.FormatTime(v.lang, k.Opened)),
		{Key: web.Term{Text: v.t("case.due")}, Value: web.Term{Body: due}},
	}
	if k.Final == "" {
		facts = append(facts, web.Fact(v.t("case.assignee"), v.holder(k)))
	}
	facts = append(facts, web.Fact(v.t("case.number"), k.Content.Number))
	if k.Content.OnBehalf != "" {
		facts = append(facts, web.Fact(v.t("case.on_behalf"), k.Content.OnBehalf))
	}
	return web.IdentityBar{
		Title: k.Applicant, Detail: k.Title.In(v.lang), Reference: k.Code, Tags: []web.Component{v.stateTag(k.Case)}, Facts: facts,
	}, nil
}

// holder names who has the case; the history knows the name.
func (v view) holder(k *cases.Full) string {
	if k.Assignee == "" || k.Assignee == v.who.Officer {
		return v.assignee(k.Case)
	}
	for _, m := range slices.Backward(k.Timeline) {
		if m.Kind == "claim" && m.Actor != "" {
			return m.Actor
		}
	}
	return v.assignee(k.Case)
}

func (v view) caseViews(k *cases.Full, shown string) web.Component {
	counts := map[string]int{viewFiles: len(uploads(k)) + len(k.Content.Documents), viewHistory: len(k.Timeline)}
	nav := web.SubNavigation{Label: v.t("view.label")}
	for _, name := range []string{viewCase, viewFiles, viewHistory} {
		link := web.NavLink{Href: casePath(k.ID), Text: v.t("view.case"), Active: name == shown}
		if name != viewCase {
			link.Text, link.Count = v.t("view."+name), v.count(counts[name])
			link.Href += "?view=" + name
		}
		nav.Items = append(nav.Items, link)
	}
	return nav
}

// decisions tells what the tables said, in sentences, and which rows kept the
// case from going on by itself.
func (v view) decisions(k *cases.Full) []web.Component {
	var out []web.Component
	if c := k.Content.Correction; c != nil && k.Paused {
		out = append(out, web.Alert{Variant: "information", Title: v.t("case.returned"), Text: c.Message})
	}
	for _, table := range k.Def.Decisions {
		o, ok := k.Content.Outcomes[table.ID]
		if !ok {
			continue
		}
		title := table.Label.In(v.lang)
		if title == "" {
			title = v.t("decision.title")
		}
		out = append(out, web.Heading{Text: title})
		var body []web.Component
		for _, s := range o.Explain(v.lang) {
			body = append(body, web.Paragraph{Text: s})
		}
		out = append(out, web.InsetText{Body: body}, web.Paragraph{Text: v.t("decision.on", "date", i18n.FormatDate(v.lang, o.On)), Classes: "govuk-hint"},
			web.Details{SummaryText: v.t("decision.rows"), Body: []web.Component{v.decisionRows(o, table.Rows)}})
	}
	return out
}

func (v view) decisionRows(o cases.Outcome, rows []rules.Row) web.Component {
	table := web.Table{Caption: v.t("decision.rows"), CaptionClasses: "govuk-visually-hidden", Head: []web.Cell{{Text: v.t("decision.row")}, {Text: v.t("decision.truth")}}}
	for _, r := range o.Rows {
		if !r.InForce || r.Row >= len(rows) {
			continue
		}
		if len(rows[r.Row].When) == 0 && !slices.Contains(o.Chosen, r.Row) {
			continue // the row for everybody else says nothing about this case
		}
		mark := web.Coloured("grey", v.t("decision."+string(r.Hit)))
		switch {
		case slices.Contains(o.Chosen, r.Row):
			mark = web.Coloured("yellow", v.t("decision.chosen"))
		case r.Hit == "unknown":
			mark = web.Coloured("red", v.t("decision.unknown"))
		case r.Hit == "yes":
			mark = web.Coloured("blue", v.t("decision.yes"))
		}
		what := []web.Component{web.Paragraph{Text: rows[r.Row].Reason.In(v.lang), Classes: "govuk-body govuk-!-margin-bottom-1"}}
		if rows[r.Row].Ref != "" {
			what = append(what, web.Paragraph{Text: rows[r.Row].Ref, Classes: "govuk-hint govuk-!-margin-bottom-0"})
		}
		table.Rows = append(table.Rows, []web.Cell{{Body: what}, {Body: []web.Component{mark}}})
	}
	return table
}

// answers shows what registers know and what the applicant typed, page by
// page as it was asked, each with where it came from.
func (v view) answers(k *cases.Full) []web.Component {
	st := k.Content.State
	out := []web.Component{web.Heading{Text: v.t("answers.title")}}
	for _, p := range k.Def.Pages(st) {
		var rows []web.Row
		for _, f := range k.Def.KnownFacts(p, st) {
			source := v.t("source.applicant")
			if f.Source != nil {
				source = f.Source.Title.In(v.lang)
			}
			rows = append(rows, v.row(f.Known.Label, v.said(f.Value), web.Badge{Text: source, Colour: "green"}))
		}
		for _, f := range k.Def.VisibleFields(p, st) {
			rows = append(rows, v.answerRow(k, f))
		}
		if len(rows) > 0 {
			out = append(out, web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: p.Title.In(v.lang), HeadingLevel: "3"}}, Rows: rows})
		}
	}
	return append(out, v.officersEntries(k)...)
}

func (v view) row(label i18n.Text, value web.Component, badges ...web.Component) web.Row {
	body := []web.Component{value}
	for _, b := range badges {
		body = append(body, web.Markup("&nbsp; "), b)
	}
	return web.Row{Key: web.Term{Text: label.In(v.lang)}, Value: web.Term{Body: body}}
}

func (v view) said(t i18n.Text) web.Component {
	text := t.In(v.lang)
	if text == "" {
		text = v.t("answers.none")
	}
	return lines(text)
}

func (v view) answerRow(k *cases.Full, f services.Field) web.Row {
	value, ok := answer(k.Content.State.Answers, f.ID)
	said := i18n.Text{}
	if ok {
		said = k.Def.AnswerText(f, value)
	}
	row := v.row(f.Label, v.said(said))
	if ok {
		row = v.row(f.Label, v.said(said), v.provenance(k, f))
	}
	if c := k.Content.Correction; c != nil && slices.Contains(c.Fields, f.ID) {
		row.Value.Body = append(row.Value.Body, web.Markup(" "), web.Coloured("purple", v.t("answers.to_correct")))
	}
	if f.Type == services.TypeFile && ok {
		row.Value.Body[0] = web.Link{Text: said.In(v.lang), Href: filePath(k.ID, f.ID)}
	}
	return row
}

// provenance says in a badge where an answer came from.
func (v view) provenance(k *cases.Full, f services.Field) web.Component {
	p := k.Content.Sources[f.ID]
	source := ""
	if e := k.Def.EvidenceByID(p.Evidence); e != nil {
		source = e.Title.In(v.lang)
	}
	switch p.Source {
	case "obtained":
		if source != "" {
			return web.Badge{Text: source, Colour: "green"}
		}
		return web.Badge{Text: v.t("source.obtained"), Colour: "green"}
	case "changed":
		if source != "" {
			return web.Badge{Text: v.t("source.changed_from", "source", source), Colour: "purple"}
		}
		return web.Badge{Text: v.t("source.changed"), Colour: "purple"}
	}
	return web.Badge{Text: v.t("source.typed"), Colour: "grey"}
}

// officersEntries shows what officers wrote into the forms of their actions.
func (v view) officersEntries(k *cases.Full) []web.Component {
	var rows []web.Row
	seen := map[string]bool{}
	for _, st := range k.Def.Workflow.States {
		for _, a := range st.Action {
			for _, f := range a.Form {
				id := a.ID + "." + f.ID
				value, ok := answer(k.Content.State.Answers, id)
				if !ok || seen[id] {
					continue
				}
				seen[id] = true
				rows = append(rows, v.row(f.Label, v.said(k.Def.AnswerText(f, value)), web.Badge{Text: v.t("source.officer"), Colour: "blue"}))
			}
		}
	}
	if rows == nil {
		return nil
	}
	return []web.Component{web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: v.t("answers.officers"), HeadingLevel: "3"}}, Rows: rows}}
}

// answer reads an answer that lies flat under its id or nested by its dots.
func answer(answers map[string]any, id string) (any, bool) {
	if v, ok := answers[id]; ok {
		return v, v != nil
	}
	var at any = answers
	for _, part := range strings.Split(id, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		at = m[part]
	}
	return at, at != nil
}

// history tells everything that happened, the latest first.
func (v view) history(k *cases.Full) web.Component {
	line := web.Timeline{Label: v.t("view.history")}
	for i, m := range slices.Backward(k.Timeline) {
		moment := web.Moment{Title: m.Title.In(v.lang), At: m.At, Text: m.Body, By: v.actor(m), State: "done"}
		switch {
		case m.Kind == "stuck":
			moment.State = "problem"
		case i == len(k.Timeline)-1 && k.Final == "":
			moment.State = "now"
		}
		if !m.Public {
			moment.By = strings.TrimPrefix(moment.By+" · "+v.t("history.internal"), " · ")
		}
		line.Items = append(line.Items, moment)
	}
	return line
}

func (v view) actor(m cases.Moment) string {
	if m.Actor != "" {
		return m.Actor
	}
	switch m.ActorKind {
	case "officer", "applicant":
		return v.t("history." + m.ActorKind)
	}
	return v.t("history.system")
}
