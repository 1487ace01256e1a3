package forms

import (
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Routes lists the block's doors.
func (x *Forms) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/api/applications", Access: auth.Person(auth.Low), Handle: x.apiList},
		{Method: "GET", Path: "/api/applications/{id}", Access: auth.Person(auth.Low), Handle: x.apiOne},
	}
	if x.d.Pages != nil {
		routes = append(routes, x.pages()...)
	}
	return routes
}

type applicationBody struct {
	ID        string     `json:"id"`
	Service   string     `json:"service"`
	Title     i18n.Text  `json:"title"`
	State     State      `json:"state"`
	Code      string     `json:"code,omitempty"`
	OnBehalf  bool       `json:"on_behalf"`
	Created   time.Time  `json:"created_at"`
	Updated   time.Time  `json:"updated_at"`
	Submitted *time.Time `json:"submitted_at,omitempty"`
}

type fullBody struct {
	applicationBody
	Definition string                `json:"definition"`
	Answers    map[string]any        `json:"answers"`
	Sources    map[string]Provenance `json:"sources"`
	Missing    []missingBody         `json:"missing"`
	Correction *correctionBody       `json:"correction,omitempty"`
}

type missingBody struct {
	Page    string    `json:"page"`
	Field   string    `json:"field"`
	Message i18n.Text `json:"message"`
}

type correctionBody struct {
	Fields  []string `json:"fields"`
	Message string   `json:"message"`
}

func bodyOf(a Application) applicationBody {
	b := applicationBody{
		ID: a.ID, Service: a.Service, Title: a.Title, State: a.State, Code: a.Code, OnBehalf: a.OnBehalf, Created: a.Created, Updated: a.Updated,
	}
	if !a.Submitted.IsZero() {
		b.Submitted = &a.Submitted
	}
	return b
}

func (x *Forms) apiList(w http.ResponseWriter, req *http.Request) error {
	all, err := x.Applications(req.Context())
	if err != nil {
		return err
	}
	out := make([]applicationBody, len(all))
	for i, a := range all {
		out[i] = bodyOf(a)
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"applications": out})
}

func (x *Forms) apiOne(w http.ResponseWriter, req *http.Request) error {
	a, err := x.inHand(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	out := fullBody{
		applicationBody: bodyOf(a.Application), Definition: a.DefHash, Answers: a.def.Prune(a.state()),
		Sources: a.content.Sources, Missing: []missingBody{},
	}
	if out.Sources == nil {
		out.Sources = map[string]Provenance{}
	}
	if a.State != Submitted {
		for _, m := range a.def.Complete(a.state()) {
			out.Missing = append(out.Missing, missingBody(m))
		}
	}
	if a.correction != nil {
		out.Correction = &correctionBody{a.correction.Fields, a.correction.Message}
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}
