package play

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Form is a form of a page, with the values that it has now.
type Form struct {
	Action    string
	Method    string // get or post
	Multipart bool
	Values    url.Values
	Inputs    []Input // what can be filled in, in order
}

// Input is one control. Radios and checkboxes come once a choice.
type Input struct {
	Name, Type, Value string
	Checked           bool
}

// Has says whether the form has a control of this name.
func (f *Form) Has(name string) bool {
	for _, i := range f.Inputs {
		if i.Name == name {
			return true
		}
	}
	return false
}

func (p *Page) dom() *html.Node {
	if p.root == nil {
		root, err := html.Parse(bytes.NewReader(p.Body))
		if err != nil { // html.Parse takes anything; only readers fail
			root = &html.Node{Type: html.DocumentNode}
		}
		p.root = root
	}
	return p.root
}

// Heading is the text of the page's first h1.
func (p *Page) Heading() string {
	var out string
	each(p.dom(), func(n *html.Node) bool {
		if out == "" && n.Data == "h1" {
			out = text(n)
		}
		return out == ""
	})
	return out
}

// Class is the text of the first element of a class.
func (p *Page) Class(name string) string {
	var out string
	each(p.dom(), func(n *html.Node) bool {
		if out == "" && slices.Contains(strings.Fields(attr(n, "class")), name) {
			out = text(n)
		}
		return out == ""
	})
	return out
}

// Text is everything that the page says, in one line.
func (p *Page) Text() string {
	var out string
	each(p.dom(), func(n *html.Node) bool {
		if n.Data == "body" {
			out = text(n)
			return false
		}
		return true
	})
	return out
}

// Links lists the addresses of all links whose address begins with prefix, in
// order, each once.
func (p *Page) Links(prefix string) []string {
	var out []string
	seen := map[string]bool{}
	each(p.dom(), func(n *html.Node) bool {
		if n.Data == "a" {
			if href := attr(n, "href"); strings.HasPrefix(href, prefix) && !seen[href] {
				seen[href] = true
				out = append(out, href)
			}
		}
		return true
	})
	return out
}

// Ways lists where a person can go from the page: links, and buttons of forms
// that only open another page.
func (p *Page) Ways(prefix string) []string {
	out := p.Links(prefix)
	for _, f := range p.Forms() {
		if f.Method == "get" && strings.HasPrefix(f.Action, prefix) && !slices.Contains(out, f.Action) {
			out = append(out, f.Action)
		}
	}
	return out
}

// Cards gives the facts of every framed summary list by its title, each as
// "key: value".
func (p *Page) Cards() map[string][]string {
	out := map[string][]string{}
	each(p.dom(), func(card *html.Node) bool {
		if !slices.Contains(strings.Fields(attr(card, "class")), "govuk-summary-card") {
			return true
		}
		title, key := "", ""
		each(card, func(n *html.Node) bool {
			switch class := strings.Fields(attr(n, "class")); {
			case slices.Contains(class, "govuk-summary-card__title"):
				title = text(n)
			case n.Data == "dt":
				key = text(n)
			case n.Data == "dd" && slices.Contains(class, "govuk-summary-list__value"):
				out[title] = append(out[title], key+": "+text(n))
			}
			return true
		})
		return false
	})
	return out
}

// Errors lists the error summary's lines.
func (p *Page) Errors() []string {
	var out []string
	each(p.dom(), func(n *html.Node) bool {
		if strings.Contains(attr(n, "class"), "govuk-error-summary__list") {
			each(n, func(li *html.Node) bool {
				if li.Data == "li" {
					out = append(out, text(li))
				}
				return true
			})
			return false
		}
		return true
	})
	return out
}

// Form finds the first form whose action begins with prefix; nil if none.
func (p *Page) Form(prefix string) *Form {
	for _, f := range p.Forms() {
		if strings.HasPrefix(f.Action, prefix) {
			return f
		}
	}
	return nil
}

// Forms lists the page's forms.
func (p *Page) Forms() []*Form {
	var out []*Form
	each(p.dom(), func(n *html.Node) bool {
		if n.Type == html.ElementNode && n.Data == "form" {
			out = append(out, p.form(n))
			return false
		}
		return true
	})
	return out
}

func (p *Page) form(n *html.Node) *Form {
	f := &Form{Action: attr(n, "action"), Method: strings.ToLower(attr(n, "method")), Multipart: attr(n, "enctype") == "multipart/form-data", Values: url.Values{}}
	if f.Method == "" {
		f.Method = "get"
	}
	if f.Action == "" {
		f.Action = p.Path
	}
	each(n, func(c *html.Node) bool {
		name := attr(c, "name")
		if name == "" || hasAttr(c, "disabled") {
			return true
		}
		switch c.Data {
		case "input":
			f.add(Input{Name: name, Type: strings.ToLower(attr(c, "type")), Value: attr(c, "value"), Checked: hasAttr(c, "checked")})
		case "textarea":
			f.add(Input{Name: name, Type: "textarea", Value: text(c)})
		case "select":
			each(c, func(o *html.Node) bool {
				if o.Data == "option" {
					f.add(Input{Name: name, Type: "select", Value: attr(o, "value"), Checked: hasAttr(o, "selected")})
				}
				return true
			})
		}
		return true
	})
	return f
}

func (f *Form) add(i Input) {
	if i.Type == "submit" || i.Type == "button" {
		return
	}
	f.Inputs = append(f.Inputs, i)
	switch i.Type {
	case "radio", "checkbox", "select":
		if i.Checked {
			f.Values.Add(i.Name, i.Value)
		}
	case "file":
	default:
		f.Values.Add(i.Name, i.Value)
	}
}

// each visits nodes from the top; a visit that returns false is not entered.
func each(n *html.Node, visit func(*html.Node) bool) {
	if n.Type == html.ElementNode && !visit(n) {
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, visit)
	}
}

func text(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
