package workspace

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// view is one request being answered: who asks, in which language.
type view struct {
	*Workspace
	w    http.ResponseWriter
	req  *http.Request
	lang i18n.Lang
	who  auth.Principal
}

func (x *Workspace) view(w http.ResponseWriter, req *http.Request) view {
	return view{Workspace: x, w: w, req: req, lang: i18n.LangFrom(req.Context()), who: auth.From(req.Context())}
}

func (v view) t(key string, kv ...any) string {
	return v.d.Pages.T(v.lang, "workspace."+key, kv...)
}

func (v view) count(n int) string { return i18n.FormatInt(v.lang, int64(n)) }

func (v view) day(c cases.Case) string {
	return i18n.FormatDate(v.lang, v.d.Calendar.DateOf(c.Due))
}

// show answers with a page of the desk made of parts.
func (v view) show(p web.Page, body web.Plain) error {
	p.Officer, p.Wide, p.Data = true, true, body
	if p.Section == "" {
		p.Section = "desk"
	}
	return v.d.Pages.Show(v.w, v.req, p)
}

func (v view) back(href, key string) *web.BackLink {
	return &web.BackLink{Href: href, Text: v.t(key)}
}

func (v view) redirect(path string) error {
	http.Redirect(v.w, v.req, path, http.StatusSeeOther)
	return nil
}

// news is what was just done, carried in the address by the redirect after a
// form; only known words are shown.
func (v view) news() *web.Alert {
	switch n := v.req.URL.Query().Get("news"); n {
	case "claimed", "taken", "unclaimed", "resumed", "approve", "refuse", "return", "other":
		return &web.Alert{Variant: "success", Text: v.t("news." + n)}
	case "none":
		return &web.Alert{Text: v.t("news.none")}
	}
	return nil
}

func (x *Workspace) showDesk(w http.ResponseWriter, req *http.Request) error {
	v, ctx := x.view(w, req), req.Context()
	queues, err := x.d.Cases.Queues(ctx)
	if err != nil {
		return err
	}
	mine, err := x.d.Cases.Mine(ctx)
	if err != nil {
		return err
	}
	var sum cases.QueueCount
	for _, q := range queues {
		sum.Unassigned += q.Unassigned
		sum.Overdue += q.Overdue
		sum.DueToday += q.DueToday
	}
	table, err := v.caseTable(mine, caseList{caption: v.t("desk.mine"), empty: v.t("desk.mine_none")})
	if err != nil {
		return err
	}
	return v.show(web.Page{Title: v.t("desk.title"), Flash: v.news()}, web.Plain{
		Title: v.t("desk.title"), Lead: v.t("desk.greeting", "name", v.who.Name),
		Parts: []web.Component{
			web.StatTiles{
				{Label: v.t("desk.waiting"), Value: v.count(sum.Unassigned), Href: "#queues"},
				{Label: v.t("desk.mine"), Value: v.count(len(mine)), Href: "#mine"},
				{Label: v.t("desk.due_today"), Value: v.count(sum.DueToday), Tone: tone("warn", sum.DueToday)},
				{Label: v.t("desk.overdue"), Value: v.count(sum.Overdue), Tone: tone("bad", sum.Overdue)},
			},
			web.Heading{Text: v.t("desk.queues"), ID: "queues"},
			v.queueTable(queues),
			web.Heading{Text: v.t("desk.mine"), ID: "mine"},
			table,
		},
	})
}

func tone(t string, n int) string {
	if n == 0 {
		return ""
	}
	return t
}

// queueName is how people call a queue: by the services that fill it.
func (v view) queueName(q cases.QueueCount) string {
	if q.Queue == "" {
		return v.t("queue.elsewhere")
	}
	var names []string
	for _, s := range q.Services {
		names = append(names, s.In(v.lang))
	}
	if len(names) == 0 {
		return v.t("queue.title")
	}
	return strings.Join(names, ", ")
}

func queuePath(queue string) string { return "/desk/queues/" + url.PathEscape(queue) }

func (v view) nextButton(q cases.QueueCount, classes string) web.Component {
	return web.Form{Action: queuePath(q.Queue) + "/next", Body: []web.Component{
		web.Button{HTML: v.hidden(v.t("queue.next"), v.queueName(q)), Classes: classes, PreventDoubleClick: web.On},
	}}
}

func (v view) queueTable(queues []cases.QueueCount) web.Component {
	if len(queues) == 0 {
		return web.EmptyState{Title: v.t("desk.queues_none"), Text: v.t("desk.queues_none_text"), Icon: "document"}
	}
	head := []web.Cell{{Text: v.t("queue.name")}}
	for _, k := range []string{"queue.unclaimed", "queue.open", "desk.due_today", "desk.overdue"} {
		head = append(head, web.Cell{Text: v.t(k), Format: "numeric"})
	}
	table := web.Table{Caption: v.t("desk.queues"), CaptionClasses: "govuk-visually-hidden", Head: head}
	for _, q := range queues {
		name := []web.Component{web.Link{Text: v.queueName(q), Href: queuePath(q.Queue)}}
		if q.Unassigned > 0 {
			name = append(name, web.Markup("<br>"), v.nextButton(q, "govuk-button--secondary govuk-!-margin-top-2 govuk-!-margin-bottom-0"))
		}
		row := []web.Cell{{Body: name}}
		for _, n := range []int{q.Unassigned, q.Open, q.DueToday, q.Overdue} {
			row = append(row, web.Cell{Text: v.count(n), Format: "numeric"})
		}
		table.Rows = append(table.Rows, row)
	}
	return web.Scroll{Label: v.t("desk.queues"), Body: []web.Component{table}}
}

// caseList says how a table of cases is headed.
type caseList struct {
	caption, empty string
	assignee       bool // show who has the case
}

func (v view) caseTable(list []cases.Case, l caseList) (web.Component, error) {
	if len(list) == 0 {
		return web.InsetText{Text: l.empty}, nil
	}
	if err := v.d.Cases.Names(v.req.Context(), list); err != nil {
		return nil, err
	}
	// what is urgent stands where a narrow screen shows it without scrolling
	keys := []string{"case.code", "case.due", "case.applicant", "case.service", "case.received"}
	if l.assignee {
		keys = append(keys, "case.assignee")
	} else {
		keys = append(keys, "case.state")
	}
	table := web.Table{Caption: l.caption, CaptionClasses: "govuk-visually-hidden"}
	for _, k := range keys {
		table.Head = append(table.Head, web.Cell{Text: v.t(k)})
	}
	for _, k := range list {
		due, err := v.due(k)
		if err != nil {
			return nil, err
		}
		row := []web.Cell{
			{Body: []web.Component{web.Link{Text: k.Code, Href: "/desk/cases/" + k.ID, Classes: "dinh-code"}}},
			{Body: due}, {Text: k.Applicant}, {Text: k.Title.In(v.lang)},
			{Text: i18n.FormatDate(v.lang, v.d.Calendar.DateOf(k.Opened))},
		}
		if l.assignee {
			row = append(row, web.Cell{Text: v.assignee(k)})
		} else {
			row = append(row, web.Cell{Body: []web.Component{v.stateTag(k)}})
		}
		table.Rows = append(table.Rows, row)
	}
	return web.Scroll{Label: l.caption, Body: []web.Component{table}}, nil
}

// due is the promised day and how far it is, in words on a coloured ground.
func (v view) due(k cases.Case) ([]web.Component, error) {
	p, err := promised(k, v.d.Calendar, v.d.Clock.Now())
	if err != nil {
		return nil, err
	}
	tag := web.Coloured(p.colour, v.t(p.key, "days", p.days))
	if k.Due.IsZero() || k.Paused || k.Final != "" {
		return []web.Component{tag}, nil
	}
	return []web.Component{lines(v.day(k)), web.Markup("<br>"), tag}, nil
}

func (v view) assignee(k cases.Case) string {
	switch k.Assignee {
	case "":
		return v.t("case.unclaimed")
	case v.who.Officer:
		return v.t("case.you")
	}
	return v.t("case.colleague")
}

// stateTag colours the dossier status; the words are the definition's.
func (v view) stateTag(k cases.Case) web.Tag {
	colour := "blue"
	switch {
	case k.Stuck != "":
		return web.Coloured("red", v.t("case.stuck"))
	case k.Final == "approved":
		colour = "green"
	case k.Final != "":
		colour = "grey"
	case k.Status == 5: // the definition's words speak to the applicant
		return web.Coloured("purple", v.t("case.status.5"))
	case k.Paused:
		colour = "purple"
	}
	return web.Coloured(colour, k.StateTitle.In(v.lang))
}

func (x *Workspace) showQueue(w http.ResponseWriter, req *http.Request) error {
	v, ctx := x.view(w, req), req.Context()
	q := cases.QueueCount{Queue: req.PathValue("queue")}
	queues, err := x.d.Cases.Queues(ctx)
	if err != nil {
		return err
	}
	for _, c := range queues {
		if c.Queue == q.Queue {
			q = c
		}
	}
	ask := cases.QueueQuery{Queue: q.Queue, Only: only(req), Page: pageOf(req)}
	list, err := x.d.Cases.Queue(ctx, ask)
	if err != nil {
		return err
	}
	table, err := v.caseTable(list, caseList{caption: v.queueName(q), empty: v.t("queue.none"), assignee: true})
	if err != nil {
		return err
	}
	parts := []web.Component{}
	if q.Unassigned > 0 {
		parts = append(parts, v.nextButton(q, ""))
	}
	parts = append(parts, v.queueViews(q, ask.Only), table)
	if turn := v.turnPages(ask, len(list)); turn != nil {
		parts = append(parts, turn)
	}
	return v.show(web.Page{Title: v.queueName(q), BackLink: v.back("/desk", "desk.title"), Flash: v.news()}, web.Plain{
		Title: v.queueName(q), Caption: v.t("queue.title"), Lead: v.t("queue.lead", "open", q.Open, "unclaimed", q.Unassigned), Parts: parts,
	})
}

func only(req *http.Request) string {
	switch o := req.URL.Query().Get("only"); o {
	case cases.OnlyUnclaimed, cases.OnlyMine:
		return o
	}
	return ""
}

func pageOf(req *http.Request) int {
	n, err := strconv.Atoi(req.URL.Query().Get("page"))
	if err != nil || n < 1 || n > 10000 {
		return 0
	}
	return n - 1
}

func (v view) queueViews(q cases.QueueCount, only string) web.Component {
	nav := web.SubNavigation{Label: v.t("queue.views")}
	for _, o := range []string{"", cases.OnlyUnclaimed, cases.OnlyMine} {
		item := web.NavLink{Href: queuePath(q.Queue), Active: o == only, Text: v.t("queue.view.all")}
		if o != "" {
			item.Href += "?only=" + o
			item.Text = v.t("queue.view." + o)
		}
		nav.Items = append(nav.Items, item)
	}
	return nav
}

func (v view) turnPages(ask cases.QueueQuery, shown int) web.Component {
	link := func(page int) *web.PageLink {
		q := url.Values{"page": {strconv.Itoa(page + 1)}}
		if ask.Only != "" {
			q.Set("only", ask.Only)
		}
		return &web.PageLink{Href: queuePath(ask.Queue) + "?" + q.Encode()}
	}
	var p web.Pagination
	if ask.Page > 0 {
		p.Previous = link(ask.Page - 1)
	}
	if shown == cases.PageSize {
		p.Next = link(ask.Page + 1)
	}
	if p.Previous == nil && p.Next == nil {
		return nil
	}
	return p
}

func (x *Workspace) takeNext(w http.ResponseWriter, req *http.Request) error {
	v, queue := x.view(w, req), req.PathValue("queue")
	id, err := x.d.Cases.Next(req.Context(), queue)
	if err != nil {
		return err
	}
	if id == "" {
		return v.redirect(queuePath(queue) + "?news=none")
	}
	return v.redirect("/desk/cases/" + id + "?news=taken")
}

// dossierCode is all that an address may search for; people are searched for
// by posting, so that no history or log of addresses holds them.
var dossierCode = regexp.MustCompile(`^[A-Z][0-9]{2}(\.[0-9]{2})+-[0-9]{6}-[0-9]{4,}$`)

func (x *Workspace) showSearch(w http.ResponseWriter, req *http.Request) error {
	v := x.view(w, req)
	q := strings.TrimSpace(req.PostFormValue("q"))
	if code := req.URL.Query().Get("q"); q == "" && dossierCode.MatchString(code) {
		q = code
	}
	parts := []web.Component{web.Search{Action: "/desk/search", Method: "post", Value: q, Label: v.t("search.label")}}
	page := web.Page{Title: v.t("search.title"), Section: "search"}
	if q != "" {
		list, err := x.d.Cases.Search(req.Context(), q)
		if err != nil {
			return err
		}
		page.Title = v.t("search.title_for", "q", q)
		found := v.t("search.found", "n", len(list))
		if len(list) == 1 {
			found = v.t("search.found_one")
		}
		if len(list) == cases.PageSize {
			found = v.t("search.many", "n", len(list))
		}
		if len(list) > 0 {
			parts = append(parts, web.Heading{Text: found, Classes: "govuk-!-margin-top-6"})
		}
		table, err := v.caseTable(list, caseList{caption: found, empty: v.t("search.none", "q", q)})
		if err != nil {
			return err
		}
		parts = append(parts, table)
	}
	return v.show(page, web.Plain{Title: v.t("search.title"), Lead: v.t("search.lead"), Parts: parts})
}

func (x *Workspace) showFigures(w http.ResponseWriter, req *http.Request) error {
	v := x.view(w, req)
	figures, err := x.d.Cases.Figures(req.Context())
	if err != nil {
		return err
	}
	page := web.Page{Title: v.t("figures.title"), Section: "figures"}
	body := web.Plain{Title: page.Title, Lead: v.t("figures.lead")}
	if len(figures) == 0 {
		body.Parts = []web.Component{web.EmptyState{Title: v.t("desk.queues_none"), Icon: "data"}}
		return v.show(page, body)
	}
	table := web.Table{Caption: v.t("figures.title"), CaptionClasses: "govuk-visually-hidden", FirstCellIsHeader: true, Head: []web.Cell{{Text: v.t("queue.name")}}}
	for _, k := range []string{"queue.open", "queue.unclaimed", "figures.in_time", "desk.due_today", "desk.overdue", "figures.stopped"} {
		table.Head = append(table.Head, web.Cell{Text: v.t(k), Format: "numeric"})
	}
	var sum cases.QueueCount
	row := func(name string, q cases.QueueCount) {
		cells := []web.Cell{{Text: name}}
		for _, n := range []int{q.Open, q.Unassigned, q.Open - q.DueToday - q.Overdue - q.Stopped, q.DueToday, q.Overdue, q.Stopped} {
			cells = append(cells, web.Cell{Text: v.count(n), Format: "numeric"})
		}
		table.Rows = append(table.Rows, cells)
	}
	for _, q := range figures {
		if q.Queue == "" {
			q.Unassigned = 0 // nobody is waited for
		}
		row(v.queueName(q), q)
		sum.Open, sum.Unassigned, sum.Stopped = sum.Open+q.Open, sum.Unassigned+q.Unassigned, sum.Stopped+q.Stopped
		sum.DueToday, sum.Overdue = sum.DueToday+q.DueToday, sum.Overdue+q.Overdue
	}
	row(v.t("figures.sum"), sum)
	body.Parts = []web.Component{web.Scroll{Label: v.t("figures.title"), Body: []web.Component{table}}, web.Paragraph{Text: v.t("figures.note"), Classes: "govuk-hint"}}
	return v.show(page, body)
}
