package registers

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

const maxImport = 256 << 20 // bytes of a CSV file

// Routes lists the block's doors. Rights are checked again on the register
// itself: only officers of its owner with one of its roles.
func (r *Registers) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/api/registers", Access: auth.AnyOfficer(), Handle: r.apiList},
		{Method: "POST", Path: "/api/registers/{register}/search", Access: auth.AnyOfficer(), Handle: r.apiSearch},
		{Method: "POST", Path: "/api/registers/{register}/records", Access: auth.AnyOfficer(), Handle: r.apiCreate},
		{Method: "GET", Path: "/api/registers/{register}/records/{id}", Access: auth.AnyOfficer(), Handle: r.apiRead},
		{Method: "PATCH", Path: "/api/registers/{register}/records/{id}", Access: auth.AnyOfficer(), Handle: r.apiAmend},
		{Method: "GET", Path: "/api/registers/{register}/records/{id}/history", Access: auth.AnyOfficer(), Handle: r.apiHistory},
		{Method: "POST", Path: "/api/registers/{register}/import", Access: auth.AnyOfficer(), Body: maxImport, Timeout: -1, Handle: r.apiImport},
	}
	if r.d.Pages != nil {
		routes = append(routes, r.pages()...)
	}
	return routes
}

type wordsBody struct {
	Query string `json:"q"`
	Limit int    `json:"limit"`
}

type listed struct {
	ID      string   `json:"id"`
	Title   any      `json:"title"`
	Member  string   `json:"member"`
	Fields  []string `json:"fields"`
	Records int      `json:"records"`
}

// mine finds the register of a request and checks the caller's right to it.
func (r *Registers) mine(req *http.Request) (*Definition, error) {
	def, err := r.Definition(req.PathValue("register"))
	if err != nil {
		return nil, err
	}
	return def, mayHandle(req.Context(), def)
}

func (r *Registers) apiList(w http.ResponseWriter, req *http.Request) error {
	out := []listed{}
	for _, def := range r.order {
		if mayHandle(req.Context(), def) != nil {
			continue
		}
		n, err := r.Count(req.Context(), def.ID)
		if err != nil {
			return err
		}
		out = append(out, listed{ID: def.ID, Title: def.Title, Member: def.Member, Fields: def.Fields(), Records: n})
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"registers": out})
}

func (r *Registers) apiSearch(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	var b wordsBody // a body, for names and numbers have no place in addresses
	if err := httpx.ReadJSON(req, &b); err != nil {
		return err
	}
	found, err := r.searchByHand(req.Context(), def, b.Query, b.Limit, def.fields)
	if err != nil {
		return err
	}
	if found == nil {
		found = []Record{}
	}
	return httpx.WriteJSON(w, http.StatusOK, recordsBody{Records: found})
}

func (r *Registers) apiCreate(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	var b changeBody
	if err := httpx.ReadJSON(req, &b); err != nil {
		return err
	}
	c, err := changeOf(req, def, b)
	if err != nil {
		return err
	}
	rec, err := r.createByHand(req.Context(), def, c)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, rec)
}

// changeOf is what an officer's request asks for. Their Idempotency-Key is their
// own, and good for this request alone.
func changeOf(req *http.Request, def *Definition, b changeBody) (Change, error) {
	officer := auth.From(req.Context()).Officer
	c := Change{Register: def.ID, Data: b.Data, Actor: officer, Reason: b.Reason, ValidFrom: b.ValidFrom}
	key := req.Header.Get("Idempotency-Key")
	if key == "" {
		return c, nil
	}
	c.Key = "api/" + officer + "/" + key
	var err error
	c.Fingerprint, err = fingerprint(req.Method, req.URL.Path, b)
	return c, err
}

func (r *Registers) apiRead(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	rec, err := r.readByHand(req.Context(), def, req.PathValue("id"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, rec)
}

func (r *Registers) apiAmend(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	var b changeBody
	if err := httpx.ReadJSON(req, &b); err != nil {
		return err
	}
	c, err := changeOf(req, def, b)
	if err != nil {
		return err
	}
	c.ID, c.Version = req.PathValue("id"), b.Version
	rec, err := r.amendByHand(req.Context(), def, c)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, rec)
}

func (r *Registers) apiHistory(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	if _, err := r.readByHand(req.Context(), def, req.PathValue("id")); err != nil {
		return err
	}
	versions, err := r.History(req.Context(), def.ID, req.PathValue("id"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"versions": versions})
}

func (r *Registers) apiImport(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	report, err := r.Import(req.Context(), def.ID, req.Body, ImportOptions{
		Actor: auth.From(req.Context()).Officer, Reason: req.URL.Query().Get("reason"),
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, report)
}
