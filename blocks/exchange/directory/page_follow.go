package directory

import (
	"net/http"
	"strconv"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (g *Registry) showFollow(w http.ResponseWriter, r *http.Request) error {
	return g.followPage(w, r, Challenge{}, Proof{}, nil)
}

func (g *Registry) sendChallenge(w http.ResponseWriter, r *http.Request) error {
	c, err := g.Challenge(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	return g.followPage(w, r, c, Proof{}, nil)
}

func (g *Registry) sendProof(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "directory.bad_form").Wrap(err)
	}
	secret, p := r.PathValue("secret"), Proof{r.PostForm.Get("signature"), r.PostForm.Get("node_signature")}
	err := g.Prove(r.Context(), secret, p)
	t := g.teller(r)
	if wrong, ok := t.wrong(err, same); ok {
		c, err := g.pending(r.Context(), secret)
		if err != nil {
			return err
		}
		return g.followPage(w, r, c, p, wrong)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/directory/follow/"+secret, http.StatusSeeOther)
	return nil
}

// followPage shows a request to whoever asked, and what is to be done next.
func (g *Registry) followPage(w http.ResponseWriter, r *http.Request, c Challenge, typed Proof, wrong []web.FieldError) error {
	req, err := g.Follow(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	t := g.teller(r)
	body := web.Plain{Title: req.Application.Name.In(t.lang), Caption: t.say("follow.caption", "member", req.Member)}
	if req.State != Ended { // it is on no way any more
		body.Parts = append(body.Parts, t.progress(req))
	}
	switch req.State {
	case Asked:
		body.Parts = append(body.Parts, t.toProve(r.PathValue("secret"), c, typed, wrong)...)
	case Proved:
		body.Parts = append(body.Parts, web.Heading{Text: t.say("follow.waiting")}, web.Paragraph{Text: t.say("follow.waiting_text", "n", len(req.Votes), "all", voicesNeeded)})
	case Approved:
		body.Parts = append(body.Parts, web.Panel{TitleText: t.say("follow.approved"), Text: t.say("follow.approved_text")},
			web.Heading{Text: t.say("follow.certificate")}, web.Paragraph{Text: t.say("follow.certificate_text")}, code(t.say("follow.certificate"), req.Certificate))
	case Refused:
		body.Parts = append(body.Parts, web.Alert{Variant: "error", Title: t.say("follow.refused"), Text: req.Reason}, web.Paragraph{Text: t.say("follow.refused_text")},
			web.Button{Text: t.say("follow.again"), Href: "/directory/join"})
	case Ended:
		body.Parts = append(body.Parts, web.Alert{Variant: "error", Title: t.say("follow.ended"), Text: req.Reason}, web.Paragraph{Text: t.say("follow.ended_text")},
			web.Button{Text: t.say("follow.again"), Href: "/directory/join"})
	case Lapsed:
		body.Parts = append(body.Parts, web.InsetText{Text: t.say("follow.lapsed")}, web.Button{Text: t.say("follow.again"), Href: "/directory/join"})
	}
	body.Parts = append(body.Parts, web.Heading{Text: t.say("follow.facts")}, web.SummaryList{Rows: t.facts(req.Application)})
	return g.view.Show(w, r, web.Page{Title: body.Title, Errors: wrong, Data: body})
}

func (t teller) progress(r Request) web.Progress {
	steps := []string{Asked, "prove", "decide", Approved}
	at := map[string]int{Asked: 1, Proved: 2, Approved: 4, Refused: 2, Lapsed: 1}[r.State]
	p := web.Progress{}
	for i, s := range steps {
		step := web.Step{Text: t.say("step." + s)}
		switch {
		case i < at:
			step.State = "done"
		case i == at:
			step.State = "current"
		}
		if s == "decide" && r.State == Proved {
			step.Detail = strconv.Itoa(len(r.Votes)) + "/" + strconv.Itoa(voicesNeeded)
		}
		p.Steps = append(p.Steps, step)
	}
	return p
}

// toProve asks for the challenge, then shows it and takes both signatures.
func (t teller) toProve(secret string, c Challenge, typed Proof, wrong []web.FieldError) []web.Component {
	at := "/directory/follow/" + secret
	parts := []web.Component{
		web.WarningText{Text: t.say("follow.keep")},
		web.Heading{Text: t.say("follow.prove")}, web.Paragraph{Text: t.say("follow.prove_text")},
	}
	if c.Text == "" {
		return append(parts, web.Form{Action: at + "/challenge", Body: []web.Component{web.Button{Text: t.say("follow.challenge")}}})
	}
	area := func(name, value string) web.Textarea {
		return web.Textarea{Name: name, Value: value, Rows: 2, Label: web.Label{Text: t.say("follow." + name)}, Hint: web.HintText(t.say("follow." + name + "_hint")), ErrorMessage: web.ErrorFor(wrong, name), Spellcheck: web.Off}
	}
	return append(parts,
		web.Paragraph{Text: t.say("follow.until", "time", c.Until.In(i18n.Zone()).Format("15:04"))},
		code(t.say("follow.text"), c.Text),
		web.Details{SummaryText: t.say("follow.how"), Body: []web.Component{web.Paragraph{Text: t.say("follow.how_text")}, code(t.say("follow.how"), howToSign)}},
		web.Form{Action: at + "/proof", Body: []web.Component{area("signature", typed.Signature), area("node_signature", typed.NodeSignature), web.Button{Text: t.say("follow.send"), PreventDoubleClick: web.On}}},
		web.Form{Action: at + "/challenge", Body: []web.Component{web.Button{Text: t.say("follow.another"), Classes: "govuk-button--secondary"}}},
	)
}

// howToSign is what whoever has no dinh at hand does with the text in a file.
const howToSign = `openssl pkeyutl -sign -rawin -inkey member.key -in challenge.txt | base64 -w0
openssl dgst -sha256 -sign node.key challenge.txt | base64 -w0`
