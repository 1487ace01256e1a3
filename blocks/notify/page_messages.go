package notify

import (
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// Routes lists the block's doors.
func (n *Notify) Routes() []httpx.Route {
	if n.d.Pages == nil {
		return nil
	}
	routes := []httpx.Route{
		{Method: "GET", Path: "/messages", Access: auth.Person(auth.Low), Page: true, Handle: n.showInbox},
		{Method: "GET", Path: "/messages/{id}", Access: auth.Person(auth.Low), Page: true, Handle: n.showMessage},
	}
	if n.d.Mailbox != nil {
		routes = append(routes, httpx.Route{Method: "GET", Path: "/dev/mail", Access: auth.Public(), Page: true, Handle: n.showMailbox})
	}
	return routes
}

func (n *Notify) t(req *http.Request, key string, kv ...any) string {
	return n.d.Pages.T(i18n.LangFrom(req.Context()), key, kv...)
}

func (n *Notify) showInbox(w http.ResponseWriter, req *http.Request) error {
	list, err := n.Inbox(req.Context())
	if err != nil {
		return err
	}
	page := web.Page{Title: n.t(req, "notify.title"), Section: "messages"}
	if len(list) == 0 {
		return n.d.Pages.Show(w, req, page, web.EmptyState{Title: n.t(req, "notify.none"), Text: n.t(req, "notify.none_text")})
	}
	lang := i18n.LangFrom(req.Context())
	var out web.InboxList
	for _, m := range list {
		out = append(out, web.InboxItem{
			Subject: m.Subject.In(lang), Href: "/messages/" + m.ID, At: m.Created, Unread: !m.Read, Preview: firstLine(m.Body.In(lang)),
		})
	}
	return n.d.Pages.Show(w, req, page, out)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func (n *Notify) showMessage(w http.ResponseWriter, req *http.Request) error {
	m, err := n.Read(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(req.Context())
	parts := []web.Component{web.Paragraph{Text: i18n.FormatTime(lang, m.Created), Classes: "govuk-hint"}}
	for _, p := range strings.Split(strings.TrimSpace(m.Body.In(lang)), "\n\n") {
		parts = append(parts, web.Paragraph{Text: p})
	}
	if m.Link != "" {
		parts = append(parts, web.Button{Text: n.t(req, "notify.open"), Href: m.Link})
	}
	var also []string
	for _, d := range m.Deliveries {
		if d.Channel != Inbox {
			also = append(also, n.t(req, "notify.channel."+d.Channel)+": "+n.t(req, "notify.state."+d.State))
		}
	}
	if len(also) > 0 {
		parts = append(parts, web.Details{SummaryText: n.t(req, "notify.also"), Body: []web.Component{web.List{Items: also}}})
	}
	return n.d.Pages.Show(w, req, web.Page{Title: m.Subject.In(lang), Section: "messages", BackLink: &web.BackLink{Href: "/messages"}}, parts...)
}

// showMailbox shows what the development mailbox received. It exists only with
// the mailbox, which is never there in production.
func (n *Notify) showMailbox(w http.ResponseWriter, req *http.Request) error {
	lang := i18n.LangFrom(req.Context())
	parts := []web.Component{web.Paragraph{Text: n.t(req, "notify.mailbox_text")}}
	received := n.d.Mailbox.Received()
	if len(received) == 0 {
		parts = append(parts, web.EmptyState{Title: n.t(req, "notify.mailbox_empty"), Text: n.t(req, "notify.mailbox_empty_text")})
	}
	for _, r := range received {
		parts = append(parts, web.Details{SummaryText: r.Subject + " → " + r.To + " · " + i18n.FormatTime(lang, r.At), Body: []web.Component{web.Pre{Text: r.Text}}})
	}
	texts, err := n.SandboxSMS(req.Context(), 50)
	if err != nil {
		return err
	}
	if len(texts) > 0 {
		parts = append(parts, web.Heading{Text: n.t(req, "notify.mailbox_sms")})
		table := web.Table{Head: []web.Cell{{Text: n.t(req, "notify.to")}, {Text: n.t(req, "notify.text")}, {Text: n.t(req, "notify.at")}}}
		for _, s := range texts {
			table.Rows = append(table.Rows, []web.Cell{{Text: s.Phone}, {Text: s.Text}, {Text: i18n.FormatTime(lang, s.At)}})
		}
		parts = append(parts, web.Scroll{Label: n.t(req, "notify.mailbox_sms"), Body: []web.Component{table}})
	}
	return n.d.Pages.Show(w, req, web.Page{Title: n.t(req, "notify.mailbox_title"), Wide: true}, parts...)
}
