package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/app/play"
)

// BirthAnswers is all that the mother types: what no register knows.
func BirthAnswers(name string) play.Answers {
	return play.Answers{"child.full_name": name, "contact.email": "me@vidu.example", "contact.phone": "0900000123"}
}

// Child gives a newborn the family name of its mother.
func Child(mother, given string) string {
	family, _, _ := strings.Cut(mother, " ")
	return family + " " + given
}

// LicenceAnswers is what a driver types.
func LicenceAnswers() play.Answers {
	return play.Answers{"licence.correct": "yes", "contact.email": "lai@vidu.example", "contact.phone": "0900000124"}
}

// Portrait draws a plain portrait photo, as a phone would send it.
func Portrait() play.Upload {
	img := image.NewRGBA(image.Rect(0, 0, 600, 800))
	for y := range 800 {
		for x := range 600 {
			c := color.RGBA{206, 222, 232, 255}
			dx, dy := float64(x-300)/130, float64(y-310)/170
			sx, sy := float64(x-300)/250, float64(y-800)/280
			switch {
			case dx*dx+dy*dy < 1:
				c = color.RGBA{224, 180, 150, 255}
			case sx*sx+sy*sy < 1:
				c = color.RGBA{40, 60, 92, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 85}) // a bytes.Buffer takes everything
	return play.Upload{Name: "chan-dung.jpg", Type: "image/jpeg", Data: b.Bytes()}
}

// Run plays the demonstration and returns an error if anything is off.
func Run(ctx context.Context, out io.Writer, o Options) (err error) {
	started := time.Now()
	s, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	t := &timeline{w: out, start: started}
	fmt.Fprintf(out, "A house of its own is open at %s with %d made-up people.\n", s.Base, count(ctx, s))
	show := &show{stage: s, t: t}
	for _, scene := range []func(context.Context) error{show.birth, show.licence, show.refused, show.loan, show.checks} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	if t.bad > 0 {
		return fmt.Errorf("%d things are not as they should be", t.bad)
	}
	fmt.Fprintf(out, "\nEverything holds. %.1f s in all.\n", time.Since(started).Seconds())
	return nil
}

func count(ctx context.Context, s *Stage) int {
	n, _ := s.App.Registers.Count(ctx, "population") // 0 says enough
	return n
}

// show is what the scenes share.
type show struct {
	stage         *Stage
	t             *timeline
	birthApp      play.Application
	licenceApp    play.Application
	refusedApp    play.Application
	mother        *play.Browser
	documentPaths []string
}

// papers lists the pages of the documents that a page leads to.
func papers(p *play.Page) (out []string) {
	for _, link := range p.Links("/my-documents/") {
		if !strings.HasSuffix(link, "/file.pdf") {
			out = append(out, link)
		}
	}
	return out
}

const childName = "Trần Nguyễn Minh Anh"

func (s *show) birth(ctx context.Context) error {
	s.t.act("A child is born")
	b := play.NewBrowser(s.stage.Base)
	s.mother = b
	if err := b.SignIn(ctx, "mai"); err != nil {
		return err
	}
	s.t.say("mother", "signs in and opens the service")
	page, err := b.Begin(ctx, "birth")
	if err != nil {
		return err
	}
	s.t.say("exchange", "four registers asked; the form is filled in")
	if s.birthApp, err = b.Finish(ctx, page, BirthAnswers(childName), nil); err != nil {
		return err
	}
	s.t.say("mother", "gives the name, checks, consents, submits: %s", s.birthApp.Code)
	done, err := b.Wait(ctx, "/applications/"+s.birthApp.ID, func(p *play.Page) bool { return len(papers(p)) >= 3 })
	if err != nil {
		return err
	}
	s.documentPaths = papers(done)
	s.t.say("registry", "decided by the table; registers written; %d signed documents", len(s.documentPaths))
	return nil
}

func (s *show) licence(ctx context.Context) (err error) {
	s.t.act("A licence is renewed")
	b := play.NewBrowser(s.stage.Base)
	if err := b.SignIn(ctx, "hung"); err != nil {
		return err
	}
	if s.licenceApp, err = b.Apply(ctx, "licence", LicenceAnswers(), map[string]play.Upload{"photo.portrait": Portrait()}); err != nil {
		return err
	}
	s.t.say("driver", "answers, uploads a photo, submits: %s", s.licenceApp.Code)
	if err := s.pay(ctx, b, s.licenceApp, "4000 0000 0000 0002"); !errors.Is(err, errNotPaid) {
		return fmt.Errorf("a declined card: %w", err)
	}
	s.t.say("driver", "a card is declined; nothing is lost")
	if err := s.pay(ctx, b, s.licenceApp, "4444 3333 2222 1111"); err != nil {
		return err
	}
	s.t.say("driver", "pays the fee with another card")
	o := play.NewBrowser(s.stage.Base)
	if err := o.SignIn(ctx, s.officer("licence-officer", 0)); err != nil {
		return err
	}
	if err := Decide(ctx, o, s.licenceApp.Code, "return", url.Values{"_message": {"Ảnh bị tối, xin gửi ảnh khác."}, "_fields": {"photo.portrait"}}); err != nil {
		return err
	}
	s.t.say("officer", "claims the case, asks for a better photo; the clock stops")
	page, err := b.Wait(ctx, "/applications/"+s.licenceApp.ID, func(p *play.Page) bool { return len(p.Ways("/apply/"+s.licenceApp.ID)) > 0 })
	if err != nil {
		return err
	}
	if page, err = b.Get(ctx, page.Ways("/apply/" + s.licenceApp.ID)[0]); err != nil {
		return err
	}
	if _, err := b.Finish(ctx, page, LicenceAnswers(), map[string]play.Upload{"photo.portrait": Portrait()}); err != nil {
		return err
	}
	s.t.say("driver", "sends another photo")
	if err := Decide(ctx, o, s.licenceApp.Code, "approve", nil); err != nil {
		return err
	}
	done, err := b.Wait(ctx, "/applications/"+s.licenceApp.ID, func(p *play.Page) bool { return len(papers(p)) >= 1 })
	if err != nil {
		return err
	}
	s.t.say("officer", "approves; the register has the new date, the driver a signed licence: %s", strings.Join(papers(done), " "))
	return nil
}

func (s *show) refused(ctx context.Context) (err error) {
	s.t.act("Another driver is refused and gets the money back")
	b := play.NewBrowser(s.stage.Base)
	if err := b.SignIn(ctx, "tuan"); err != nil {
		return err
	}
	answers := LicenceAnswers()
	answers["fitness.examined_on"] = time.Now().AddDate(0, 0, -20).Format(time.DateOnly)
	if s.refusedApp, err = b.Apply(ctx, "licence", answers, map[string]play.Upload{"photo.portrait": Portrait(), "fitness.certificate": Portrait()}); err != nil {
		return err
	}
	if err := s.pay(ctx, b, s.refusedApp, "4444333322221111"); err != nil {
		return err
	}
	s.t.say("driver", "submits and pays: %s", s.refusedApp.Code)
	o := play.NewBrowser(s.stage.Base)
	if err := o.SignIn(ctx, s.officer("licence-officer", 0)); err != nil {
		return err
	}
	if err := Decide(ctx, o, s.refusedApp.Code, "refuse", url.Values{"_message": {"Xin xem lý do kèm theo."}}); err != nil {
		return err
	}
	_, err = b.Wait(ctx, "/applications/"+s.refusedApp.ID, func(p *play.Page) bool {
		cs, err := s.stage.App.Cases.ForPerson(ctx, s.number("tuan"))
		return err == nil && len(cs) > 0 && cs[0].Final == "refused" && !cs[0].Pending
	})
	s.t.say("officer", "refuses with a reason; the fee is refunded")
	return err
}

// pay goes from the application's page through the provider's and back. It
// fails if the bill is still open afterwards.
func (s *show) pay(ctx context.Context, b *play.Browser, a play.Application, card string) error {
	page, err := b.Wait(ctx, "/applications/"+a.ID, func(p *play.Page) bool { return len(p.Ways("/pay/")) > 0 })
	if err != nil {
		return err
	}
	return Pay(ctx, b, page.Ways("/pay/")[0], card)
}

var errNotPaid = errors.New("not paid")

// Pay pays a bill with a sandbox card.
func Pay(ctx context.Context, b *play.Browser, path, card string) error {
	page, err := b.Get(ctx, path)
	if err != nil {
		return err
	}
	if page, err = b.Submit(ctx, page.Form("/pay/"), nil, nil); err != nil {
		return err
	}
	form := page.Form("/sandbox-card/")
	if form == nil {
		return fmt.Errorf("no card page: %s", page.Heading())
	}
	if page, err = b.Submit(ctx, form, url.Values{"number": {card}, "expiry": {"12/99"}, "code": {"123"}, "name": {"NGUYEN VAN A"}}, nil); err != nil {
		return err
	}
	if page.Form("/pay/") != nil {
		return fmt.Errorf("%w: %s", errNotPaid, page.Heading())
	}
	return nil
}

// Decide finds a case by its code at the officer's desk, claims it and carries
// out an action.
func Decide(ctx context.Context, o *play.Browser, code, action string, values url.Values) error {
	var found *play.Page
	page, err := o.Wait(ctx, "/desk/search?q="+url.QueryEscape(code), func(p *play.Page) bool { return len(p.Links("/desk/cases/")) > 0 })
	if err != nil {
		return err
	}
	path := page.Links("/desk/cases/")[0]
	found, err = o.Wait(ctx, path, func(p *play.Page) bool { return doForm(p, action) != nil || len(p.Links(path+"/do/"+action)) > 0 })
	if err != nil {
		return err
	}
	if claim := found.Form(path + "/claim"); claim != nil {
		if found, err = o.Submit(ctx, claim, nil, nil); err != nil {
			return err
		}
	}
	if links := found.Links(path + "/do/" + action); len(links) > 0 {
		if found, err = o.Get(ctx, links[0]); err != nil {
			return err
		}
	}
	form := doForm(found, action)
	if form == nil {
		return fmt.Errorf("the action %s is not offered on %s", action, path)
	}
	all := form.Fill(nil)
	for k, v := range values {
		all[k] = v
	}
	page, err = o.Submit(ctx, form, all, nil)
	if err == nil && len(page.Errors()) > 0 {
		err = errors.New(strings.Join(page.Errors(), "; "))
	}
	return err
}

func doForm(p *play.Page, action string) *play.Form {
	for _, f := range p.Forms() {
		if strings.HasSuffix(f.Action, "/do/"+action) {
			return f
		}
	}
	return nil
}
