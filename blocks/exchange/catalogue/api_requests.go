package catalogue

import (
	"net/http"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// apiAsk takes a request; a system need not name itself.
func (c *Catalogue) apiAsk(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Client     string `json:"client"`
		Service    string `json:"service"`
		Purpose    string `json:"purpose"`
		LegalBasis string `json:"legal_basis"`
		Reason     string `json:"reason"`
		Terms
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	if p := auth.From(r.Context()); in.Client == "" && p.IsClient() {
		in.Client = p.Subsystem
	}
	client, err := exchange.ParseSubsystem(in.Client)
	if err != nil {
		return err
	}
	service, err := exchange.ParseService(in.Service)
	if err != nil {
		return err
	}
	made, err := c.Ask(r.Context(), Request{Client: client, Service: service, Purpose: in.Purpose, LegalBasis: in.LegalBasis, Reason: in.Reason, Asked: in.Terms})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, made)
}

func (c *Catalogue) apiRequests(w http.ResponseWriter, r *http.Request) error {
	asked, received, err := c.Requests(r.Context())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"asked": append([]Request{}, asked...), "received": append([]Request{}, received...)})
}

func (c *Catalogue) apiRequest(w http.ResponseWriter, r *http.Request) error {
	found, err := c.Request(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, found)
}

func (c *Catalogue) apiDecide(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Outcome string `json:"outcome"`
		Answer  string `json:"answer"`
		Terms   Terms  `json:"terms"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	decided, err := c.Decide(r.Context(), r.PathValue("id"), Decision{Outcome: in.Outcome, Terms: in.Terms, Answer: in.Answer})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, decided)
}
