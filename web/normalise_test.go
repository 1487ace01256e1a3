package web

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// normalise writes an HTML tree one node a line: attributes in name order,
// classes as they stand, text with its white space collapsed. Space between
// words is kept, space at the edge of a block is not: it is never shown.
func normalise(src string) (string, error) {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(src), body)
	if err != nil {
		return "", err
	}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	var b strings.Builder
	walk(&b, body, 0)
	return b.String(), nil
}

func walk(b *strings.Builder, n *html.Node, depth int) {
	indent := strings.Repeat("  ", depth)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch c.Type {
		case html.TextNode:
			if n.Data == "textarea" || n.Data == "pre" {
				fmt.Fprintf(b, "%s%q\n", indent, c.Data)
			} else if t := inlineText(c); t != "" {
				fmt.Fprintf(b, "%s%q\n", indent, t)
			}
		case html.ElementNode:
			fmt.Fprintf(b, "%s<%s%s>\n", indent, c.Data, attributes(c))
			walk(b, c, depth+1)
		}
	}
}

func attributes(n *html.Node) string {
	list := make([]string, 0, len(n.Attr))
	for _, a := range n.Attr {
		v := a.Val
		if a.Key == "class" {
			v = strings.Join(strings.Fields(v), " ")
		}
		list = append(list, fmt.Sprintf(" %s=%q", a.Key, v))
	}
	slices.Sort(list)
	return strings.Join(list, "")
}

// inlineText collapses white space; a space stays at an end only beside text
// or an inline element, where it separates words.
func inlineText(n *html.Node) string {
	t := strings.Join(strings.Fields(n.Data), " ")
	before, after := n.Data[:1], n.Data[len(n.Data)-1:]
	if t == "" {
		if inline(n.PrevSibling) && inline(n.NextSibling) {
			return " "
		}
		return ""
	}
	if strings.TrimSpace(before) == "" && inline(n.PrevSibling) {
		t = " " + t
	}
	if strings.TrimSpace(after) == "" && inline(n.NextSibling) {
		t += " "
	}
	return t
}

func inline(n *html.Node) bool {
	if n == nil || n.Type != html.ElementNode {
		return false
	}
	return slices.Contains([]string{"a", "abbr", "b", "code", "em", "i", "span", "strong", "time"}, n.Data)
}
