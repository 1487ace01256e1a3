package clients

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Routes are the token address and the doors of officers.
func (c *Clients) Routes() []httpx.Route {
	officers := auth.AnyOf(auth.Operator(), auth.Officer(exchange.RoleGrants))
	return []httpx.Route{
		{Method: "POST", Path: tokenPath, Access: auth.Public(), Anonymous: true, CrossOrigin: true, Body: 2 * maxToken, Handle: c.apiToken},
		{Method: "GET", Path: "/api/exchange/client-keys", Access: officers, Handle: c.apiKeys},
		{Method: "POST", Path: "/api/exchange/client-keys", Access: officers, Handle: c.apiRegister},
		{Method: "POST", Path: "/api/exchange/client-keys/{id}/revoke", Access: officers, Handle: c.apiRevoke},
	}
}

// apiToken speaks RFC 6749, section 4.4, with the assertions of RFC 7523.
func (c *Clients) apiToken(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(r)
	if err != nil {
		return c.oauthError(w, r, "invalid_request", err)
	}
	if form.Get("grant_type") != "client_credentials" {
		return c.oauthError(w, r, "unsupported_grant_type", errs.New(errs.Invalid, "clients.grant_type"))
	}
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Get("client_assertion") == "" {
		return c.oauthError(w, r, "invalid_request", errs.New(errs.Invalid, "clients.assertion_missing"))
	}
	got, err := c.Exchange(r.Context(), form.Get("client_assertion"))
	if errs.KindOf(err) == errs.Unauthenticated {
		c.log.InfoContext(r.Context(), "clients: assertion refused", "error", err)
		return c.oauthError(w, r, "invalid_client", err)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{
		"access_token": got.Token, "token_type": "Bearer", "expires_in": int64(got.ExpiresIn / time.Second),
	})
}

// readForm reads a form in which nothing stands twice (RFC 6749, section 3.2).
func readForm(r *http.Request) (url.Values, error) {
	bad := errs.New(errs.Invalid, "clients.bad_form")
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, bad
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bad.Wrap(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, bad.Wrap(err)
	}
	for _, values := range form {
		if len(values) != 1 {
			return nil, bad
		}
	}
	return form, nil
}

// oauthError answers as RFC 6749, section 5.2 has it; the words are English,
// because it lets only ASCII through.
func (c *Clients) oauthError(w http.ResponseWriter, _ *http.Request, code string, err error) error {
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, status, map[string]string{
		"error": code, "error_description": c.catalog.T(i18n.EN, "error."+errs.CodeOf(err)),
	})
}

func speaksFor(p auth.Principal, s exchange.SubsystemID) bool {
	return p.HasRole(auth.RoleOperator) || p.Member == s.Owner().String()
}

// shown is a key as officers see it.
type shown struct {
	ID        string               `json:"id"`
	Kind      string               `json:"kind"`
	Subsystem exchange.SubsystemID `json:"subsystem"`
	Label     string               `json:"label"`
	Public    string               `json:"public,omitempty"`
	CreatedAt time.Time            `json:"created_at"`
	Until     time.Time            `json:"until,omitzero"`
	RevokedAt time.Time            `json:"revoked_at,omitzero"`
	Secret    string               `json:"secret,omitempty"` // of an API key, once
}

func show(k exchange.ClientKey) shown {
	return shown{ID: k.ID, Kind: k.Kind, Subsystem: k.Subsystem, Label: k.Label, Public: k.Public, CreatedAt: k.CreatedAt, Until: k.Until, RevokedAt: k.RevokedAt}
}

func (c *Clients) apiKeys(w http.ResponseWriter, r *http.Request) error {
	all, err := c.exchange.ClientKeys(r.Context())
	if err != nil {
		return err
	}
	mine := []shown{}
	for _, k := range all {
		if speaksFor(auth.From(r.Context()), k.Subsystem) {
			mine = append(mine, show(k))
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"keys": mine})
}

func (c *Clients) apiRegister(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Subsystem   string          `json:"subsystem"`
		Label       string          `json:"label"`
		JWK         json.RawMessage `json:"jwk"`
		CSR         string          `json:"csr"`
		Host        string          `json:"host"`
		Certificate string          `json:"certificate"`
		Until       time.Time       `json:"until"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	s, err := exchange.ParseSubsystem(in.Subsystem)
	if err != nil {
		return err
	}
	if !speaksFor(auth.From(r.Context()), s) {
		return errs.New(errs.Forbidden, "clients.not_yours", "subsystem", s.String())
	}
	k, secret, err := c.Register(r.Context(), Registration{Subsystem: s, Label: in.Label, JWK: in.JWK, CSR: in.CSR, Host: in.Host, Certificate: in.Certificate, Until: in.Until})
	if err != nil {
		return err
	}
	out := show(k)
	out.Secret = secret
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusCreated, out)
}

func (c *Clients) apiRevoke(w http.ResponseWriter, r *http.Request) error {
	all, err := c.exchange.ClientKeys(r.Context())
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID != r.PathValue("id") || !speaksFor(auth.From(r.Context()), k.Subsystem) {
			continue
		}
		if err := c.exchange.RevokeClientKey(r.Context(), k.ID); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return errs.New(errs.NotFound, "clients.no_key")
}
