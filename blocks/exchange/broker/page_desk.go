package broker

import (
	"net/http"
	"strconv"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (t teller) desk(w http.ResponseWriter, r *http.Request, p web.Page, body web.Plain) error {
	p.Title, p.Officer, p.Wide, p.Section, p.Data = body.Title, true, true, "papers", body
	return t.d.Pages.Show(w, r, p)
}

// showDesk lists what an officer's organisation has asked for.
func (b *Broker) showDesk(w http.ResponseWriter, r *http.Request) error { return b.deskPage(w, r, nil) }

func (b *Broker) deskPage(w http.ResponseWriter, r *http.Request, wrong []web.FieldError) error {
	t := b.teller(r)
	all, err := b.AllOurs(r.Context())
	if err != nil {
		return err
	}
	packs, err := b.d.Packs.PacksOf(r.Context(), auth.From(r.Context()).Member)
	if err != nil {
		return err
	}
	body := web.Plain{Title: t.say("desk.title"), Lead: t.say("desk.lead")}
	table := web.Table{Caption: t.say("desk.caption"), Head: []web.Cell{{Text: t.say("code")}, {Text: t.say("reference")}, {Text: t.say("created")}, {Text: t.say("state")}}}
	for _, q := range all {
		table.Rows = append(table.Rows, []web.Cell{
			{Body: []web.Component{web.Link{Text: q.Code, Href: "/desk/papers/" + q.Code}}}, {Text: q.Reference}, {Text: i18n.FormatTime(t.lang, q.Created)},
			{Body: []web.Component{t.requestState(q)}},
		})
	}
	if len(all) == 0 {
		body.Parts = append(body.Parts, web.EmptyState{Title: t.say("desk.none"), Text: t.say("desk.none_text"), Icon: "document"})
	} else {
		body.Parts = append(body.Parts, web.Scroll{Label: t.say("desk.caption"), Body: []web.Component{table}})
	}
	for _, p := range packs {
		body.Aside = append(body.Aside, web.Heading{Text: t.say("desk.ask")}, web.Paragraph{Text: t.say("desk.ask_text", "pack", p.Title.In(t.lang))},
			web.Form{Action: "/desk/papers", Hidden: []web.Hidden{{Name: "service", Value: p.Service}}, Body: []web.Component{
				web.Input{Name: "reference", Label: web.Label{Text: t.say("reference")}, Hint: &web.Hint{Text: t.say("desk.reference_hint")}, ErrorMessage: web.ErrorFor(wrong, "reference"), Value: r.PostFormValue("reference")},
				web.Button{Text: t.say("desk.ask_button"), PreventDoubleClick: web.On},
			}})
	}
	return t.desk(w, r, web.Page{Errors: wrong}, body)
}

func (b *Broker) postAsk(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "broker.bad_form").Wrap(err)
	}
	made, err := b.Ask(r.Context(), r.PostForm.Get("service"), r.PostForm.Get("reference"))
	if errs.CodeOf(err) == "broker.bad_reference" {
		return b.deskPage(w, r, []web.FieldError{{Field: "reference", Text: b.teller(r).problem(err)}})
	}
	if err != nil {
		return err
	}
	return see(w, r, "/desk/papers/"+made.Code)
}

// showOurs is a request before anything is asked of a register.
func (b *Broker) showOurs(w http.ResponseWriter, r *http.Request) error {
	t := b.teller(r)
	q, err := b.Ours(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	rows := []web.Row{web.Fact(t.say("created"), i18n.FormatTime(t.lang, q.Created)), web.Fact(t.say("purpose"), t.named(t.d.Words.PurposeTitle, q.Pack.Purpose))}
	if q.Reference != "" {
		rows = append(rows, web.Fact(t.say("reference"), q.Reference))
	}
	given := false
	var papers []web.Row
	for _, p := range q.Papers {
		given = given || p.State == PaperGiven
		papers = append(papers, web.Row{Key: web.Term{Text: p.Evidence.Title.In(t.lang)}, Value: web.Term{Body: []web.Component{t.state(p)}}})
	}
	body := web.Plain{Title: q.Pack.Title.In(t.lang), Caption: q.Code, Aside: []web.Component{web.Heading{Text: t.say("desk.request")}, web.SummaryList{Rows: rows}}}
	switch {
	case q.Decided.IsZero() && b.open(q) != nil:
		body.Parts = append(body.Parts, web.InsetText{Text: t.problem(b.open(q))})
	case q.Decided.IsZero():
		body.Parts = append(body.Parts, web.InsetText{Text: t.say("desk.waiting", "until", t.day(q.Until))})
		if !q.Claimed() {
			body.Parts = append(body.Parts, web.Paragraph{Text: t.say("desk.send")}, web.Pre{Text: b.d.Origin + "/papers/" + q.Code, Code: true})
		}
	case given:
		body.Lead = t.say("desk.ready")
		body.Parts = append(body.Parts, t.fetch(q, "desk.fetch"))
	default:
		body.Parts = append(body.Parts, web.InsetText{Text: t.say("desk.all_refused")})
	}
	body.Parts = append(body.Parts, web.Heading{Text: t.say("asked.papers")}, web.SummaryList{Rows: papers})
	return t.desk(w, r, web.Page{BackLink: &web.BackLink{Href: "/desk/papers"}}, body)
}

func (t teller) fetch(q Request, key string) web.Form {
	return web.Form{Action: "/desk/papers/" + q.Code, Body: []web.Component{web.Button{Text: t.say(key), PreventDoubleClick: web.On}}}
}

// postExtracts shows all papers on one screen, as the registers answer now.
func (b *Broker) postExtracts(w http.ResponseWriter, r *http.Request) error {
	t := b.teller(r)
	q, extracts, err := b.Extracts(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	var parts []web.Component
	refused := 0
	for _, x := range extracts {
		switch {
		case x.State == PaperRefused:
			parts = append(parts, t.card(x.Paper, []web.Row{web.Fact(t.say("result"), t.say("desk.refused"))}))
		case x.Err != nil:
			refused++
			parts = append(parts, t.card(x.Paper, []web.Row{web.Fact(t.say("result"), t.problem(x.Err))}))
		default:
			parts = append(parts, t.card(x.Paper, append(t.records(x), t.proof(q, x)...)))
		}
	}
	page := web.Page{BackLink: &web.BackLink{Href: "/desk/papers/" + q.Code}}
	body := web.Plain{Title: t.say("extracts.title"), Caption: q.Pack.Title.In(t.lang) + " · " + q.Code, Lead: t.say("extracts.lead"), Parts: []web.Component{web.Sheets(parts)}}
	if refused > 0 {
		body.Lead = ""
		body.Parts = append([]web.Component{web.Alert{Variant: "warning", Text: t.say("extracts.closed", "n", refused)}}, body.Parts...)
	}
	return t.desk(w, r, page, body)
}

// proof is when and how a paper came, with the receipts of its accesses.
func (t teller) proof(q Request, x Extract) []web.Row {
	receipts := web.Fact(t.say("receipts"), "")
	for i, e := range x.Events {
		receipts.Value.Body = append(receipts.Value.Body, web.Link{
			Text: t.say("receipt", "n", strconv.Itoa(i+1)), Hidden: x.Evidence.Title.In(t.lang), Href: "/desk/papers/" + q.Code + "/receipts/" + e,
		})
	}
	return []web.Row{web.Fact(t.say("at"), i18n.FormatTime(t.lang, x.At)), web.Fact(t.say("message"), x.Message), receipts}
}

func (b *Broker) sendReceipt(w http.ResponseWriter, r *http.Request) error {
	event := r.PathValue("event")
	file, err := b.Receipt(r.Context(), r.PathValue("code"), event)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="bien-nhan-`+event+`.dinh-receipt"`)
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(file)
	return err
}
