package catalogue

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/web"
)

// showDocument is a service's OpenAPI document as a person reads it.
func (c *Catalogue) showDocument(w http.ResponseWriter, r *http.Request) error {
	s, err := c.service(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	t := c.teller(r)
	ops, described, err := c.operations(r.Context(), s)
	if err != nil {
		return err
	}
	body := web.Plain{Title: t.say("document_title", "service", s.Title.In(t.lang)), Caption: s.ID.String()}
	switch {
	case !described:
		body.Parts = append(body.Parts, web.InsetText{Text: t.say("undescribed", "owner", t.name(s.ID.Owner().String()))})
	default:
		body.Lead = t.say("document_lead", "path", "/r1/"+s.ID.String())
		body.Parts = append(body.Parts, web.Link{Text: t.say("download"), Href: "/api/exchange/openapi?" + url.Values{"service": {s.ID.String()}}.Encode(), Classes: "govuk-link"})
	}
	for i := range ops {
		body.Parts = append(body.Parts, t.operation(s, i, &ops[i])...)
	}
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, Indexed: true, BackLink: &web.BackLink{Href: address("/exchange/services", s.ID), Text: s.Title.In(t.lang)}, Data: body})
}

// operation shows one thing that a service does.
func (t teller) operation(s exchange.ServiceInfo, i int, o *description.Operation) []web.Component {
	out := []web.Component{web.Heading{Text: o.Method + " " + o.Path, Caption: o.Title, ID: "o" + strconv.Itoa(i)}}
	if o.Deprecated {
		out = append(out, web.Tag{Text: t.say("deprecated"), Classes: "govuk-tag--orange"})
	}
	for _, p := range strings.Split(o.Text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, web.Paragraph{Text: p})
		}
	}
	if len(o.Parameters) > 0 {
		list := web.SummaryList{}
		for _, p := range o.Parameters {
			list.Rows = append(list.Rows, web.Fact(p.Name, t.value(p.Type+", "+t.say("in."+p.In), p.Required, p.Text)))
		}
		out = append(out, web.Heading{Level: 3, Text: t.say("parameters")}, list)
	}
	if o.Request != nil {
		out = append(out, web.Details{SummaryText: t.say("body", "media", o.Request.Media), Body: t.content(o.Request)})
	}
	for _, a := range o.Answers {
		summary := t.say("answer_status", "status", a.Status, "text", a.Text)
		if a.Content == nil {
			out = append(out, web.Paragraph{Text: summary})
			continue
		}
		out = append(out, web.Details{SummaryText: summary, Body: t.content(a.Content)})
	}
	return append(out, web.Link{Text: t.say("try"), Hidden: o.Method + " " + o.Path, Href: address("/exchange/try", s.ID) + "?op=" + strconv.Itoa(i), Classes: "govuk-link"})
}

// value says on one line what may stand somewhere and what it means.
func (t teller) value(kind string, required bool, meaning string) string {
	if required {
		kind += ", " + t.say("required")
	}
	return strings.Trim(strings.TrimPrefix(kind, ", ")+" · "+meaning, " ·")
}

// content shows the values of a body, and an example.
func (t teller) content(c *description.Content) []web.Component {
	var out []web.Component
	if len(c.Fields) > 0 {
		list := web.SummaryList{}
		for _, f := range c.Fields {
			meaning := f.Text
			if len(f.Values) > 0 {
				meaning = strings.Trim(meaning+" · "+t.say("one_of", "values", strings.Join(f.Values, ", ")), " ·")
			}
			list.Rows = append(list.Rows, web.Fact(f.Name, t.value(f.Type, f.Required, meaning)))
		}
		out = append(out, list)
	}
	if c.Example != "" {
		out = append(out, web.Paragraph{Text: t.say("example")}, web.Pre{Text: c.Example, Code: true})
	}
	return out
}

// showTry gives a request to copy and the answer that it would get, made of the
// document's examples alone: no service is asked.
func (c *Catalogue) showTry(w http.ResponseWriter, r *http.Request) error {
	s, err := c.service(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	t := c.teller(r)
	ops, _, err := c.operations(r.Context(), s)
	if err != nil {
		return err
	}
	chosen, err := strconv.Atoi(r.URL.Query().Get("op"))
	if err != nil || chosen < 0 || chosen >= len(ops) {
		chosen = 0
	}
	body := web.Plain{Title: t.say("try_title", "service", s.Title.In(t.lang)), Caption: t.name(s.ID.Owner().String()), Lead: t.say("try_lead")}
	if len(ops) > 1 {
		choice := web.Select{Name: "op", Value: strconv.Itoa(chosen), Label: web.Label{Text: t.say("operation_choice")}}
		for i, o := range ops {
			choice.Items = append(choice.Items, web.Option{Value: strconv.Itoa(i), Text: strings.TrimSuffix(o.Method+" "+o.Path+" · "+o.Title, " · ")})
		}
		body.Parts = append(body.Parts, web.Form{Action: address("/exchange/try", s.ID), Method: "get", Body: []web.Component{choice, web.Button{Text: t.say("show"), Classes: "govuk-button--secondary"}}})
	}
	o := description.Operation{Method: "GET", Path: "/"}
	if len(ops) > 0 {
		o = ops[chosen]
	}
	body.Parts = append(body.Parts, web.Heading{Text: t.say("request")}, web.Pre{Text: c.curl(s, o), Code: true}, web.Paragraph{Text: t.say("request_text")},
		web.Heading{Text: t.say("sample")})
	body.Parts = append(body.Parts, t.sampleAnswers(o)...)
	body.Parts = append(body.Parts, web.Button{Text: t.say("ask"), Href: address("/desk/exchange/ask", s.ID)})
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, BackLink: &web.BackLink{Href: address("/exchange/services", s.ID), Text: s.Title.In(t.lang)}, Data: body})
}

func (t teller) sampleAnswers(o description.Operation) []web.Component {
	var out []web.Component
	for _, a := range o.Answers {
		if a.Content == nil || a.Content.Example == "" {
			continue
		}
		answer := web.Pre{Text: "HTTP/1.1 " + a.Status + "\nContent-Type: " + a.Content.Media + "\n\n" + a.Content.Example, Code: true}
		if strings.HasPrefix(a.Status, "2") {
			out = append(out, answer)
			continue
		}
		out = append(out, web.Details{SummaryText: t.say("answer_status", "status", a.Status, "text", a.Text), Body: []web.Component{answer}})
	}
	if len(out) == 0 {
		return []web.Component{web.InsetText{Text: t.say("no_sample")}}
	}
	return append([]web.Component{web.Paragraph{Text: t.say("sample_text")}}, out...)
}

func first(ops []description.Operation) description.Operation {
	if len(ops) == 0 {
		return description.Operation{Method: "GET", Path: "/"}
	}
	return ops[0]
}

// curl is a request that a developer can copy. What only they know stands in
// capital letters.
func (c *Catalogue) curl(s exchange.ServiceInfo, o description.Operation) string {
	path, query := o.Path, url.Values{}
	var lines []string
	for _, p := range o.Parameters {
		value := p.Example
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && p.Required:
			query.Set(p.Name, value)
		case p.In == "header" && p.Required:
			lines = append(lines, "-H "+quoted(p.Name+": "+value))
		}
	}
	path = strings.NewReplacer("**", "ID", "*", "ID").Replace(path)
	target := c.d.Origin + "/r1" + address("", s.ID) + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	lines = append([]string{
		"curl -X " + o.Method + " " + quoted(target), "-H 'Authorization: Bearer KEY'",
		"-H " + quoted("X-Road-Client: "+s.ID.Instance+"/CLASS/MEMBER/SUBSYSTEM"), "-H 'X-Dinh-Purpose: PURPOSE'",
	}, lines...)
	if o.Request != nil {
		lines = append(lines, "-H "+quoted("Content-Type: "+o.Request.Media), "-d "+quoted(o.Request.Example))
	}
	return strings.Join(lines, " \\\n  ")
}

// quoted is one word of a shell's line, whatever stands in it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
