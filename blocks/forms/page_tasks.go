package forms

import (
	"net/http"
	"strconv"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// showTasks is the application's front page: what is known already, what is
// left to do, and how far everything is.
func (x *Forms) showTasks(w http.ResponseWriter, req *http.Request) error {
	a, err := x.inHand(req.Context(), req.PathValue("app"))
	if err != nil {
		return err
	}
	if a.State == Draft && a.waiting() { // the window beside this one may be asking right now
		x.gates.settle(a.ID)
		if a, err = x.inHand(req.Context(), a.ID); err != nil {
			return err
		}
	}
	s := x.speaker(req)
	page := web.Page{Title: s.say(a.Title), Section: "applications", BackLink: &web.BackLink{Href: "/applications"}}
	switch {
	case a.State == Submitted:
		return see(w, req, a.root()+"/done")
	case a.State == Draft && a.waiting():
		page.Title = s.t("wait.title")
		return x.d.Pages.Show(w, req, page, x.waitParts(s, a)...)
	}
	if stop := a.stopped(); stop != nil {
		page.Title = s.say(stop.Title)
		return x.d.Pages.Show(w, req, page, x.stopParts(s, a, stop)...)
	}
	body := web.Plain{Title: page.Title, Caption: s.say(a.def.Owner.Name)}
	if req.URL.Query().Get("begun") == "before" && a.State == Draft {
		body.Parts = append(body.Parts, web.NotificationBanner{Body: []web.Component{
			web.Paragraph{Text: s.t("tasks.begun", "when", i18n.FormatTime(s.lang, a.Created)), Classes: "govuk-notification-banner__heading"},
			web.Form{Action: "/services/" + a.Service + "/start", Hidden: []web.Hidden{{Name: "again", Value: "yes"}}, Body: []web.Component{
				web.Button{Text: s.t("tasks.again"), Classes: "govuk-button--secondary", PreventDoubleClick: web.On},
			}},
		}})
	}
	body.Parts = append(body.Parts, x.taskParts(s, a)...)
	page.Data = body
	return x.d.Pages.Show(w, req, page)
}

func (w *work) root() string { return "/apply/" + w.ID }

// stopped gives the reason for which a draft leads nowhere. What is corrected
// has been let in already.
func (w *work) stopped() *services.Eligibility {
	if w.State != Draft {
		return nil
	}
	return w.def.Stopped(w.state())
}

func (x *Forms) waitParts(s speaker, a *work) []web.Component {
	var names []string
	for _, e := range a.waitsFor() {
		names = append(names, s.say(e.Title))
	}
	parts := []web.Component{web.Paragraph{Text: s.t("wait.text"), Classes: "govuk-body-l"}}
	if len(names) > 0 {
		parts = append(parts, web.List{Items: names, Classes: "govuk-list--bullet"})
	}
	return append(parts, web.Paragraph{Text: s.t("wait.kept")},
		web.Form{Action: a.root() + "/evidence", Body: []web.Component{
			web.Button{Text: s.t("wait.button"), PreventDoubleClick: web.On},
		}},
		web.Link{Text: s.t("tasks.discard"), Href: a.root() + "/discard"})
}

func (x *Forms) stopParts(s speaker, a *work, stop *services.Eligibility) []web.Component {
	parts := []web.Component{web.Paragraph{Text: s.say(stop.Message), Classes: "govuk-body-l"}}
	if help := s.say(a.def.Owner.Help); help != "" {
		parts = append(parts, web.InsetText{Text: help})
	}
	return append(parts,
		web.Paragraph{Text: s.t("stop.again")},
		web.Form{Action: a.root() + "/evidence", Hidden: []web.Hidden{{Name: "all", Value: "yes"}}, Body: []web.Component{
			web.Button{Text: s.t("stop.button"), Classes: "govuk-button--secondary", PreventDoubleClick: web.On},
		}},
		web.List{Bodies: []web.Component{
			web.Link{Text: s.t("stop.services"), Href: "/services"},
			web.Link{Text: s.t("tasks.discard"), Href: a.root() + "/discard"},
		}})
}

func (x *Forms) taskParts(s speaker, a *work) []web.Component {
	steps := a.steps()
	next, left := todo(steps)
	var parts []web.Component
	if a.correction != nil {
		parts = append(parts, correctionAlert(s, a))
	}
	done := 0
	list := web.TaskList{}
	for i, st := range steps {
		if st.done {
			done++
		}
		list.Items = append(list.Items, task(s, a, i, st))
	}
	list.Items = append(list.Items, checkTask(s, a, !left))
	if a.correction == nil {
		parts = append(parts, web.Paragraph{Text: s.t("tasks.progress", "done", done, "all", len(steps)), Classes: "govuk-body-l"})
	}
	parts = append(parts, silentAlert(s, a.silent())...)
	parts = append(parts, list)
	if left {
		parts = append(parts, web.Button{Text: s.t("tasks.continue"), Href: a.root() + "/p/" + next.ID})
	} else {
		parts = append(parts, web.Button{Text: s.t("tasks.check"), Href: a.root() + "/check"})
	}
	parts = append(parts, knownDetails(s, a)...)
	if a.State == Draft {
		parts = append(parts, web.Paragraph{Text: s.t("tasks.saved"), Classes: "govuk-hint"},
			web.Link{Text: s.t("tasks.discard"), Href: a.root() + "/discard"})
	}
	return parts
}

func task(s speaker, a *work, i int, st step) web.Task {
	t := web.Task{Title: web.Term{Text: strconv.Itoa(i+1) + ". " + s.say(st.page.Title)}}
	switch {
	case st.held:
		t.Status = web.TaskStatus{Text: s.t("state.held"), Classes: "govuk-task-list__status--cannot-start-yet"}
		return t
	case !st.open:
		t.Status = web.TaskStatus{Text: s.t("state.later"), Classes: "govuk-task-list__status--cannot-start-yet"}
		return t
	case st.done:
		t.Status = web.TaskStatus{Text: s.t("state.done")}
	default:
		tag := web.Coloured("blue", s.t("state.todo"))
		if a.correction != nil {
			tag = web.Coloured("orange", s.t("state.mend"))
		}
		t.Status = web.TaskStatus{Tag: &tag}
	}
	t.Href = a.root() + "/p/" + st.page.ID
	return t
}

func checkTask(s speaker, a *work, ready bool) web.Task {
	t := web.Task{Title: web.Term{Text: s.t("tasks.check_send")}}
	if !ready {
		t.Status = web.TaskStatus{Text: s.t("state.later"), Classes: "govuk-task-list__status--cannot-start-yet"}
		return t
	}
	tag := web.Coloured("blue", s.t("state.todo"))
	t.Status, t.Href = web.TaskStatus{Tag: &tag}, a.root()+"/check"
	return t
}

// correctionAlert shows the officer's words as they were written.
func correctionAlert(s speaker, a *work) web.Component {
	var fields []string
	for _, id := range a.correction.Fields {
		if f, _, ok := a.def.FieldByID(id); ok {
			fields = append(fields, s.say(f.Label))
		}
	}
	return web.Alert{Variant: "warning", Title: s.t("mend.title"), Body: []web.Component{
		web.Paragraph{Text: a.correction.Message}, web.Paragraph{Text: s.t("mend.fields")},
		web.List{Items: fields, Classes: "govuk-list--bullet"},
	}}
}

// silentAlert names registers that did not answer and that nobody has to wait for.
func silentAlert(s speaker, silent []services.Evidence) []web.Component {
	if len(silent) == 0 {
		return nil
	}
	var names []string
	for _, e := range silent {
		names = append(names, s.say(e.Title))
	}
	return []web.Component{web.Alert{Title: s.t("silent.title"), Body: []web.Component{
		web.Paragraph{Text: s.t("silent.text")}, web.List{Items: names, Classes: "govuk-list--bullet"},
	}}}
}

// knownDetails lists which registers were asked and when.
func knownDetails(s speaker, a *work) []web.Component {
	var rows []web.Row
	for _, e := range a.def.Definition.Evidence {
		if a.content.Evidence[e.ID].State == answered {
			rows = append(rows, web.Fact(s.say(e.Title), i18n.FormatTime(s.lang, a.content.Evidence[e.ID].At)))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return []web.Component{web.Details{SummaryText: s.t("tasks.known"), Body: []web.Component{
		web.Paragraph{Text: s.t("tasks.known_text")}, web.SummaryList{Rows: rows},
	}}}
}
