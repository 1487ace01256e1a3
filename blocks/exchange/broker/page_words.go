package broker

import (
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// teller says things in the reader's language.
type teller struct {
	*Broker
	lang i18n.Lang
}

func (b *Broker) teller(r *http.Request) teller { return teller{b, i18n.LangFrom(r.Context())} }

func (t teller) say(key string, kv ...any) string { return t.d.Pages.T(t.lang, "broker."+key, kv...) }

func (t teller) named(find func(string) (i18n.Text, bool), id string) string {
	if n, ok := find(id); ok {
		return n.In(t.lang)
	}
	return id
}

// member is the organisation of a subsystem.
func (t teller) member(s exchange.SubsystemID) string {
	return t.named(t.d.Words.MemberName, s.Owner().String())
}

func (t teller) register(e Evidence) string {
	return t.named(t.d.Words.ServiceTitle, t.d.Instance+"/"+e.Service)
}

// keeper is who keeps the register.
func (t teller) keeper(e Evidence) string {
	s, err := exchange.ParseService(t.d.Instance + "/" + e.Service)
	if err != nil {
		return e.Service
	}
	return t.named(t.d.Words.MemberName, s.Owner().String())
}

func (t teller) label(e Evidence, field string) string {
	if n, ok := t.d.Words.FieldLabel(t.d.Instance+"/"+e.Service, field); ok {
		return n.In(t.lang)
	}
	return field
}

func (t teller) day(at time.Time) string {
	return i18n.FormatDate(t.lang, at.In(i18n.Zone()).Format(time.DateOnly))
}

// problem says why there is no answer, with organisations and registers by name.
func (t teller) problem(err error) string {
	e, ok := errs.As(err)
	if !ok {
		return t.say("no_answer")
	}
	kv := []any{}
	for k, v := range e.Args {
		id, _ := v.(string)
		switch k {
		case "client":
			if s, err := exchange.ParseSubsystem(id); err == nil {
				v = t.member(s)
			}
		case "service":
			v = t.named(t.d.Words.ServiceTitle, id)
		}
		kv = append(kv, k, v)
	}
	return t.d.Pages.T(t.lang, "error."+e.Code, kv...)
}

// facts are what a consent says, in plain words.
func (t teller) facts(r Request) []web.Row {
	p := r.Pack
	keep := t.say("keep_none")
	if p.Keep > 0 {
		keep = t.say("keep_days", "n", p.Keep)
	}
	return []web.Row{
		web.Fact(t.say("who"), t.member(r.Client)), web.Fact(t.say("purpose"), t.named(t.d.Words.PurposeTitle, p.Purpose)), web.Fact(t.say("legal"), p.Legal),
		web.Fact(t.say("how_long"), t.say("days", "n", p.Days)), web.Fact(t.say("how_often"), t.say("times", "n", p.Times)), web.Fact(t.say("keep"), keep),
	}
}

// records shows what a register says, field by field and nothing else.
func (t teller) records(x Extract) []web.Row {
	var rows []web.Row
	for i, data := range x.Records {
		if len(x.Records) > 1 {
			rows = append(rows, web.Fact(t.say("record", "n", i+1, "of", len(x.Records)), ""))
		}
		for _, f := range x.Evidence.Fields {
			v := t.d.Words.Value(t.d.Instance+"/"+x.Evidence.Service, f, data, t.lang)
			if v == "" {
				v = t.say("nothing")
			}
			rows = append(rows, web.Fact(t.label(x.Evidence, f), v))
		}
	}
	if len(rows) == 0 {
		rows = append(rows, web.Fact(t.say("result"), x.Evidence.None.In(t.lang)))
	}
	return rows
}

// card frames one paper under its title and source.
func (t teller) card(p Paper, rows []web.Row) web.SummaryList {
	source := web.Fact(t.say("source"), t.register(p.Evidence)+" · "+t.keeper(p.Evidence))
	return web.SummaryList{
		Card: &web.Card{Title: &web.CardTitle{Text: p.Evidence.Title.In(t.lang), HeadingLevel: "2"}},
		Rows: append([]web.Row{source}, rows...),
	}
}

// state is how far a paper has come, as a coloured word.
func (t teller) state(p Paper) web.Tag {
	word, colour := string(p.State), map[PaperState]string{PaperAsked: "grey", PaperSeen: "grey", PaperRefused: "red", PaperGiven: "green"}[p.State]
	if p.State == PaperSeen {
		word = string(PaperAsked)
	}
	if p.State == PaperGiven && p.Consent != exchange.ConsentStands {
		word, colour = string(p.Consent), "red"
	}
	return web.Coloured(colour, t.say("state."+word))
}

// requestState is how far a request has come.
func (t teller) requestState(r Request) web.Tag {
	switch {
	case !r.Decided.IsZero():
		return web.Coloured("green", t.say("request.decided"))
	case !t.d.Clock.Now().Before(r.Until):
		return web.Coloured("grey", t.say("request.expired"))
	}
	return web.Coloured("blue", t.say("request.waiting"))
}
