package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"slices"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/documents"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/forms"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/notify"
	"github.com/dinh-gov/dinh/blocks/payments"
	"github.com/dinh-gov/dinh/blocks/portal"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/blocks/workspace"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// registerProvider serves a register on the exchange.
type registerProvider struct {
	registers *registers.Registers
	register  string
}

// Serve implements exchange.Provider.
func (p registerProvider) Serve(ctx context.Context, d exchange.Delivery) (exchange.Reply, error) {
	r, err := p.registers.Serve(ctx, registers.Ask{
		Register: p.register, Method: d.Method, Path: d.Path, Body: d.Body, Actor: d.Client.String(), Reason: d.Purpose,
		Key: d.Client.String() + "/" + d.MessageID,
	})
	return exchange.Reply{Status: r.Status, Body: r.Body, ContentType: "application/json", Subjects: r.Subjects}, err
}

// memberCertificate is what a member shows to services of its own that want to
// know who asks.
func (a *App) memberCertificate(ctx context.Context, m exchange.MemberID) (tls.Certificate, error) {
	k, err := a.Keys.Current(ctx, m.String(), keys.TLS)
	if err != nil {
		return tls.Certificate{}, err
	}
	return a.Keys.TLSCertificate(ctx, k.ID)
}

// recordByHand tells people what officers of a register's owner did with their
// records.
func (a *App) recordByHand(ctx context.Context, h registers.Handling) error {
	service, err := exchange.ParseService(a.Instance + "/" + h.Definition.Member + "/" + h.Definition.Subsystem + "/" + h.Definition.ServiceCode())
	if err != nil {
		return err
	}
	return a.Exchange.RecordOwnUse(ctx, exchange.OwnUse{
		Service: service, Operation: h.Operation, User: h.Officer, Purpose: "register-keeping", LegalBasis: h.Definition.Legal,
		Fields: h.Fields, Subjects: h.Subjects, Records: h.Records,
	})
}

// recordOpening tells people that an officer looked into their case.
func (a *App) recordOpening(ctx context.Context, o cases.Opening) error {
	owner := o.Service.Owner
	service, err := exchange.ParseService(a.Instance + "/" + owner.Member + "/" + owner.Subsystem + "/" + o.Service.ID)
	if err != nil {
		return err
	}
	legal := ""
	if len(o.Service.Legal) > 0 {
		legal = o.Service.Legal[0].Ref.VI
	}
	return a.Exchange.RecordOwnUse(ctx, exchange.OwnUse{
		Service: service, Operation: exchange.OpRead, User: o.Officer, Purpose: "case-handling", LegalBasis: legal,
		Application: o.Service.ID, Issue: o.Case, Fields: []string{wholeCase}, Subjects: o.Subjects, Records: 1,
	})
}

// wholeCase is the one field of a case in the list of accesses: an officer sees
// all of it.
const wholeCase = "application"

// asker asks and writes registers through the exchange, in the name of a
// service's owner.
type asker struct {
	exchange *exchange.Exchange
	instance string
}

type question struct {
	owner                          services.Owner
	service, method, path          string
	body                           any
	fields                         []string
	purpose, subject, issue, known string
	key                            string
}

func (a asker) ask(ctx context.Context, q question, into any) error {
	client, err := exchange.ParseSubsystem(a.instance + "/" + q.owner.Member + "/" + q.owner.Subsystem)
	if err != nil {
		return err
	}
	service, err := exchange.ParseService(a.instance + "/" + q.service)
	if err != nil {
		return err
	}
	body, err := json.Marshal(q.body)
	if err != nil {
		return err
	}
	answer, err := a.exchange.Call(ctx, exchange.Call{
		Client: client, Service: service, Method: q.method, Path: q.path, Body: body, Fields: q.fields, Purpose: q.purpose,
		Subjects: []string{q.subject}, MessageID: q.key, Issue: q.issue, Application: q.known,
	})
	if err != nil {
		return err
	}
	return json.Unmarshal(answer.Body, into)
}

const evidenceLimit = 50 // records that one question brings at most

func (a asker) records(ctx context.Context, q question, e services.Evidence, where map[string]string) ([]services.Record, error) {
	q.service, q.method, q.path, q.fields, q.purpose = e.From, "POST", "/search", e.Fields, e.Purpose
	q.body = map[string]any{"where": where, "limit": evidenceLimit}
	var found struct {
		Records []services.Record `json:"records"`
	}
	err := a.ask(ctx, q, &found)
	return found.Records, err
}

// formsEvidence fetches what a form need not ask.
type formsEvidence struct{ asker }

// Fetch implements forms.Evidence.
func (a formsEvidence) Fetch(ctx context.Context, f forms.Fetch) ([]services.Record, error) {
	return a.records(ctx, question{owner: f.Owner, subject: f.Subject, known: f.Service, issue: f.Issue}, f.Evidence, f.Where)
}

// casesExchange fetches and writes for a case.
type casesExchange struct{ asker }

// Fetch implements cases.Exchange.
func (a casesExchange) Fetch(ctx context.Context, f cases.Fetch) (any, error) {
	records, err := a.records(ctx, question{owner: f.Owner, subject: f.Subject, known: f.Service, issue: f.Issue}, f.Evidence, f.Where)
	if err != nil {
		return nil, err
	}
	return services.EvidenceValue(f.Evidence, records), nil
}

// Enter implements cases.Exchange.
func (a casesExchange) Enter(ctx context.Context, e cases.Entry) (map[string]any, error) {
	q := question{
		owner: e.Owner, service: e.Write.To, method: "POST", path: "/records", purpose: e.Write.Purpose,
		subject: e.Subject, known: e.Service, issue: e.Issue, key: e.Key, body: map[string]any{"data": e.Data, "reason": e.Write.Reason},
	}
	if e.Write.Op == "amend" {
		q.method, q.path = "PATCH", "/records/"+e.Record
	}
	var rec services.Record
	if err := a.ask(ctx, q, &rec); err != nil {
		return nil, err
	}
	if rec.Data == nil {
		rec.Data = map[string]any{}
	}
	rec.Data["id"] = rec.ID
	return rec.Data, nil
}

// registerPeople answers identity from the registers, as the identity subsystem.
type registerPeople struct {
	asker
	owner services.Owner
}

func (p registerPeople) find(ctx context.Context, service string, fields []string, where map[string]string, subject string) ([]services.Record, error) {
	return p.records(ctx, question{owner: p.owner, subject: subject, known: "identity"},
		services.Evidence{From: service, Fields: fields, Purpose: "identification"}, where)
}

// Person implements identity.People.
func (p registerPeople) Person(ctx context.Context, number string) (identity.Person, error) {
	found, err := p.find(ctx, "GOV/MPS/population/population", []string{"number", "full_name", "birth_date", "email", "phone"}, map[string]string{"number": number}, number)
	if err != nil {
		return identity.Person{}, err
	}
	if len(found) == 0 {
		return identity.Person{}, errs.New(errs.NotFound, "identity.person_not_found")
	}
	return personOf(found[0].Data), nil
}

func personOf(data map[string]any) identity.Person {
	text := func(k string) string { s, _ := data[k].(string); return s }
	return identity.Person{Number: text("number"), Name: text("full_name"), BirthDate: text("birth_date"), Email: text("email"), Phone: text("phone")}
}

// Children implements identity.People: the people whose birth record names
// this person as mother or father.
func (p registerPeople) Children(ctx context.Context, number string) ([]identity.Person, error) {
	var out []identity.Person
	for _, field := range []string{"mother", "father"} {
		found, err := p.find(ctx, "GOV/MOJ/civil-status/births", []string{"child", "child_name", "birth_date"}, map[string]string{field: number}, number)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			text := func(k string) string { s, _ := r.Data[k].(string); return s }
			child := identity.Person{Number: text("child"), Name: text("child_name"), BirthDate: text("birth_date")}
			if !slices.ContainsFunc(out, func(o identity.Person) bool { return o.Number == child.Number }) {
				out = append(out, child)
			}
		}
	}
	return out, nil
}

// codesByMail sends identity's one-time codes through notify, which is built
// after identity.
type codesByMail struct{ notify *notify.Notify }

// SendCode implements identity.Codes.
func (c *codesByMail) SendCode(ctx context.Context, to identity.Contact, key, code string) error {
	return c.notify.Send(ctx, notify.Message{
		Key: key, Number: to.Subject, Channels: []string{notify.Email},
		Contact: &notify.Contact{Name: to.Name, Email: to.Email, Phone: to.Phone, Lang: to.Lang},
		Subject: i18n.Text{VI: "Mã xác nhận của bạn: " + code, EN: "Your code: " + code},
		Body: i18n.Text{
			VI: "Mã xác nhận của bạn là " + code + ".\n\nMã dùng được trong 10 phút. Không đưa mã này cho bất kỳ ai, kể cả người tự xưng là cán bộ.",
			EN: "Your code is " + code + ".\n\nIt works for 10 minutes. Give it to nobody, not even to somebody who says they are an officer.",
		},
	})
}

// SendNotice implements identity.Codes.
func (c *codesByMail) SendNotice(ctx context.Context, to identity.Contact, key string, n identity.Notice) error {
	what := map[identity.Notice]i18n.Text{
		identity.PasskeyAdded:   {VI: "Một khóa truy cập vừa được thêm vào tài khoản của bạn.", EN: "A passkey was added to your account."},
		identity.PasskeyRemoved: {VI: "Một khóa truy cập vừa được gỡ khỏi tài khoản của bạn.", EN: "A passkey was removed from your account."},
		identity.AppAdded:       {VI: "Một ứng dụng xác thực vừa được thêm vào tài khoản của bạn.", EN: "An authenticator app was added to your account."},
		identity.AppRemoved:     {VI: "Ứng dụng xác thực vừa được gỡ khỏi tài khoản của bạn.", EN: "The authenticator app was removed from your account."},
		identity.EmailChanged:   {VI: "Địa chỉ thư điện tử của tài khoản vừa được đổi. Từ nay thư và mã đăng nhập gửi đến địa chỉ mới.", EN: "The e-mail address of your account was changed. Messages and codes go to the new address from now on."},
		identity.WaysRemoved:    {VI: "Khóa truy cập và ứng dụng xác thực của bạn vừa được gỡ theo đề nghị tại quầy. Lần đăng nhập tới, hãy dùng mã gửi qua thư điện tử.", EN: "Your passkeys and authenticator app were removed, as asked for in person. Next time, sign in with a code by e-mail."},
	}[n]
	return c.notify.Send(ctx, notify.Message{
		Key: key, Number: to.Subject, Channels: []string{notify.Email},
		Contact: &notify.Contact{Name: to.Name, Email: to.Email, Phone: to.Phone, Lang: to.Lang},
		Subject: i18n.Text{VI: "Thay đổi về cách đăng nhập của bạn", EN: "A change in how you sign in"},
		Body: i18n.Text{
			VI: what.VI + "\n\nNếu không phải bạn thực hiện, hãy đến Công an xã, phường ngay.",
			EN: what.EN + "\n\nIf this was not you, go to the commune police at once.",
		},
	})
}

// contacts answers notify from identity.
type contacts struct{ identity *identity.Identity }

// Contact implements notify.Contacts.
func (c contacts) Contact(ctx context.Context, number string) (notify.Contact, error) {
	k, err := c.identity.Contact(ctx, number)
	return notify.Contact{Name: k.Name, Email: k.Email, Phone: k.Phone, Lang: k.Lang}, err
}

// casesPayments bills and refunds for a case.
type casesPayments struct{ payments *payments.Payments }

// CreateBill implements cases.Payments.
func (p casesPayments) CreateBill(ctx context.Context, b cases.Bill) (string, error) {
	bill, err := p.payments.CreateBill(ctx, payments.NewBill{
		Key: b.Key, Number: b.Number, Member: b.Member, Title: b.Title, Label: b.Label, Reference: b.Reference, Amount: b.Amount, Return: b.Return,
	})
	return bill.ID, err
}

// Refund implements cases.Payments.
func (p casesPayments) Refund(ctx context.Context, r cases.Refund) error {
	_, err := p.payments.Refund(ctx, payments.NewRefund{Key: r.Key, Bill: r.Bill, Reason: r.Reason})
	return err
}

// casesNotify tells applicants what happens to their case.
type casesNotify struct{ notify *notify.Notify }

// Send implements cases.Notify.
func (n casesNotify) Send(ctx context.Context, m cases.Notice) error {
	message := notify.Message{
		Key: m.Key, Number: m.Number, Channels: m.Channels, Subject: m.Subject, Body: m.Body, SMS: m.SMS, Link: m.Link, Reference: m.Reference,
	}
	if m.To.Email != "" || m.To.Phone != "" {
		message.Contact = &notify.Contact{Name: m.To.Name, Email: m.To.Email, Phone: m.To.Phone, Lang: m.To.Lang}
	}
	return n.notify.Send(ctx, message)
}

// casesDocuments issues a case's results.
type casesDocuments struct {
	documents *documents.Documents
	forms     *forms.Forms
	names     *names
}

// Issue implements cases.Documents.
func (d casesDocuments) Issue(ctx context.Context, n cases.Document) (cases.Issued, error) {
	o := n.Output
	name, ok := d.names.signer(o.Signer)
	if !ok {
		return cases.Issued{}, errs.New(errs.Invalid, "documents.incomplete")
	}
	doc := documents.NewDocument{
		Key: n.Key, Reference: n.Reference, Type: o.Type, Title: o.Title, Number: o.Number, Signer: o.Signer, SignerName: name,
		Owners: o.Owners, Note: o.Note, ValidUntil: o.ValidUntil,
	}
	for _, l := range o.Lines {
		doc.Lines = append(doc.Lines, documents.Line{Label: l.Label, Value: l.Value})
	}
	if hash, _ := o.Photo["hash"].(string); hash != "" && len(o.Owners) > 0 {
		r, err := d.forms.FileOf(ctx, o.Owners[0], hash)
		if err != nil {
			return cases.Issued{}, err
		}
		defer r.Close()
		if doc.Photo, err = io.ReadAll(io.LimitReader(r, maxPhoto)); err != nil {
			return cases.Issued{}, err
		}
	}
	issued, err := d.documents.Issue(ctx, doc)
	return cases.Issued{ID: issued.ID, Code: issued.Code}, err
}

const maxPhoto = 8 << 20 // bytes of a photo on a document

// childrenOf tells transparency whose lists a parent may read.
type childrenOf struct{ people registerPeople }

// Children implements transparency.Children.
func (c childrenOf) Children(ctx context.Context, number string) ([]transparency.Child, error) {
	found, err := c.people.Children(ctx, number)
	out := make([]transparency.Child, len(found))
	for i, p := range found {
		out[i] = transparency.Child{Number: p.Number, Name: p.Name, BirthDate: p.BirthDate}
	}
	return out, err
}

// applicants tells forms what rules may ask about an applicant.
type applicants struct{ identity *identity.Identity }

// Person implements forms.People.
func (a applicants) Person(ctx context.Context, number string) (forms.Person, error) {
	p, err := a.identity.Person(ctx, number)
	return forms.Person{Name: p.Name, BirthDate: p.BirthDate}, err
}

// formsCases takes applications into work; cases is built after forms.
type formsCases struct{ cases *cases.Cases }

// Open implements forms.Cases.
func (f *formsCases) Open(ctx context.Context, s forms.Submission) (string, error) {
	sources := make(map[string]cases.Provenance, len(s.Sources))
	for k, v := range s.Sources {
		sources[k] = cases.Provenance{Source: v.Source, Evidence: v.Evidence, At: v.At}
	}
	return f.cases.Open(ctx, cases.Submission{
		Application: s.Application, DefHash: s.DefHash, Number: s.Number, Name: s.Name, OnBehalf: s.OnBehalf, Lang: s.Lang, Channel: s.Channel,
		State: s.State, Sources: sources,
	})
}

// Resubmit implements forms.Cases.
func (f *formsCases) Resubmit(ctx context.Context, application string, answers map[string]any) error {
	return f.cases.Resubmit(ctx, application, answers)
}

// Correction implements forms.Cases.
func (f *formsCases) Correction(ctx context.Context, application string) (*forms.Correction, error) {
	c, err := f.cases.CorrectionOf(ctx, application)
	if err != nil || c == nil {
		return nil, err
	}
	return &forms.Correction{Fields: c.Fields, Message: c.Message}, nil
}

// portalDrafts lists what somebody has begun.
type portalDrafts struct{ forms *forms.Forms }

// Drafts implements portal.Drafts.
func (d portalDrafts) Drafts(ctx context.Context) ([]portal.Draft, error) {
	found, err := d.forms.Drafts(ctx)
	out := make([]portal.Draft, len(found))
	for i, a := range found {
		out[i] = portal.Draft{Application: a.ID, Service: a.Service, Title: a.Title, Updated: a.Updated}
	}
	return out, err
}

// portalBills shows a bill to its payer.
type portalBills struct{ payments *payments.Payments }

// Bill implements portal.Bills.
func (b portalBills) Bill(ctx context.Context, id string) (portal.Bill, error) {
	bill, err := b.payments.Bill(ctx, id)
	return portal.Bill{ID: bill.ID, State: string(bill.State), Amount: bill.Amount, Label: bill.Label}, err
}

// portalPapers shows the results of a dossier to those who own them.
type portalPapers struct{ documents *documents.Documents }

// ForReference implements portal.Papers.
func (p portalPapers) ForReference(ctx context.Context, reference string) ([]portal.Paper, error) {
	found, err := p.documents.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []portal.Paper
	for _, d := range found {
		if d.Reference == reference {
			out = append(out, portal.Paper{ID: d.ID, Code: d.Code, Title: d.Title, IssuedAt: d.IssuedAt})
		}
	}
	return out, nil
}

// deskFiles opens what an applicant uploaded, for the officer of the case.
type deskFiles struct{ forms *forms.Forms }

// File implements workspace.Files.
func (d deskFiles) File(ctx context.Context, application, field string) (io.ReadCloser, workspace.FileMeta, error) {
	r, meta, err := d.forms.File(ctx, application, field)
	return r, workspace.FileMeta{Name: meta.Name, Type: meta.Type, Size: meta.Size}, err
}

// deskBills shows a case's bill to its officer.
type deskBills struct{ payments *payments.Payments }

// Bill implements workspace.Bills.
func (d deskBills) Bill(ctx context.Context, id string) (workspace.Bill, error) {
	b, err := d.payments.Find(ctx, id)
	return workspace.Bill{ID: b.ID, State: string(b.State), Amount: b.Amount, Refunded: b.Refunded}, err
}
