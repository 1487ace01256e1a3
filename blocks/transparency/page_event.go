package transparency

import (
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (t *Transparency) showEvent(w http.ResponseWriter, req *http.Request) error {
	s, child := t.words(req), req.URL.Query().Get("child")
	e, err := t.Entry(req.Context(), child, req.PathValue("event"))
	if err != nil {
		return err
	}
	state, err := t.receiptState(req, s, e, child)
	if err != nil {
		return err
	}
	parts := []web.Component{}
	if e.Outcome == exchange.OutcomeRefused {
		parts = append(parts, web.Alert{Variant: "warning", Title: s.say("transparency.refused_title"), Text: s.reason(e.Reason)})
	}
	parts = append(parts, t.facts(s, e), web.Heading{Level: 2, Text: s.say("transparency.receipt")})
	parts = append(parts, state...)
	title := s.say("transparency.event_title")
	return t.show(w, req, web.Page{
		Title: title, BackLink: &web.BackLink{Href: withChild("/my-data", child)},
		Data: web.Plain{Title: title, Lead: s.sentence(e), Parts: append(parts, t.howToCheck(s))},
	})
}

// facts are all that is known of an access, in plain words.
func (t *Transparency) facts(s words, e exchange.Event) web.SummaryList {
	rows := []web.Row{
		fact(s, "who", s.who(e), e.Client),
		fact(s, "at", s.exactly(e.At), ""),
		fact(s, "operation", s.say("transparency.did."+kind(e)), ""),
		fact(s, "service", s.service(e.Service), e.Service),
	}
	if len(e.Fields) > 0 {
		r := fact(s, "fields", "", "")
		r.Value = web.Term{Body: []web.Component{web.List{Items: s.fields(e.Service, e.Fields)}}}
		rows = append(rows, r)
	}
	rows = append(rows, fact(s, "purpose", s.purpose(e.Purpose), ""))
	for _, f := range []struct{ key, value string }{
		{"legal_basis", e.LegalBasis}, {"application", s.application(e)}, {"issue", e.Issue}, {"represented", e.Represented}, {"user", e.UserID},
	} {
		if f.value != "" {
			rows = append(rows, fact(s, f.key, f.value, ""))
		}
	}
	if e.Outcome == exchange.OutcomeAnswered {
		rows = append(rows, fact(s, "records", i18n.FormatInt(s.lang, int64(e.Records)), ""))
	} else {
		rows = append(rows, fact(s, "outcome", s.reason(e.Reason), e.Reason))
	}
	return web.SummaryList{Rows: append(rows, fact(s, "event", e.ID, ""), fact(s, "message", e.MessageID, ""))}
}

// fact is a row; the identifier, when it says more, stands below the words.
func fact(s words, key, value, identifier string) web.Row {
	r := web.Fact(s.say("transparency."+key), value)
	if identifier != "" && identifier != value {
		r.Value = web.Term{Body: []web.Component{
			web.Paragraph{Text: value, Classes: "govuk-body govuk-!-margin-bottom-1"}, web.Paragraph{Text: identifier, Classes: "govuk-hint govuk-!-margin-bottom-0"},
		}}
	}
	return r
}

// receiptState makes the receipt and checks it at once, as a stranger would.
func (t *Transparency) receiptState(req *http.Request, s words, e exchange.Event, child string) ([]web.Component, error) {
	file, err := t.makeReceipt(req.Context(), e.ID)
	switch {
	case errs.CodeOf(err) == "ledger.not_sealed_yet":
		return []web.Component{
			web.Alert{Variant: "information", Title: s.say("transparency.sealing"), Text: s.say("transparency.sealing_text")},
			web.Link{Text: s.say("transparency.look_again"), Href: eventHref(e.ID, child)},
		}, nil
	case errs.KindOf(err) == errs.Gone:
		return []web.Component{web.Alert{Variant: "information", Title: s.say("transparency.erased"), Text: s.say("transparency.erased_text")}}, nil
	case err != nil:
		return nil, err
	}
	if _, err := VerifyReceipt(file, t.d.VKey); err != nil {
		t.d.Log.ErrorContext(req.Context(), "a receipt does not hold", "event", e.ID, "code", errs.CodeOf(err))
		return []web.Component{web.Alert{Variant: "error", Title: s.say("transparency.broken"), Text: s.say("transparency.broken_text")}}, nil
	}
	return []web.Component{
		web.Alert{Variant: "success", Title: s.say("transparency.holds"), Text: s.say("transparency.holds_text")},
		web.Button{Text: s.say("transparency.download"), Href: withChild("/my-data/"+e.ID+"/receipt", child), Classes: "govuk-button--secondary"},
	}, nil
}

func (t *Transparency) howToCheck(s words) web.Details {
	return web.Details{SummaryText: s.say("transparency.check_yourself"), Body: []web.Component{
		web.Paragraph{Text: s.say("transparency.check_what")},
		web.Link{Text: s.say("transparency.check_here"), Href: "/verify/receipt"},
		web.Paragraph{Text: s.say("transparency.check_command")},
		web.Pre{Code: true, Text: "dinh verify receipt bien-nhan-….dinh-receipt \\\n  --key \"$(curl -s " + t.d.Origin + "/ledger/verifier-key)\""},
		web.Paragraph{Text: s.say("transparency.check_key")},
		web.Pre{Text: strings.TrimSpace(t.d.VKey)},
		web.Paragraph{Text: s.say("transparency.check_other")},
	}}
}

func (t *Transparency) giveReceipt(w http.ResponseWriter, req *http.Request) error {
	return t.sendReceipt(w, req, req.PathValue("event"))
}
