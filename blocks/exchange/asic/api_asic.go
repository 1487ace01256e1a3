package asic

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Exchange hands out evidence and lists members. blocks/exchange is one.
type Exchange interface {
	HandOut(ctx context.Context, client exchange.SubsystemID, messageID string) ([]exchange.Exhibit, error)
	Members(ctx context.Context) ([]exchange.Member, error)
	AuthenticateClient(r *http.Request) (p auth.Principal, found bool, err error)
}

// Routes are the doors of this package on the shared listener.
func (m *Containers) Routes() []httpx.Route {
	asking := auth.AnyOf(auth.Client(), auth.Operator(), auth.Officer(exchange.RoleLog))
	return []httpx.Route{
		{Method: "GET", Path: "/asic", Access: asking, Handle: m.getASiC},
		{Method: "GET", Path: "/verificationconf", Access: auth.Public(), Anonymous: true, Handle: m.getVerificationConf},
		{Method: "GET", Path: "/internalconf", Access: auth.Public(), Anonymous: true, Handle: m.getInternalConf},
		{Method: "GET", Path: "/internalconf/{instance}/shared-params.xml", Access: auth.Public(), Anonymous: true, Handle: m.getSharedParams},
	}
}

// Beside puts the same doors before another handler, on a listener that X-Road's
// clients have for themselves: there a system shows its API key, and every answer
// is X-Road's.
func (m *Containers) Beside(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	serve := func(path string, handle httpx.Handler) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				m.refuse(w, r, err)
			}
		})
	}
	serve("/asic", func(w http.ResponseWriter, r *http.Request) error {
		p, found, err := m.d.Exchange.AuthenticateClient(r)
		if found || err != nil { // a false key is nobody's, and refused after what else is wrong
			r = r.WithContext(auth.With(r.Context(), p))
		}
		return m.getASiC(w, r)
	})
	serve("/verificationconf", m.getVerificationConf)
	serve("/internalconf", m.getInternalConf)
	serve("/internalconf/{instance}/shared-params.xml", m.getSharedParams)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" && !strings.HasPrefix(r.URL.EscapedPath(), "/r1/") {
			mux.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refusal is an answer in X-Road's words.
type refusal struct {
	status int
	text   string
}

func (e *refusal) Error() string { return e.text }

// X-Road's clients compare these texts.
func missing(name string) error {
	return &refusal{http.StatusBadRequest, `Parameter "` + name + `"  must be specified.`} // two spaces, as there
}

// refuse answers as X-Road's /asic does: plain text.
func (m *Containers) refuse(w http.ResponseWriter, r *http.Request, err error) {
	no, ok := errors.AsType[*refusal](err)
	if !ok {
		m.d.Log.ErrorContext(r.Context(), "asic: no answer", "code", errs.CodeOf(err), "error", err)
		no = &refusal{http.StatusInternalServerError, "The evidence could not be prepared; repeat the request"}
	}
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(no.text)))
	w.WriteHeader(no.status)
	_, _ = w.Write([]byte(no.text))
}

// wish is a request for containers.
type wish struct {
	client  exchange.SubsystemID
	queryID string
	kinds   []string
	suffix  string // "-request", "-response" or nothing
	unique  bool
	force   bool
}

// readWish reads a request in the order in which X-Road looks at it: whose
// evidence, whether the caller may have it, then the rest.
func readWish(q url.Values, allowed func(exchange.SubsystemID) error) (wish, error) {
	w := wish{kinds: []string{Request, Response}}
	for _, p := range []struct {
		name string
		to   *string
	}{{"xRoadInstance", &w.client.Instance}, {"memberClass", &w.client.Class}, {"memberCode", &w.client.Member}} {
		if !q.Has(p.name) {
			return w, missing(p.name)
		}
		*p.to = q.Get(p.name)
	}
	w.client.Subsystem = q.Get("subsystemCode")
	if err := allowed(w.client); err != nil {
		return w, err
	}
	if !q.Has("queryId") {
		return w, missing("queryId")
	}
	w.queryID = q.Get("queryId")
	switch {
	case q.Has("requestOnly") && q.Has("responseOnly"):
		return w, &refusal{http.StatusBadRequest, `Parameters "requestOnly" and "responseOnly" cannot be used at the same time.`}
	case q.Has("requestOnly"):
		w.kinds, w.suffix = []string{Request}, "-request"
	case q.Has("responseOnly"):
		w.kinds, w.suffix = []string{Response}, "-response"
	}
	w.unique, w.force = q.Has("unique"), q.Has("force")
	return w, nil
}

// getASiC answers all errors itself, in X-Road's form.
func (m *Containers) getASiC(w http.ResponseWriter, r *http.Request) error {
	in, err := readWish(r.URL.Query(), func(c exchange.SubsystemID) error { return allowed(r.Context(), c) })
	if err == nil {
		err = m.serveASiC(w, r, in)
	}
	if err != nil {
		m.refuse(w, r, err)
	}
	return nil
}

// allowed is X-Road's own look at the caller; the exchange looks again.
func allowed(ctx context.Context, client exchange.SubsystemID) error {
	p := auth.From(ctx)
	auditor := p.IsOfficer() && (p.HasRole(auth.RoleOperator) || p.Member == client.Owner().String())
	if p.IsClient() && p.Subsystem == client.String() || !p.IsClient() && auditor {
		return nil
	}
	return notAuthenticated(client)
}

func notAuthenticated(client exchange.SubsystemID) error {
	return &refusal{http.StatusUnauthorized, "Client SUBSYSTEM:" + client.String() + " is not who asks for its documents"}
}

func (m *Containers) serveASiC(w http.ResponseWriter, r *http.Request, in wish) error {
	handed, err := m.d.Exchange.HandOut(r.Context(), in.client, in.queryID)
	if k := errs.KindOf(err); err != nil && (k == errs.Forbidden || k == errs.Unauthenticated) {
		return notAuthenticated(in.client)
	}
	if err != nil {
		return err
	}
	made, err := m.makeAll(r.Context(), handed, in)
	if err != nil {
		return err
	}
	if len(made) == 0 {
		return &refusal{http.StatusNotFound, "No signed documents found"}
	}
	if in.unique {
		if in.suffix == "" {
			return &refusal{http.StatusBadRequest, `Parameter "unique" not applicable without "requestOnly" or "responseOnly".`}
		}
		return send(w, mimeContainer, entryName(in.queryID, made[0]), made[0].Data)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, c := range made {
		to, err := z.CreateHeader(&zip.FileHeader{Name: entryName(in.queryID, c), Method: zip.Store, Modified: c.At.UTC().Truncate(time.Second)})
		if err != nil {
			return err
		}
		if _, err := to.Write(c.Data); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return send(w, "application/zip", escape(in.queryID)+in.suffix+".zip", b.Bytes())
}

func (m *Containers) makeAll(ctx context.Context, handed []exchange.Exhibit, in wish) ([]Container, error) {
	var out []Container
	for _, h := range handed {
		if h.Request.Base == "" {
			continue // an event that was delivered: nobody asked, so there are no two sides to put together
		}
		for _, kind := range in.kinds {
			if kind == Response && h.Answer.Base == "" {
				continue
			}
			if in.unique && len(out) == 1 {
				return out, nil
			}
			c, err := m.Make(ctx, h, kind)
			if errs.CodeOf(err) == "asic.not_stamped" {
				m.d.Log.WarnContext(ctx, "asic: no timestamp", "error", err)
				if in.force {
					return nil, &refusal{http.StatusInternalServerError, "Could not create missing timestamp!"}
				}
				return nil, &refusal{http.StatusInternalServerError, "Message signature has not been timestamped yet!"}
			}
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// entryName is X-Road's name of a container within the archive.
func entryName(queryID string, c Container) string {
	const most = 226
	name := escape(queryID)
	return name[:min(len(name), most)] + "-" + c.Kind + "-" + c.ID + ".asice"
}

// escape encodes as X-Road does, which keeps * and encodes ~.
func escape(s string) string {
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}

func send(w http.ResponseWriter, mime, name string, data []byte) error {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, err := w.Write(data)
	return err
}
