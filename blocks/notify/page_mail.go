package notify

import (
	"html/template"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

var mailTemplate = template.Must(template.New("mail").Parse(`<!DOCTYPE html><html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title></head>
<body style="margin:0;background:#f6f3ee;font-family:'Be Vietnam Pro',Arial,sans-serif;color:#1d1d1b">
<div style="max-width:560px;margin:0 auto;padding:24px 16px"><div style="border-top:6px solid #0a4a46;background:#fff;padding:28px 28px 20px;border-radius:0 0 8px 8px">
<h1 style="font-size:20px;line-height:1.35;margin:0 0 16px">{{.Subject}}</h1>
{{range .Paragraphs}}<p style="font-size:16px;line-height:1.55;margin:0 0 14px">{{.}}</p>
{{end}}{{if .Link}}<p style="margin:22px 0 8px"><a href="{{.Link}}" style="background:#0a4a46;color:#fff;text-decoration:none;padding:12px 20px;border-radius:6px;font-weight:600;display:inline-block">{{.Action}}</a></p>{{end}}
</div><p style="font-size:13px;color:#5c5a55;margin:16px 4px">{{.Sender}}</p></div></body></html>`))

func htmlBody(e email) (string, error) {
	action := "Xem chi tiết"
	if e.Lang == i18n.EN {
		action = "See the details"
	}
	var b strings.Builder
	err := mailTemplate.Execute(&b, struct {
		email
		Paragraphs []string
		Action     string
	}{e, strings.Split(strings.TrimSpace(e.Body), "\n\n"), action})
	return b.String(), err
}
