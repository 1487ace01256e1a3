package directory

import (
	"net/http"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (g *Registry) pages() []httpx.Route {
	if g.view == nil {
		return nil
	}
	registrar := auth.AnyOf(auth.Operator(), auth.Officer(RoleRegistrar))
	return []httpx.Route{
		{Method: "GET", Path: "/directory/join", Access: auth.Public(), Page: true, Handle: g.showJoin},
		{Method: "POST", Path: "/directory/join", Access: auth.Public(), Page: true, Body: maxRequest, Handle: g.sendJoin},
		{Method: "GET", Path: "/directory/follow/{secret}", Access: auth.Public(), Page: true, Handle: g.showFollow},
		{Method: "POST", Path: "/directory/follow/{secret}/challenge", Access: auth.Public(), Page: true, Handle: g.sendChallenge},
		{Method: "POST", Path: "/directory/follow/{secret}/proof", Access: auth.Public(), Page: true, Body: maxRequest, Handle: g.sendProof},
		{Method: "GET", Path: "/desk/directory", Access: registrar, Page: true, Handle: g.showDesk},
		{Method: "GET", Path: "/desk/directory/requests/{id}", Access: registrar, Page: true, Handle: g.showRequest},
		{Method: "POST", Path: "/desk/directory/requests/{id}/approve", Access: registrar, Page: true, Handle: g.sendApproval},
		{Method: "POST", Path: "/desk/directory/requests/{id}/refuse", Access: registrar, Page: true, Handle: g.sendRefusal},
		{Method: "GET", Path: "/desk/directory/members/{class}/{code}", Access: registrar, Page: true, Handle: g.showMember},
		{Method: "POST", Path: "/desk/directory/members/{class}/{code}", Access: registrar, Page: true, Handle: g.sendMeasure},
	}
}

// teller says things in the reader's language.
type teller struct {
	g    *Registry
	lang i18n.Lang
	now  time.Time
}

func (g *Registry) teller(r *http.Request) teller {
	return teller{g, i18n.LangFrom(r.Context()), g.clock.Now()}
}

func (t teller) say(key string, kv ...any) string { return t.g.view.T(t.lang, "directory."+key, kv...) }

func (t teller) date(at time.Time) string {
	return i18n.FormatDate(t.lang, at.In(i18n.Zone()).Format(time.DateOnly))
}

// wrong turns the fields of a refusal into errors beside the controls; false when
// it is none of that sort.
func (t teller) wrong(err error, control func(string) string) ([]web.FieldError, bool) {
	e, ok := errs.As(err)
	if !ok || len(e.Fields) == 0 {
		return nil, false
	}
	var out []web.FieldError
	for _, f := range e.Fields {
		kv := []any{}
		for name, v := range f.Args {
			kv = append(kv, name, v)
		}
		out = append(out, web.FieldError{Field: control(f.Name), Text: t.g.view.T(t.lang, "error."+f.Code, kv...)})
	}
	return out, true
}

func same(field string) string { return field }

// state is how a request stands, as a coloured word.
func (t teller) state(r Request) web.Tag {
	colour := map[string]string{Asked: "grey", Proved: "yellow", Approved: "green", Refused: "red", Lapsed: "grey", Ended: "red"}[r.State]
	return web.Tag{Text: t.say("state." + r.State), Classes: "govuk-tag--" + colour}
}

func (t teller) status(m Member) web.Tag {
	switch m.Status {
	case Suspended:
		return web.Tag{Text: t.say("status.suspended"), Classes: "govuk-tag--yellow"}
	case Removed:
		return web.Tag{Text: t.say("status.removed"), Classes: "govuk-tag--red"}
	}
	return web.Tag{Text: t.say("status.active"), Classes: "govuk-tag--green"}
}

// ends says when something ends, and warns in colour when that is soon.
func (t teller) ends(at time.Time) web.Cell {
	left := at.Sub(t.now)
	days := int(left.Hours() / 24)
	warn := func(text, colour string) web.Cell {
		return web.Cell{Body: []web.Component{web.Tag{Text: text, Classes: "govuk-tag--" + colour}}}
	}
	switch {
	case at.IsZero():
		return web.Cell{Text: t.say("no_end")}
	case left < 0:
		return warn(t.say("ended", "date", t.date(at)), "red")
	case left < certificateAlarm:
		return warn(t.say("ends_soon", "date", t.date(at), "n", days), "orange")
	}
	return web.Cell{Text: t.say("ends", "date", t.date(at), "n", days)}
}

// facts are what an application says, for whoever reads it.
func (t teller) facts(a Application) []web.Row {
	var systems []string
	for _, s := range a.Subsystems {
		systems = append(systems, s.Code+" · "+s.Name.In(t.lang))
	}
	public, _ := parsePublic(a.Key)
	rows := []web.Row{
		web.Fact(t.say("id"), a.Member()),
		web.Fact(t.say("name_vi"), a.Name.VI), web.Fact(t.say("name_en"), a.Name.EN), web.Fact(t.say("email"), a.Email),
		{Key: web.Term{Text: t.say("systems")}, Value: web.Term{Body: []web.Component{web.List{Items: systems}}}},
		web.Fact(t.say("node"), a.NodeID()), web.Fact(t.say("address"), strings.ReplaceAll(a.Address, ",", ", ")),
	}
	if public != nil {
		rows = append(rows, web.Fact(t.say("key"), Thumbprint(public)))
	}
	return rows
}

// code keeps long keys and certificates from widening a narrow page.
func code(label, text string) web.Component {
	return web.Scroll{Label: label, Body: []web.Component{web.Pre{Text: text, Code: true}}}
}
