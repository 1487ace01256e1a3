package transparency

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Routes lists the block's doors.
func (t *Transparency) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/api/transparency/events", Access: auth.Person(auth.Low), Handle: t.apiEvents},
		{Method: "GET", Path: "/api/transparency/events/{id}/receipt", Access: auth.Person(auth.Low), Handle: t.apiReceipt},
		{Method: "POST", Path: "/api/transparency/inspections", Access: auth.Officer(RoleInspector), Handle: t.apiInspect},
	}
	if t.d.Pages != nil {
		routes = append(routes, t.pages()...)
	}
	return routes
}

type named struct {
	ID   string     `json:"id"`
	Name *i18n.Text `json:"name,omitempty"`
}

type fieldBody struct {
	Field string     `json:"field"`
	Label *i18n.Text `json:"label,omitempty"`
}

type eventBody struct {
	ID          string      `json:"id"`
	At          time.Time   `json:"at"`
	Who         named       `json:"who"`
	Service     named       `json:"service"`
	Operation   string      `json:"operation"`
	Fields      []fieldBody `json:"fields"`
	Records     int         `json:"records"`
	Purpose     named       `json:"purpose"`
	LegalBasis  string      `json:"legal_basis"`
	Application named       `json:"application"`
	Issue       string      `json:"issue"`
	Represented string      `json:"represented,omitempty"`
	Outcome     string      `json:"outcome"`
	Reason      string      `json:"reason,omitempty"`
}

type listBody struct {
	Events []eventBody `json:"events"`
	Next   string      `json:"next,omitempty"`
	Total  int64       `json:"total"`
}

func (t *Transparency) body(l List) listBody {
	out := listBody{Events: make([]eventBody, len(l.Events)), Next: l.Next, Total: l.Total}
	for i, e := range l.Events {
		out.Events[i] = t.eventBody(e)
	}
	return out
}

func (t *Transparency) eventBody(e exchange.Event) eventBody {
	name := func(id string, find func(string) (i18n.Text, bool)) named {
		if text, ok := find(id); ok {
			return named{ID: id, Name: &text}
		}
		return named{ID: id}
	}
	b := eventBody{
		ID: e.ID, At: e.At.UTC(), Who: name(e.Client, t.d.Names.MemberName), Service: name(e.Service, t.d.Names.ServiceTitle), Operation: e.Operation,
		Fields: []fieldBody{}, Records: e.Records, Purpose: name(e.Purpose, t.d.Names.PurposeTitle), LegalBasis: e.LegalBasis,
		Application: name(e.Application, t.d.Names.ApplicationTitle), Issue: e.Issue, Represented: e.Represented, Outcome: e.Outcome, Reason: e.Reason,
	}
	for _, f := range e.Fields {
		field := fieldBody{Field: f}
		if text, ok := t.d.Names.FieldLabel(e.Service, f); ok {
			field.Label = &text
		}
		b.Fields = append(b.Fields, field)
	}
	return b
}

func queryOf(v url.Values) (Query, error) {
	q := Query{Who: v.Get("who"), Purpose: v.Get("purpose"), From: v.Get("from"), Until: v.Get("until"), Before: v.Get("before")}
	if s := v.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			return q, errs.New(errs.Invalid, "transparency.bad_limit", "max", maxLimit).With(errs.NewField("limit", "transparency.bad_limit", "max", maxLimit))
		}
		q.Limit = n
	}
	return q, nil
}

func (t *Transparency) apiEvents(w http.ResponseWriter, req *http.Request) error {
	q, err := queryOf(req.URL.Query())
	if err != nil {
		return err
	}
	l, err := t.List(req.Context(), req.URL.Query().Get("child"), q)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, t.body(l))
}

func (t *Transparency) apiReceipt(w http.ResponseWriter, req *http.Request) error {
	return t.sendReceipt(w, req, req.PathValue("id"))
}

// sendReceipt gives the receipt as a file to keep.
func (t *Transparency) sendReceipt(w http.ResponseWriter, req *http.Request, eventID string) error {
	file, err := t.Receipt(req.Context(), req.URL.Query().Get("child"), eventID)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="bien-nhan-`+eventID+`.dinh-receipt"`)
	h.Set("Content-Length", strconv.Itoa(len(file)))
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(file)
	return err
}

func (t *Transparency) apiInspect(w http.ResponseWriter, req *http.Request) error {
	var in struct {
		Number  string `json:"number"`
		Reason  string `json:"reason"`
		Who     string `json:"who"`
		Purpose string `json:"purpose"`
		From    string `json:"from"`
		Until   string `json:"until"`
		Before  string `json:"before"`
		Limit   int    `json:"limit"`
	}
	if err := httpx.ReadJSON(req, &in); err != nil {
		return err
	}
	l, err := t.Inspect(req.Context(), Inspection{Number: in.Number, Reason: in.Reason, Query: Query{
		Who: in.Who, Purpose: in.Purpose, From: in.From, Until: in.Until, Before: in.Before, Limit: in.Limit,
	}})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, t.body(l))
}
