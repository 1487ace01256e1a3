package directory

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/web"
)

// desk shows a page of the registrars.
func (g *Registry) desk(w http.ResponseWriter, r *http.Request, p web.Page) error {
	p.Section, p.Officer, p.Wide = "directory", true, true
	return g.view.Show(w, r, p)
}

// showDesk lists what waits and what ends soon.
func (g *Registry) showDesk(w http.ResponseWriter, r *http.Request) error {
	all, err := g.Requests(r.Context(), auth.From(r.Context()))
	if err != nil {
		return err
	}
	t := g.teller(r)
	var waiting, decided []Request
	for _, req := range all {
		switch req.State {
		case Proved:
			waiting = append(waiting, req)
		case Approved, Refused, Ended:
			decided = append(decided, req)
		}
	}
	body := web.Plain{Title: t.say("desk.title"), Lead: t.say("desk.lead"), Parts: []web.Component{t.tiles(len(waiting)), web.Heading{Text: t.say("desk.waiting")}}}
	if len(waiting) == 0 {
		body.Parts = append(body.Parts, web.EmptyState{Title: t.say("desk.nothing"), Text: t.say("desk.nothing_text"), Icon: "people"})
	} else {
		body.Parts = append(body.Parts, t.requestTable(t.say("desk.waiting"), waiting))
	}
	body.Parts = append(body.Parts, web.Heading{Text: t.say("desk.members")}, t.memberTable())
	if len(decided) > 0 {
		body.Parts = append(body.Parts, web.Heading{Text: t.say("desk.decided")}, t.requestTable(t.say("desk.decided"), decided))
	}
	return g.desk(w, r, web.Page{Title: body.Title, Data: body})
}

// tiles are the figures that a registrar looks at first.
func (t teller) tiles(waiting int) web.StatTiles {
	doc := &t.g.directory.now.Load().doc
	soon, members := 0, 0
	for _, n := range doc.Nodes {
		if last := lastUntil(n); last.Sub(t.now) < certificateAlarm {
			soon++
		}
	}
	for _, m := range doc.Members {
		if m.Status == "" {
			members++
		}
	}
	tone := func(n int, bad string) string {
		if n > 0 {
			return bad
		}
		return "good"
	}
	expired := "good"
	if t.g.directory.Expired(t.now) {
		expired = "bad"
	}
	return web.StatTiles{
		{Value: strconv.Itoa(waiting), Label: t.say("desk.tile_waiting"), Tone: tone(waiting, "warn")},
		{Value: strconv.Itoa(members), Label: t.say("desk.tile_members")},
		{Value: strconv.Itoa(soon), Label: t.say("desk.tile_soon"), Tone: tone(soon, "bad")},
		{Value: strconv.FormatInt(doc.Version, 10), Label: t.say("desk.tile_version"), Detail: t.say("desk.tile_until", "date", t.date(doc.Expires)), Tone: expired},
	}
}

func (t teller) requestTable(label string, all []Request) web.Component {
	table := web.Table{Head: []web.Cell{{Text: t.say("desk.member")}, {Text: t.say("desk.what")}, {Text: t.say("desk.since")}, {Text: t.say("desk.voices"), Format: "numeric"}, {Text: t.say("desk.state")}}}
	for _, r := range all {
		yes := 0
		for _, v := range r.Votes {
			if v.Verdict == Approved {
				yes++
			}
		}
		table.Rows = append(table.Rows, []web.Cell{
			{Body: []web.Component{web.Link{Text: t.called(r), Href: "/desk/directory/requests/" + r.ID}}},
			{Text: t.say("kind." + r.Kind)}, {Text: t.date(cmp.Or(r.DecidedAt, r.AskedAt))}, {Text: strconv.Itoa(yes) + "/" + strconv.Itoa(voicesNeeded), Format: "numeric"}, {Body: []web.Component{t.state(r)}},
		})
	}
	return web.Scroll{Label: label, Body: []web.Component{table}}
}

// called is the name of whom a request is about.
func (t teller) called(r Request) string {
	name := r.Application.Name
	if m, ok := t.g.directory.Member(r.Member); ok && name.IsZero() {
		name = m.Name
	}
	return name.In(t.lang) + " (" + r.Member + ")"
}

// memberTable is the expiry dashboard: what ends first stands on top.
func (t teller) memberTable() web.Component {
	members := slices.Clone(t.g.directory.Members())
	end := func(m Member) time.Time {
		n, _ := t.g.directory.Node(m.Node)
		return lastUntil(n)
	}
	slices.SortStableFunc(members, func(a, b Member) int {
		if (a.Status == "") != (b.Status == "") {
			return cmp.Compare(a.Status, b.Status)
		}
		return end(a).Compare(end(b))
	})
	table := web.Table{Head: []web.Cell{{Text: t.say("desk.member")}, {Text: t.say("desk.state")}, {Text: t.say("desk.node")}, {Text: t.say("desk.certificate")}, {Text: t.say("desk.key")}}}
	for _, m := range members {
		row := []web.Cell{
			{Body: []web.Component{web.Link{Text: m.Name.In(t.lang) + " (" + m.ID() + ")", Href: "/desk/directory/members/" + m.ID()}}},
			{Body: []web.Component{t.status(m)}}, {Text: cmp.Or(m.Node, "–")}, {Text: "–"}, {Text: "–"},
		}
		if at := end(m); m.Node != "" && !at.IsZero() {
			row[3] = t.ends(at)
		}
		if k, ok := keyInUse(m, t.now); ok {
			row[4] = web.Cell{Text: t.say("desk.key_since", "date", t.date(k.From))}
		}
		table.Rows = append(table.Rows, row)
	}
	return web.Scroll{Label: t.say("desk.members"), Body: []web.Component{table}}
}

// keyInUse is the newest key of a member that counts.
func keyInUse(m Member, now time.Time) (k Key, ok bool) {
	for _, have := range m.Keys {
		if have.ValidAt(now) {
			k, ok = have, true
		}
	}
	return k, ok
}

func (g *Registry) showMember(w http.ResponseWriter, r *http.Request) error {
	return g.memberPage(w, r, "", "", nil)
}

// memberPage shows keys and certificates of a member, and lets a registrar propose
// what is to become of it.
func (g *Registry) memberPage(w http.ResponseWriter, r *http.Request, measure, reason string, wrong []web.FieldError) error {
	p := auth.From(r.Context())
	if _, err := g.registrar(p); err != nil {
		return err
	}
	m, ok := g.directory.Member(r.PathValue("class") + "/" + r.PathValue("code"))
	if !ok {
		return errs.New(errs.NotFound, "directory.no_such_member")
	}
	t := g.teller(r)
	var systems []string
	for _, s := range m.Subsystems {
		systems = append(systems, s.Code+" · "+s.Name.In(t.lang))
	}
	rows := []web.Row{{Key: web.Term{Text: t.say("desk.state")}, Value: web.Term{Body: []web.Component{t.status(m)}}}, web.Fact(t.say("id"), m.ID())}
	if len(systems) > 0 {
		rows = append(rows, web.Row{Key: web.Term{Text: t.say("systems")}, Value: web.Term{Body: []web.Component{web.List{Items: systems}}}})
	}
	n, served := g.directory.Node(m.Node)
	if served {
		rows = append(rows, web.Fact(t.say("node"), n.ID), web.Fact(t.say("address"), n.Address))
	}
	body := web.Plain{Title: m.Name.In(t.lang), Caption: t.say("member.caption"), Parts: []web.Component{web.SummaryList{Rows: rows}, web.Heading{Text: t.say("member.keys")}, t.keyTable(m)}}
	if served {
		body.Parts = append(body.Parts, web.Heading{Text: t.say("member.certificates")}, t.certificateTable(n))
	}
	own, err := g.isOwn(r.Context(), m.ID())
	if err != nil {
		return err
	}
	if !own && m.Status != Removed {
		body.Parts = append(body.Parts, t.measures(m, measure, reason, wrong)...)
	}
	return g.desk(w, r, web.Page{Title: body.Title, Errors: wrong, BackLink: &web.BackLink{Href: "/desk/directory"}, Data: body})
}

func (t teller) measures(m Member, measure, reason string, wrong []web.FieldError) []web.Component {
	choices := []web.Choice{{Value: Suspend, Text: t.say("kind.suspend"), Hint: web.HintText(t.say("member.suspend_hint"))}, {Value: Remove, Text: t.say("kind.remove"), Hint: web.HintText(t.say("member.remove_hint"))}}
	if m.Status == Suspended {
		choices = choices[1:]
	}
	return []web.Component{
		web.Heading{Text: t.say("member.propose")}, web.Paragraph{Text: t.say("member.propose_text")},
		web.Form{Action: "/desk/directory/members/" + m.ID(), Body: []web.Component{
			web.Radios{Name: "measure", Value: measure, Items: choices, ErrorMessage: web.ErrorFor(wrong, "measure"), Fieldset: &web.Fieldset{Legend: web.Legend{Text: t.say("member.measure"), Classes: "govuk-fieldset__legend--s"}}},
			web.Textarea{Name: "reason", Value: reason, Rows: 3, Label: web.Label{Text: t.say("reason")}, Hint: web.HintText(t.say("member.reason_hint")), ErrorMessage: web.ErrorFor(wrong, "reason")},
			web.Button{Text: t.say("member.button"), Classes: "govuk-button--warning", PreventDoubleClick: web.On},
		}},
	}
}

func (t teller) keyTable(m Member) web.Component {
	table := web.Table{Head: []web.Cell{{Text: t.say("member.key")}, {Text: t.say("member.from")}, {Text: t.say("member.until")}}}
	for _, k := range m.Keys {
		table.Rows = append(table.Rows, []web.Cell{{Text: k.ID}, {Text: t.date(k.From)}, t.end(k.Until, k.RevokedAt)})
	}
	return web.Scroll{Label: t.say("member.keys"), Body: []web.Component{table}}
}

func (t teller) certificateTable(n Node) web.Component {
	table := web.Table{Head: []web.Cell{{Text: t.say("member.serial")}, {Text: t.say("member.from")}, {Text: t.say("member.until")}}}
	for _, c := range n.Certificates {
		table.Rows = append(table.Rows, []web.Cell{{Text: c.Serial}, {Text: t.date(c.From)}, t.end(c.Until, c.RevokedAt)})
	}
	return web.Scroll{Label: t.say("member.certificates"), Body: []web.Component{table}}
}

func (t teller) end(until, revoked time.Time) web.Cell {
	if !revoked.IsZero() {
		return web.Cell{Body: []web.Component{web.Tag{Text: t.say("revoked", "date", t.date(revoked)), Classes: "govuk-tag--red"}}}
	}
	return t.ends(until)
}

func (g *Registry) sendMeasure(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "directory.bad_form").Wrap(err)
	}
	kind, why := r.PostForm.Get("measure"), r.PostForm.Get("reason")
	t := g.teller(r)
	req, err := g.Propose(r.Context(), auth.From(r.Context()), kind, r.PathValue("class")+"/"+r.PathValue("code"), why)
	if wrong, ok := t.wrong(err, same); ok {
		return g.memberPage(w, r, kind, why, wrong)
	}
	if errs.CodeOf(err) == "directory.no_such_measure" {
		return g.memberPage(w, r, kind, why, []web.FieldError{{Field: "measure", Text: t.say("member.choose")}})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/directory/requests/"+req.ID, http.StatusSeeOther)
	return nil
}
