package payments

import (
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes lists the block's doors.
func (p *Payments) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/api/payments/bills", Access: auth.Person(auth.Low), Handle: p.apiBills},
		{Method: "POST", Path: "/api/payments/bills/{id}/pay", Access: auth.Person(auth.Low), Handle: p.apiPay},
	}
	if p.d.Pages != nil {
		routes = append(routes, p.pages()...)
	}
	return routes
}

type billBody struct {
	ID        string    `json:"id"`
	Title     any       `json:"title"`
	Reference string    `json:"reference"`
	Minor     int64     `json:"amount_minor"`
	Refunded  int64     `json:"refunded_minor"`
	Currency  string    `json:"currency"`
	State     BillState `json:"state"`
	Created   time.Time `json:"created_at"`
}

func (p *Payments) apiBills(w http.ResponseWriter, req *http.Request) error {
	bills, err := p.Bills(req.Context(), auth.From(req.Context()).Number)
	if err != nil {
		return err
	}
	out := make([]billBody, len(bills))
	for i, b := range bills {
		out[i] = billBody{ID: b.ID, Title: b.Title, Reference: b.Reference, Minor: b.Amount.Minor, Refunded: b.Refunded.Minor, Currency: b.Amount.Currency, State: b.State, Created: b.Created.UTC()}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"bills": out})
}

func (p *Payments) apiPay(w http.ResponseWriter, req *http.Request) error {
	page, err := p.Start(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, map[string]string{"next_url": page})
}
