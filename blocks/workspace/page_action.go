package workspace

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/web"
)

// The desk's own inputs begin with "_", which no field id of a definition may,
// so that an action may ask for anything.
const (
	inReason  = "_reason"
	inFields  = "_fields"
	inMessage = "_message"
	inVersion = "_version"
)

// side is what the officer may do now, and the facts beside the case.
func (v view) side(k *cases.Full) ([]web.Component, error) {
	out := []web.Component{web.Heading{Text: v.t("do.title"), ID: "do"}}
	out = append(out, v.offers(k)...)
	out = append(out, v.holding(k)...)
	if k.Stuck != "" {
		out = append(out, web.Alert{Variant: "error", Title: v.t("case.stuck"), Text: v.t("case.stuck_text", "code", k.Stuck)},
			v.post(k, "resume", "do.resume", "govuk-button--secondary"))
	}
	if k.Bill != "" {
		bill, err := v.bill(k)
		if err != nil {
			return nil, err
		}
		out = append(out, bill)
	}
	recent := *k
	recent.Timeline = recent.Timeline[max(0, len(recent.Timeline)-5):]
	return append(out, web.Heading{Text: v.t("view.recent")}, v.history(&recent)), nil
}

func (v view) post(k *cases.Full, verb, key, classes string) web.Component {
	return web.Form{Action: casePath(k.ID) + "/" + verb, Body: []web.Component{web.Button{Text: v.t(key), Classes: classes, PreventDoubleClick: web.On}}}
}

// offers are the buttons of what may be done, and in words what may not and
// why.
func (v view) offers(k *cases.Full) []web.Component {
	var out, barred []web.Component
	for _, o := range k.Offers {
		if o.Barred != "" {
			if o.Barred == "cases.four_eyes" {
				barred = append(barred, web.InsetText{Body: []web.Component{
					web.Paragraph{Text: o.Title.In(v.lang), Classes: "govuk-body govuk-!-font-weight-bold govuk-!-margin-bottom-1"}, web.Paragraph{Text: v.fault(o.Barred)}}})
			}
			continue
		}
		classes := "govuk-button--secondary"
		switch o.Kind {
		case services.Approve:
			classes = ""
		case services.Refuse:
			classes = "govuk-button--warning"
		}
		out = append(out, web.Button{Text: o.Title.In(v.lang), Href: casePath(k.ID) + "/do/" + url.PathEscape(o.ID), Classes: strings.TrimSpace(classes + " dinh-wide")})
	}
	out = append(out, barred...)
	switch {
	case len(out) > 0:
	case k.Final != "":
		return []web.Component{web.Paragraph{Text: v.t("do.ended")}}
	case k.Pending:
		return []web.Component{web.Paragraph{Text: v.t("do.working")}, web.Button{Text: v.t("do.reload"), Href: casePath(k.ID), Classes: "govuk-button--secondary"}}
	case len(k.Offers) > 0:
		return []web.Component{web.Paragraph{Text: v.t("do.taken", "name", v.holder(k))}}
	case k.Queue == "":
		return []web.Component{web.Paragraph{Text: v.t("do.waiting")}}
	default:
		return []web.Component{web.Paragraph{Text: v.t("do.nothing")}}
	}
	return out
}

// holding lets the officer take the case or put it back.
func (v view) holding(k *cases.Full) []web.Component {
	switch {
	case k.Final != "":
		return nil
	case k.Assignee == v.who.Officer:
		return []web.Component{v.post(k, "unclaim", "do.unclaim", "govuk-button--secondary dinh-wide")}
	case k.Assignee == "" && k.Queue != "":
		return []web.Component{v.post(k, "claim", "do.claim", "govuk-button--secondary dinh-wide")}
	}
	return nil
}

func (v view) bill(k *cases.Full) (web.Component, error) {
	b, err := v.d.Bills.Bill(v.req.Context(), k.Bill)
	if err != nil {
		return nil, err
	}
	colour, state := "grey", b.State
	switch b.State {
	case "paid":
		colour = "green"
	case "open":
		colour = "yellow"
	case "cancelled":
	case "refunded", "part_refunded":
		colour = "purple"
	default:
		state = "other"
	}
	rows := []web.Row{
		web.Fact(v.t("bill.amount"), b.Amount.Format(v.lang)),
		{Key: web.Term{Text: v.t("bill.state")}, Value: web.Term{Body: []web.Component{web.Coloured(colour, v.t("bill.state."+state))}}},
	}
	if b.Refunded.Minor != 0 {
		rows = append(rows, web.Fact(v.t("bill.refunded"), b.Refunded.Format(v.lang)))
	}
	return web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: v.t("bill.title")}}, Rows: rows}, nil
}

// form is an action's form with what was typed into it.
type form struct {
	k     *cases.Full
	offer cases.Offer
	typed url.Values
	wrong []web.FieldError
}

func (x *Workspace) showAction(w http.ResponseWriter, req *http.Request) error {
	v := x.view(w, req)
	k, err := x.d.Cases.Get(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	o, ok := offer(k, req.PathValue("action"))
	if !ok || o.Barred != "" {
		refused := errs.New(errs.Forbidden, "cases.not_allowed")
		switch {
		case ok && o.Barred == "cases.four_eyes":
			refused = errs.New(errs.Forbidden, o.Barred)
		case ok:
			refused = errs.New(errs.Conflict, o.Barred)
		}
		return v.explain(k, refused, nil)
	}
	return v.formPage(form{k: k, offer: o})
}

func offer(k *cases.Full, action string) (cases.Offer, bool) {
	i := slices.IndexFunc(k.Offers, func(o cases.Offer) bool { return o.ID == action })
	if i < 0 {
		return cases.Offer{}, false
	}
	return k.Offers[i], true
}

func (v view) formPage(f form) error {
	k, a := f.k, f.offer
	body := v.ownFields(f)
	for _, field := range k.Def.ActionFields(a.Action, k.Content.State) {
		body = append(body, v.control(f, field))
	}
	if a.Kind == services.Refuse || a.Kind == services.Return {
		body = append(body, v.messageBox(f))
	}
	classes := ""
	if a.Kind == services.Refuse {
		classes = "govuk-button--warning"
	}
	body = append(body, web.Button{Text: v.t("do.confirm." + string(a.Kind)), Classes: classes, PreventDoubleClick: web.On})
	bar, err := v.identity(k)
	if err != nil {
		return err
	}
	path := casePath(k.ID)
	return v.show(web.Page{Title: a.Title.In(v.lang), BackLink: v.back(path, "case.back"), Errors: f.wrong}, web.Plain{
		Title: a.Title.In(v.lang), Caption: k.Code,
		Parts: []web.Component{bar, web.Paragraph{Text: v.t("do.lead." + string(a.Kind))},
			web.Form{Action: path + "/do/" + url.PathEscape(a.ID), Body: body, Classes: "dinh-measure",
				Hidden: []web.Hidden{{Name: inVersion, Value: strconv.Itoa(k.Version)}}},
			web.Link{Text: v.t("do.cancel"), Href: path}},
	})
}

// ownFields are the questions that every refusal or return asks.
func (v view) ownFields(f form) []web.Component {
	switch f.offer.Kind {
	case services.Refuse:
		radios := web.Radios{Name: inReason, Value: f.typed.Get(inReason), ErrorMessage: web.ErrorFor(f.wrong, inReason),
			Fieldset: &web.Fieldset{Legend: web.Legend{Text: v.t("do.reason"), Classes: "govuk-fieldset__legend--m"}}, Hint: web.HintText(v.t("do.reason_hint"))}
		for _, r := range f.k.Def.AllowedReasons(f.offer.Action) {
			c := web.Choice{Value: r.ID, Text: r.Title.In(v.lang)}
			if r.Ref != "" {
				c.Hint = web.HintText(r.Ref)
			}
			radios.Items = append(radios.Items, c)
		}
		return []web.Component{radios}
	case services.Return:
		boxes := web.Checkboxes{Name: inFields, Values: f.typed[inFields], ErrorMessage: web.ErrorFor(f.wrong, inFields),
			Fieldset: &web.Fieldset{Legend: web.Legend{Text: v.t("do.fields"), Classes: "govuk-fieldset__legend--m"}}, Hint: web.HintText(v.t("do.fields_hint"))}
		for _, field := range cases.AskedFields(f.k.Def, f.k.Content.State) {
			c := web.Choice{Value: field.ID, Text: field.Label.In(v.lang)}
			if value, ok := answer(f.k.Content.State.Answers, field.ID); ok {
				c.Hint = web.HintText(f.k.Def.AnswerText(field, value).In(v.lang))
			}
			boxes.Items = append(boxes.Items, c)
		}
		return []web.Component{boxes}
	}
	return nil
}

func (v view) messageBox(f form) web.Component {
	kind := string(f.offer.Kind)
	return web.CharacterCount{ID: inMessage, Name: inMessage, MaxLength: web.Limit(cases.MaxMessage), Rows: 6, Value: f.typed.Get(inMessage),
		Label: web.Label{Text: v.t("do.message." + kind)}, Hint: web.HintText(v.t("do.message_hint." + kind)), ErrorMessage: web.ErrorFor(f.wrong, inMessage)}
}

func (x *Workspace) doAction(w http.ResponseWriter, req *http.Request) error {
	v := x.view(w, req)
	if err := req.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "workspace.bad_form").Wrap(err)
	}
	id, action, typed := req.PathValue("id"), req.PathValue("action"), req.PostForm
	k, err := x.d.Cases.Get(req.Context(), id)
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(typed.Get(inVersion))
	if err != nil {
		return errs.New(errs.Invalid, "workspace.bad_form").Wrap(err)
	}
	own := url.Values{}
	for name, values := range typed {
		if !strings.HasPrefix(name, "_") {
			own[name] = values
		}
	}
	err = x.d.Cases.Act(req.Context(), cases.Input{
		Case: id, Action: action, Version: version, Reason: typed.Get(inReason), Fields: typed[inFields],
		Message: strings.ReplaceAll(typed.Get(inMessage), "\r\n", "\n"), Form: services.Input{Values: own},
	})
	o, ok := offer(k, action)
	switch errs.KindOf(err) {
	case "":
		q := url.Values{"news": {string(o.Kind)}}
		if k.Queue != "" {
			q.Set("queue", k.Queue)
		}
		return v.redirect(casePath(id) + "?" + q.Encode())
	case errs.Invalid:
		if e, coded := errs.As(err); coded && len(e.Fields) > 0 && ok {
			return v.formPage(form{k: k, offer: o, typed: typed, wrong: v.faults(e.Fields, o)})
		}
	case errs.Conflict, errs.Forbidden:
		return v.explain(k, err, typed)
	}
	return err
}

// fault words an error of cases.
func (v view) fault(code string) string { return v.d.Pages.T(v.lang, "error."+code) }

// faults places the wrong fields of an action on its form.
func (v view) faults(fields []errs.Field, o cases.Offer) []web.FieldError {
	own := map[string]string{"reason": inReason, "fields": inFields, "message": inMessage}
	var out []web.FieldError
	for _, f := range fields {
		kv := make([]any, 0, 2*len(f.Args))
		for name, value := range f.Args {
			kv = append(kv, name, value)
		}
		e := web.FieldError{Field: f.Name, Text: v.d.Pages.T(v.lang, "error."+f.Code, kv...)}
		if id, ok := own[f.Name]; ok && f.Code != "cases.field_wrong" {
			e.Field = id
		}
		for _, asked := range o.Form {
			if asked.ID == f.Name && asked.Type == services.TypeDate {
				e.Field = f.Name + "-day"
			}
		}
		out = append(out, e)
	}
	return out
}

// explain says calmly why an action did not happen, and keeps the words that
// were typed for copying.
func (v view) explain(k *cases.Full, refused error, typed url.Values) error {
	title, status, code := v.t("explain.title"), httpx.Status(refused), errs.CodeOf(refused)
	switch code {
	case "cases.changed_meanwhile":
		title = v.t("explain.changed")
	case "cases.claimed_by_other":
		title = v.t("explain.faster")
	}
	parts := []web.Component{web.Alert{Variant: "information", Text: v.fault(code)}, web.Paragraph{Text: v.t("explain.nothing")},
		web.Button{Text: v.t("explain.reload"), Href: casePath(k.ID)}}
	if text := strings.TrimSpace(typed.Get(inMessage)); text != "" {
		parts = append(parts, web.Details{SummaryText: v.t("explain.typed"), Open: true, Body: []web.Component{web.Pre{Text: text}}})
	}
	return v.show(web.Page{Title: title, Status: status, BackLink: v.back("/desk", "desk.title")}, web.Plain{Title: title, Caption: k.Code, Parts: parts})
}

func (x *Workspace) claim(w http.ResponseWriter, req *http.Request) error {
	return x.hold(w, req, x.d.Cases.Claim(req.Context(), req.PathValue("id")), "claimed")
}

func (x *Workspace) unclaim(w http.ResponseWriter, req *http.Request) error {
	return x.hold(w, req, x.d.Cases.Unclaim(req.Context(), req.PathValue("id")), "unclaimed")
}

func (x *Workspace) resume(w http.ResponseWriter, req *http.Request) error {
	return x.hold(w, req, x.d.Cases.Resume(req.Context(), req.PathValue("id")), "resumed")
}

func (x *Workspace) hold(w http.ResponseWriter, req *http.Request, err error, news string) error {
	v, id := x.view(w, req), req.PathValue("id")
	if errs.KindOf(err) == errs.Conflict {
		k, getErr := x.d.Cases.Get(req.Context(), id)
		if getErr != nil {
			return getErr
		}
		return v.explain(k, err, nil)
	}
	if err != nil {
		return err
	}
	return v.redirect(casePath(id) + "?news=" + news)
}
