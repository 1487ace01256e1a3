package documents

import (
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

const maxUpload = 10 << 20

// Routes lists the block's doors.
func (x *Documents) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/api/documents", Access: auth.Person(auth.Low), Handle: x.apiList},
		{Method: "GET", Path: "/api/documents/verify/{code}", Access: auth.Public(), Handle: x.apiVerify},
	}
	if x.d.Pages != nil {
		routes = append(routes, x.pages()...)
	}
	return routes
}

type documentBody struct {
	ID         string    `json:"id,omitempty"`
	Code       string    `json:"code"`
	Type       string    `json:"type"`
	Title      any       `json:"title"`
	Issuer     any       `json:"issuer"`
	IssuedAt   time.Time `json:"issued_at"`
	ValidUntil string    `json:"valid_until,omitempty"`
	State      string    `json:"state"`
}

func (x *Documents) body(d Document) documentBody {
	return documentBody{ID: d.ID, Code: d.Code, Type: d.Type, Title: d.Title, Issuer: d.SignerName, IssuedAt: d.IssuedAt.UTC(), ValidUntil: d.ValidUntil, State: d.State(x.today())}
}

func (x *Documents) apiList(w http.ResponseWriter, r *http.Request) error {
	docs, err := x.List(r.Context())
	if err != nil {
		return err
	}
	out := make([]documentBody, len(docs))
	for i, d := range docs {
		out[i] = x.body(d)
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"documents": out})
}

func (x *Documents) apiVerify(w http.ResponseWriter, r *http.Request) error {
	d, err := x.ByCode(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	b := x.body(d)
	b.ID = ""
	return httpx.WriteJSON(w, http.StatusOK, b)
}
