package catalogue

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// teller says things in the reader's language.
type teller struct {
	c    *Catalogue
	r    *http.Request
	lang i18n.Lang
	now  time.Time
}

func (c *Catalogue) teller(r *http.Request) teller {
	return teller{c: c, r: r, lang: i18n.LangFrom(r.Context()), now: c.d.Clock.Now()}
}

func (t teller) say(key string, kv ...any) string {
	return t.c.d.Pages.T(t.lang, "catalogue."+key, kv...)
}

// count picks the words for one or for several.
func (t teller) count(key string, n int) string {
	if n == 1 {
		return t.say(key + "_one")
	}
	return t.say(key, "n", i18n.FormatInt(t.lang, int64(n)))
}

// name is the name of a member, given its identifier or that of its system.
func (t teller) name(id string) string {
	if n, ok := t.c.d.Exchange.MemberName(t.r.Context(), id); ok {
		return n.In(t.lang)
	}
	return id
}

// system is the name of a subsystem, or its identifier.
func (t teller) system(s exchange.SubsystemID) string {
	members, err := t.c.d.Exchange.Members(t.r.Context())
	if err != nil {
		return s.String()
	}
	for _, m := range members {
		for _, sub := range m.Subsystems {
			if m.ID() == s.Owner() && sub.Code == s.Subsystem && !sub.Name.IsZero() {
				return sub.Name.In(t.lang)
			}
		}
	}
	return s.String()
}

func (t teller) title(id exchange.ServiceID) string {
	for _, s := range t.c.d.Exchange.Services() {
		if s.ID == id {
			return s.Title.In(t.lang)
		}
	}
	return id.String()
}

func (t teller) purpose(id string) string {
	if n, ok := t.c.d.Purposes[id]; ok {
		return n.In(t.lang)
	}
	return id
}

func (t teller) label(s exchange.ServiceInfo, field string) string {
	if s.Label == nil {
		return field
	}
	return cmp.Or(s.Label(field).In(t.lang), field)
}

func (t teller) fields(s exchange.ServiceInfo, fields []string) string {
	if slices.Contains(fields, "*") {
		return t.say("all_fields")
	}
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = t.label(s, f)
	}
	return strings.Join(out, ", ")
}

func (t teller) operations(ops []string) string {
	out := make([]string, len(ops))
	for i, o := range ops {
		out[i] = t.say("operation." + o)
	}
	return strings.Join(out, ", ")
}

// until is the last day on which something holds.
func (t teller) until(end time.Time) string {
	if end.IsZero() {
		return t.say("no_end")
	}
	return i18n.FormatDate(t.lang, lastDay(end))
}

func lastDay(end time.Time) string {
	return end.Add(-time.Nanosecond).In(i18n.Zone()).Format(time.DateOnly)
}

func (t teller) quota(q exchange.Quota) string {
	if q.PerMinute == 0 {
		return t.say("no_quota")
	}
	return t.say("per_minute", "n", i18n.FormatInt(t.lang, int64(q.PerMinute)))
}

// wrong is a wrong field in words, with the id of its control. Those that the
// form has no control for are about the page.
func (t teller) wrong(e *errs.Error) []web.FieldError {
	var out []web.FieldError
	for _, f := range e.Fields {
		kv := []any{}
		for k, v := range f.Args {
			if k == "what" {
				v = t.say("part." + f.Name)
			}
			kv = append(kv, k, v)
		}
		name := f.Name
		if name == "until" {
			name = "until-day"
		}
		out = append(out, web.FieldError{Field: name, Text: t.c.d.Pages.T(t.lang, "error."+f.Code, kv...)})
	}
	return out
}

// address is the address of a page about a service.
func address(page string, id exchange.ServiceID) string {
	return (&url.URL{Path: page + "/" + id.String()}).EscapedPath()
}

// termRows are what a grant or request allows.
func (t teller) termRows(s exchange.ServiceInfo, terms Terms) []web.Row {
	rows := []web.Row{
		web.Fact(t.say("may"), t.operations(terms.Operations)), web.Fact(t.say("what"), t.fields(s, terms.Fields)),
	}
	if len(terms.Match) > 0 {
		rows = append(rows, web.Fact(t.say("match"), t.fields(s, terms.Match)))
	}
	if terms.Consent {
		rows = append(rows, web.Fact(t.say("consent"), t.say("consent_text")))
	}
	return append(rows, web.Fact(t.say("until"), t.until(terms.Until)), web.Fact(t.say("quota"), t.quota(terms.Quota)))
}
