package transparency

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/web"
)

func (t *Transparency) showVerify(w http.ResponseWriter, req *http.Request) error {
	return t.verifyForm(w, req, "", nil)
}

func (t *Transparency) verifyForm(w http.ResponseWriter, req *http.Request, pasted string, wrong []web.FieldError) error {
	s := t.words(req)
	return t.show(w, req, web.Page{Title: s.say("transparency.verify_title"), Errors: wrong, Indexed: true},
		web.Paragraph{Text: s.say("transparency.verify_text")},
		web.Form{Action: "/verify/receipt", Files: true, Body: []web.Component{
			web.FileUpload{Name: "file", JavaScript: true, Label: web.Label{Text: s.say("transparency.verify_file")}, ErrorMessage: web.ErrorFor(wrong, "file")},
			web.Textarea{Name: "text", Value: pasted, Rows: 8, Spellcheck: web.Off, Label: web.Label{Text: s.say("transparency.verify_paste")}, ErrorMessage: web.ErrorFor(wrong, "text")},
			web.Button{Text: s.say("transparency.verify_button")},
		}},
		web.Paragraph{Text: s.say("transparency.verify_private")})
}

func (t *Transparency) checkReceipt(w http.ResponseWriter, req *http.Request) error {
	s := t.words(req)
	file, field, err := sentReceipt(req)
	if err != nil {
		return err
	}
	pasted := ""
	if field == "text" {
		pasted = string(file)
	}
	if len(file) == 0 {
		return t.verifyForm(w, req, pasted, []web.FieldError{{Field: "file", Text: s.say("transparency.verify_missing")}})
	}
	e, err := VerifyReceipt(file, t.d.VKey)
	if err != nil {
		if wrong, ok := t.asField(s, field, err); ok {
			return t.verifyForm(w, req, pasted, []web.FieldError{wrong})
		}
		return err
	}
	return t.show(w, req, web.Page{Title: s.say("transparency.verify_title"), BackLink: &web.BackLink{Href: "/verify/receipt"}, Data: web.Plain{Parts: []web.Component{
		web.Panel{TitleText: s.say("transparency.verify_holds"), Text: s.say("transparency.verify_holds_text", "log", t.log)},
		web.Paragraph{Text: s.sentence(e), Classes: "govuk-body-l"},
		t.facts(s, e),
		web.Link{Text: s.say("transparency.verify_another"), Href: "/verify/receipt"},
	}}})
}

// sentReceipt is the receipt that was uploaded or pasted, and which of both.
// Browsers send pasted lines with CR LF and people lose the last one; in a file
// every byte counts.
func sentReceipt(req *http.Request) (file []byte, field string, err error) {
	upload, _, err := req.FormFile("file")
	if err == nil {
		defer upload.Close()
		file, err = io.ReadAll(io.LimitReader(upload, maxReceipt+1))
		if len(file) > 0 || err != nil {
			return file, "file", err
		}
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, "", errs.New(errs.TooLarge, "transparency.receipt_too_large", "max", maxReceipt>>10).Wrap(err)
	}
	text := strings.TrimSpace(strings.ReplaceAll(req.FormValue("text"), "\r\n", "\n"))
	if text == "" {
		return nil, "file", nil
	}
	return []byte(text + "\n"), "text", nil
}
