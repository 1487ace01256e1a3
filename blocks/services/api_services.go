package services

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Routes are the doors of this block, all public.
func (x *Services) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/api/services", Access: auth.Public(), Handle: x.apiList},
		{Method: "GET", Path: "/api/services/{id}", Access: auth.Public(), Handle: x.apiOne},
	}
	if x.deps.Pages != nil {
		routes = append(routes,
			httpx.Route{Method: "GET", Path: "/services", Access: auth.Public(), Page: true, Handle: x.pageCatalogue},
			httpx.Route{Method: "GET", Path: "/services/{id}", Access: auth.Public(), Page: true, Handle: x.pageStart},
		)
	}
	return routes
}

// summaryJSON is a service in a list.
type summaryJSON struct {
	ID        string    `json:"id"`
	Version   int       `json:"version"`
	Title     i18n.Text `json:"title"`
	Summary   i18n.Text `json:"summary"`
	Owner     ownerJSON `json:"owner"`
	Procedure string    `json:"procedure"`
	LifeEvent string    `json:"life_event,omitempty"`
	Level     string    `json:"online_level"`
	Channels  []string  `json:"channels"`
	Days      int       `json:"working_days,omitempty"`
}

type ownerJSON struct {
	Member string    `json:"member"`
	Name   i18n.Text `json:"name"`
}

// detailJSON is a service with what people ask before they start.
type detailJSON struct {
	summaryJSON
	Hash      string         `json:"hash"`
	Legal     []Legal        `json:"legal_basis"`
	Assurance string         `json:"assurance"`
	OnBehalf  []string       `json:"on_behalf,omitempty"`
	Before    []i18n.Text    `json:"before_you_start"`
	Results   []i18n.Text    `json:"you_receive"`
	Evidence  []evidenceJSON `json:"evidence"`
	Fee       *feeJSON       `json:"fee,omitempty"`
	Appeal    *Appeal        `json:"appeal,omitempty"`
}

type evidenceJSON struct {
	ID      string    `json:"id"`
	Title   i18n.Text `json:"title"`
	From    string    `json:"from"`
	Fields  []string  `json:"fields"`
	Purpose string    `json:"purpose"`
	Legal   string    `json:"legal_basis"`
}

type feeJSON struct {
	Minor    *int64    `json:"minor,omitempty"` // absent when it depends on the case
	Currency string    `json:"currency"`
	Label    i18n.Text `json:"label"`
	Legal    string    `json:"legal_basis"`
}

func (s *Service) summary() summaryJSON {
	j := summaryJSON{ID: s.ID, Version: s.Version, Title: s.Title, Summary: s.Summary,
		Owner: ownerJSON{s.Owner.Member, s.Owner.Name}, Procedure: s.Procedure, LifeEvent: s.LifeEvent,
		Level: s.Level, Channels: s.Channels}
	if s.Clock != nil {
		j.Days = s.Clock.WorkingDays
	}
	return j
}

func (x *Services) apiList(w http.ResponseWriter, r *http.Request) error {
	found, err := x.Search(r.Context(), r.URL.Query().Get("q"), i18n.LangFrom(r.Context()))
	if err != nil {
		return err
	}
	list := make([]summaryJSON, len(found))
	for i, s := range found {
		list[i] = s.summary()
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"services": list})
}

func (x *Services) apiOne(w http.ResponseWriter, r *http.Request) error {
	s, err := x.Live(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	d := detailJSON{summaryJSON: s.summary(), Hash: s.Hash, Legal: s.Legal, Assurance: s.Applicant.Assurance,
		OnBehalf: s.Applicant.OnBehalf, Before: notNil(s.Before), Results: notNil(s.Results),
		Evidence: make([]evidenceJSON, 0, len(s.Evidence)), Appeal: s.Appeal}
	for _, e := range s.Evidence {
		d.Evidence = append(d.Evidence, evidenceJSON{e.ID, e.Title, e.From, e.Fields, e.Purpose, e.Legal})
	}
	if f := s.Definition.Fee; f != nil {
		d.Fee = &feeJSON{Currency: f.Currency, Label: f.Label, Legal: f.Legal}
		if f.Decision == "" {
			d.Fee.Minor = &f.Amount
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, d)
}

func notNil(list []i18n.Text) []i18n.Text {
	if list == nil {
		return []i18n.Text{}
	}
	return list
}
