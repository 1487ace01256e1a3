package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Extract is what a register says for one paper.
type Extract struct {
	Paper
	Records []map[string]any // of the evidence's fields; none: there is no record
	At      time.Time
	Message string   // the exchange's message id
	Events  []string // ids of the access events, for receipts
	Err     error    // why there is nothing: refused, or not reachable now
}

const mostRecords = 20 // of one paper

// PurposePreview is the purpose for which people are shown their own data.
const PurposePreview = "evidence-preview"

// Preview shows the person of ctx exactly what would be handed over. The request
// is theirs from then on. A register that does not answer has its error in the
// extract, and that paper cannot be agreed to yet.
func (b *Broker) Preview(ctx context.Context, code string) (Request, []Extract, error) {
	r, err := b.Mine(ctx, code)
	if err != nil {
		return r, nil, err
	}
	if err := b.open(r); err != nil {
		return r, nil, err
	}
	if r.subject == "" {
		if r, err = b.claim(ctx, r); err != nil {
			return r, nil, err
		}
	}
	out := make([]Extract, len(r.Papers))
	for i, p := range r.Papers {
		p.foundBy = "" // it may have been entered since
		out[i] = b.ask(ctx, r, p, exchange.Call{Client: b.d.Preview, Purpose: PurposePreview})
		if out[i].Err == nil {
			out[i].State = PaperSeen
			if err := b.store.seen(ctx, r.Code, out[i].Paper); err != nil {
				return r, nil, err
			}
		}
	}
	return r, out, nil
}

// claim makes a request the person's who opens it first.
func (b *Broker) claim(ctx context.Context, r Request) (Request, error) {
	p := auth.From(ctx)
	r.subject, r.number = b.d.Keys.Pseudonym(p.Number), p.Number
	sealed, err := b.seal(ctx, r)
	if err != nil {
		return r, err
	}
	if err := b.store.claim(ctx, r, sealed); err != nil {
		return r, err
	}
	return b.Mine(ctx, r.Code)
}

// Extracts asks the registers for every paper that the person agreed to, in the
// organisation's name, for the officer of ctx. Each paper brings its own answer
// or its own refusal. Error: errs.Conflict broker.not_decided.
func (b *Broker) Extracts(ctx context.Context, code string) (Request, []Extract, error) {
	r, err := b.Ours(ctx, code)
	if err != nil {
		return r, nil, err
	}
	if r.Decided.IsZero() {
		return r, nil, errs.New(errs.Conflict, "broker.not_decided")
	}
	var out []Extract
	for _, p := range r.Papers {
		x := Extract{Paper: p}
		if p.State == PaperGiven {
			x = b.ask(ctx, r, p, exchange.Call{Client: r.Client, Purpose: r.Pack.Purpose, UserID: auth.From(ctx).Officer})
		}
		out = append(out, x)
	}
	return r, out, nil
}

// ask puts a paper's questions to its register until one finds a record.
func (b *Broker) ask(ctx context.Context, r Request, p Paper, c exchange.Call) Extract {
	x := Extract{Paper: p, At: b.d.Clock.Now()}
	if c.Service, x.Err = exchange.ParseService(b.d.Instance + "/" + p.Evidence.Service); x.Err != nil {
		return x
	}
	c.Method, c.Path, c.Fields, c.Subjects = "POST", "/search", p.Evidence.Fields, []string{r.number}
	c.Issue, c.Application = r.Code, r.Service
	for _, by := range p.questions() {
		c.Body, x.Err = json.Marshal(map[string]any{"where": map[string]string{by: r.number}, "limit": mostRecords})
		if x.Err != nil {
			return x
		}
		answer, err := b.d.Exchange.Call(ctx, c)
		if err != nil {
			x.Err = err
			return x
		}
		var found struct {
			Records []struct {
				Data map[string]any `json:"data"`
			} `json:"records"`
		}
		d := json.NewDecoder(bytes.NewReader(answer.Body))
		d.UseNumber() // amounts stay as they are written
		if err := d.Decode(&found); err != nil {
			x.Err = errs.New(errs.Unavailable, "broker.unreadable").Wrap(err)
			return x
		}
		x.At, x.Message, x.Events = answer.At, answer.MessageID, append(x.Events, answer.Events...)
		for _, rec := range found.Records {
			x.Records = append(x.Records, rec.Data)
		}
		if len(x.Records) > 0 {
			x.foundBy = by
			return x
		}
	}
	return x
}

// Receipt gives the receipt of one of the organisation's own accesses under a
// request, to its officers.
func (b *Broker) Receipt(ctx context.Context, code, event string) ([]byte, error) {
	r, err := b.Ours(ctx, code)
	if err != nil {
		return nil, err
	}
	return b.d.Receipts.ReceiptForClient(ctx, event, r.Client)
}
