package directory

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes are the doors of a reader: the directory as it knows it, for everybody.
// That of a follower is as good as the source's own: the signature says so.
func (d *Directory) Routes() []httpx.Route {
	return []httpx.Route{{Method: "GET", Path: "/directory", Access: auth.Public(), Anonymous: true, Handle: d.apiDirectory}}
}

// cachedFor bounds how long caches on the way may answer without asking again.
const cachedFor = 30 * time.Second

func (d *Directory) apiDirectory(w http.ResponseWriter, r *http.Request) error {
	if d.source == nil {
		d.look(r.Context())
	}
	s := d.now.Load()
	if s.doc.Version == 0 {
		return errs.New(errs.Unavailable, "directory.none_yet")
	}
	h := w.Header()
	h.Set("Etag", s.etag)
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(d.share(cachedFor, 4).Seconds())))
	h.Set("Last-Modified", s.doc.Issued.UTC().Format(http.TimeFormat))
	for _, tag := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), "W/") == s.etag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write(s.signed)
	return err
}

// Routes are the doors of the central node: for organisations that ask, for
// members' nodes that renew, for registrars.
func (g *Registry) Routes() []httpx.Route {
	registrar := auth.AnyOf(auth.Operator(), auth.Officer(RoleRegistrar))
	return append(g.pages(), []httpx.Route{
		{Method: "GET", Path: "/directory/verifier-key", Access: auth.Public(), Anonymous: true, Handle: g.apiVerifierKey},
		{Method: "POST", Path: "/api/directory/requests", Access: auth.Public(), Anonymous: true, Body: maxRequest, Handle: g.apiAsk},
		{Method: "GET", Path: "/api/directory/follow/{secret}", Access: auth.Public(), Anonymous: true, Handle: g.apiFollow},
		{Method: "POST", Path: "/api/directory/follow/{secret}/challenge", Access: auth.Public(), Anonymous: true, Handle: g.apiChallenge},
		{Method: "POST", Path: "/api/directory/follow/{secret}/proof", Access: auth.Public(), Anonymous: true, Handle: g.apiProve},
		{Method: "POST", Path: "/api/directory/renewals", Access: auth.Public(), Anonymous: true, Body: maxRequest, Handle: g.apiRenew},
		{Method: "POST", Path: "/api/directory/rotations", Access: auth.Public(), Anonymous: true, Body: maxRequest, Handle: g.apiRotate},
		{Method: "GET", Path: "/api/directory/requests", Access: registrar, Handle: g.apiRequests},
		{Method: "POST", Path: "/api/directory/requests/{id}/approve", Access: registrar, Handle: g.apiApprove},
		{Method: "POST", Path: "/api/directory/requests/{id}/refuse", Access: registrar, Handle: g.apiRefuse},
		{Method: "POST", Path: "/api/directory/members/{class}/{code}/{measure}", Access: registrar, Handle: g.apiPropose},
	}...)
}

// maxRequest is more than any honest request needs.
const maxRequest = 64 << 10

func (g *Registry) apiVerifierKey(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := fmt.Fprintln(w, g.vkey)
	return err
}

// Receipt is what whoever asked for membership gets back.
type Receipt struct {
	Request Request `json:"request"`
	Secret  string  `json:"secret"` // opens the request; told once
}

// AddressOf tells senders apart.
type AddressOf func(*http.Request) string

func (g *Registry) apiAsk(w http.ResponseWriter, r *http.Request) error {
	var in Application
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	req, secret, err := g.Ask(r.Context(), in, g.address(r))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusCreated, Receipt{req, secret})
}

func (g *Registry) apiFollow(w http.ResponseWriter, r *http.Request) error {
	req, err := g.Follow(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, req.forAsker())
}

// forAsker leaves out which officers decided: they answer to their office.
func (r Request) forAsker() Request {
	for i := range r.Votes {
		r.Votes[i].Officer = ""
	}
	return r
}

func (g *Registry) apiChallenge(w http.ResponseWriter, r *http.Request) error {
	c, err := g.Challenge(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, c)
}

func (g *Registry) apiProve(w http.ResponseWriter, r *http.Request) error {
	var in Proof
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	if err := g.Prove(r.Context(), r.PathValue("secret"), in); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (g *Registry) apiRenew(w http.ResponseWriter, r *http.Request) error {
	var in Renewal
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	out, err := g.Renew(r.Context(), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func (g *Registry) apiRotate(w http.ResponseWriter, r *http.Request) error {
	var in Rotation
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	out, err := g.Rotate(r.Context(), in)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func (g *Registry) apiRequests(w http.ResponseWriter, r *http.Request) error {
	all, err := g.Requests(r.Context(), auth.From(r.Context()))
	if err != nil {
		return err
	}
	if all == nil {
		all = []Request{}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"requests": all})
}

func (g *Registry) apiApprove(w http.ResponseWriter, r *http.Request) error {
	req, err := g.Approve(r.Context(), auth.From(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, req)
}

type reason struct {
	Reason string `json:"reason"`
}

func (g *Registry) apiRefuse(w http.ResponseWriter, r *http.Request) error {
	var in reason
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	req, err := g.Refuse(r.Context(), auth.From(r.Context()), r.PathValue("id"), in.Reason)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, req)
}

func (g *Registry) apiPropose(w http.ResponseWriter, r *http.Request) error {
	var in reason
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	member := r.PathValue("class") + "/" + r.PathValue("code")
	req, err := g.Propose(r.Context(), auth.From(r.Context()), r.PathValue("measure"), member, in.Reason)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusCreated, req)
}
