package journeys

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
)

// scene is what belongs to somebody: one object of each kind that an address
// can name.
type scene struct {
	secrets []string // what nobody else may read

	birth    play.Application // of mai, done
	document string           // its birth certificate
	code     string           // printed on it
	message  string
	event    string
	consent  string
	passkey  string
	record   string // the child's birth record

	waiting  play.Application // of lan, before the registrar
	casePath string           // its case at the desk
	unpaid   play.Application // of hung, waiting for the fee
	bill     string
	card     string // the provider's page of it
	draft    string // of yen, with a photo

	papers  string // minh's request, answered
	receipt string // the event of the bank's access under it

	grant   string
	request string // of the Ministry of Justice to that of Public Security
	key     string // of a system that may ask nothing
}

type scenes struct {
	once  sync.Once
	scene *scene
}

var theScene = &scenes{}

// played is the scene on the shared house; it is played once.
func played(t *testing.T) *scene {
	t.Helper()
	h := shared(t)
	theScene.once.Do(func() { theScene.scene = play1(t, h) })
	if theScene.scene == nil {
		t.Fatal("the scene could not be played")
	}
	return theScene.scene
}

const sceneChild = "Trần Nguyễn Thiên Vy"

func play1(t *testing.T, h *house) *scene {
	t.Helper()
	s := &scene{}
	s.playMother(t, h)
	s.playRegistrar(t, h)
	s.playDrivers(t, h)
	s.playConsent(t, h)
	s.playPapers(t, h)
	system, err := exchange.ParseSubsystem("VN/GOV/MOH/maternity")
	if err != nil {
		t.Fatal(err)
	}
	if s.key, _, err = h.Exchange.NewClientKey(t.Context(), system, "test", time.Time{}); err != nil {
		t.Fatal(err)
	}
	grants, err := h.Exchange.Grants(t.Context())
	if err != nil || len(grants) == 0 {
		t.Fatal("no grants", err)
	}
	s.grant = grants[0].ID
	s.playRequest(t, h)
	return s
}

// playRequest asks for a grant, and has a grants officer look on who has no part
// in it.
func (s *scene) playRequest(t *testing.T, h *house) {
	t.Helper()
	if err := h.Identity.AddOfficer(t.Context(), identity.Officer{ID: "grants-vss", Name: "Cao Thị Tâm", Member: "GOV/VSS", Roles: []string{exchange.RoleGrants}, Email: "grants-vss@vidu.example"}); err != nil {
		t.Fatal(err)
	}
	if err := h.Identity.AddSample(t.Context(), identity.Sample{ID: "grants-vss", Officer: "grants-vss", Name: "Cao Thị Tâm"}); err != nil {
		t.Fatal(err)
	}
	const reason = "Đối chiếu nơi cư trú khi trả kết quả"
	r := askFor(t, h.caller(t, "grants-moj"), reason)
	s.request, s.secrets = r, append(s.secrets, reason)
}

// last is the last part of an address.
func last(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path[strings.LastIndex(path, "/")+1:]
}

func first(t *testing.T, what string, all []string) string {
	t.Helper()
	if len(all) == 0 {
		t.Fatalf("no %s", what)
	}
	return all[0]
}

func (s *scene) playMother(t *testing.T, h *house) {
	t.Helper()
	ctx, b := t.Context(), h.browser(t, "mai")
	var err error
	if s.birth, err = b.Apply(ctx, "birth", demo.BirthAnswers(sceneChild), nil); err != nil {
		t.Fatal(err)
	}
	done, err := b.Wait(ctx, "/applications/"+s.birth.ID, func(p *play.Page) bool { return len(documentPages(p)) >= 3 })
	if err != nil {
		t.Fatal(err)
	}
	s.document = last(documentPages(done)[0])
	inbox, err := b.Wait(ctx, "/messages", func(p *play.Page) bool { return len(p.Links("/messages/")) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	s.message = last(inbox.Links("/messages/")[0])
	mother, _ := h.world().Sample("mai")
	events, err := h.Exchange.Events(ctx, h.Keys.Pseudonym(mother.Number), "", 10)
	if err != nil || len(events) == 0 {
		t.Fatal("no events", err)
	}
	s.event = events[0].ID
	births, err := h.Registers.Find(ctx, "births", map[string]string{"mother": mother.Number}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range births {
		if r.Data["child_name"] == sceneChild {
			s.record = r.ID
			s.secrets = append(s.secrets, fmt.Sprint(r.Data["child"]))
		}
	}
	docs, err := h.Documents.ForReference(ctx, s.birth.Code)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if d.ID == s.document {
			s.code = d.Code
		}
	}
	if s.record == "" || s.code == "" {
		t.Fatalf("the birth has no record %q or no code %q", s.record, s.code)
	}
	s.secrets = append(s.secrets, mother.Number, sceneChild, mother.Name)
	s.passkey = "c2NlbmUtcGFzc2tleQ"
	addPasskey(t, h, mother.Number, s.passkey)
}

// addPasskey puts a passkey straight into the table: making one needs a device.
func addPasskey(t *testing.T, h *house, number, id string) {
	t.Helper()
	err := h.DB.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO identity_passkey (id, account, name, created, used, credential)
			SELECT $1, id, 'test', 0, 0, '{}' FROM identity_account WHERE subject = $2`, id, h.Keys.Pseudonym(number))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func documentPages(p *play.Page) (out []string) {
	for _, link := range p.Links("/my-documents/") {
		if !strings.HasSuffix(link, "/file.pdf") {
			out = append(out, link)
		}
	}
	return out
}

func (s *scene) playRegistrar(t *testing.T, h *house) {
	t.Helper()
	ctx := t.Context()
	answers := demo.BirthAnswers("Lê Hoàng Bảo Ngân")
	answers["father.acknowledges"] = "no"
	var err error
	if s.waiting, err = h.browser(t, "lan").Apply(ctx, "birth", answers, nil); err != nil {
		t.Fatal(err)
	}
	found, err := h.browser(t, "registrar-1").Wait(ctx, "/desk/search?q="+s.waiting.Code, func(p *play.Page) bool { return len(p.Links("/desk/cases/")) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	s.casePath = found.Links("/desk/cases/")[0]
	lan, _ := h.world().Sample("lan")
	s.secrets = append(s.secrets, lan.Number, "Lê Hoàng Bảo Ngân", lan.Name)
}

func (s *scene) playDrivers(t *testing.T, h *house) {
	t.Helper()
	ctx, b := t.Context(), h.browser(t, "hung")
	var err error
	if s.unpaid, err = b.Apply(ctx, "licence", demo.LicenceAnswers(), map[string]play.Upload{"photo.portrait": demo.Portrait()}); err != nil {
		t.Fatal(err)
	}
	page, err := b.Wait(ctx, "/applications/"+s.unpaid.ID, func(p *play.Page) bool { return len(p.Ways("/pay/")) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	s.bill = last(page.Ways("/pay/")[0])
	if page, err = b.Get(ctx, "/pay/"+s.bill); err != nil {
		t.Fatal(err)
	}
	if page, err = b.Submit(ctx, page.Form("/pay/"), nil, nil); err != nil {
		t.Fatal(err)
	}
	s.card = last(page.Path)
	hung, _ := h.world().Sample("hung")
	s.secrets = append(s.secrets, hung.Number, hung.Name)
	s.playDraft(t, h)
}

// playDraft begins an application and leaves it when it has a photo.
func (s *scene) playDraft(t *testing.T, h *house) {
	t.Helper()
	ctx, b := t.Context(), h.browser(t, "yen")
	page, err := b.Begin(ctx, "licence")
	if err != nil {
		t.Fatal(err)
	}
	s.draft = strings.Split(strings.Split(page.Path, "?")[0], "/")[2]
	for range 10 {
		f := page.Form("/apply/" + s.draft + "/p/")
		if f == nil {
			if page, err = b.Get(ctx, first(t, "next page on "+page.Path+" "+page.Text(), page.Links("/apply/"+s.draft+"/p/"))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		photo := f.Has("photo.portrait")
		files := map[string]play.Upload{}
		if photo {
			files["photo.portrait"] = demo.Portrait()
		}
		if page, err = b.Submit(ctx, f, f.Fill(demo.LicenceAnswers()), files); err != nil {
			t.Fatal(err)
		}
		if photo {
			return
		}
	}
	t.Fatal("the draft never asked for a photo")
}

// playConsent gives a consent; services that ask for one are not in the sample
// country, so it is given where they would.
func (s *scene) playConsent(t *testing.T, h *house) {
	t.Helper()
	mother, _ := h.world().Sample("mai")
	ctx := auth.With(t.Context(), auth.Principal{Account: "a", Number: mother.Number, Name: mother.Name, Level: auth.Substantial})
	c, err := h.Transparency.Give(ctx, transparency.NewConsent{
		Purpose: "birth-registration", To: "VN/GOV/MOH/maternity", Service: "VN/GOV/MPS/population/population",
		Fields: []string{"full_name"}, Until: h.Config.Clock.Now().AddDate(1, 0, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.consent = c.ID
}

// playPapers hands papers to a bank.
func (s *scene) playPapers(t *testing.T, h *house) {
	t.Helper()
	code, bank, _ := agreed(t, h, "minh", "income")
	page, err := demo.Extracts(t.Context(), bank, code)
	if err != nil {
		t.Fatal(err)
	}
	s.papers, s.receipt = code, last(first(t, "receipt", page.Links("/desk/papers/"+code+"/receipts/")))
	minh, _ := h.world().Sample("minh")
	s.secrets = append(s.secrets, minh.Number, minh.Name)
}
