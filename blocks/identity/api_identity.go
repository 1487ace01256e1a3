package identity

import (
	"net/http"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes lists the block's doors.
func (x *Identity) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "POST", Path: "/api/identity/passkeys/register/begin", Access: auth.AnyOf(auth.Person(auth.Low), auth.AnyOfficer()), Handle: x.apiRegisterBegin},
		{Method: "POST", Path: "/api/identity/passkeys/register/finish", Access: auth.AnyOf(auth.Person(auth.Low), auth.AnyOfficer()), Handle: x.apiRegisterFinish},
		{Method: "POST", Path: "/api/identity/passkeys/login/begin", Access: auth.Public(), Handle: x.apiLoginBegin},
		{Method: "POST", Path: "/api/identity/passkeys/login/finish", Access: auth.Public(), Handle: x.apiLoginFinish},
	}
	if x.d.Pages != nil {
		routes = append(routes, x.pages()...)
	}
	return routes
}

// Authenticate finds who sent a request by its session cookie. Nobody is the
// zero Principal and no error.
func (x *Identity) Authenticate(r *http.Request) (auth.Principal, error) {
	token := cookie(r, sessionCookie)
	if token == "" {
		return auth.Principal{}, nil
	}
	return x.principal(r.Context(), token)
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func (x *Identity) setCookie(w http.ResponseWriter, name, value, path string) {
	age := 0
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: path, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(x.d.Origin, "https://"),
	})
}

// enter begins a fresh session in the browser; an older one of the same
// browser ends, so that nobody can plant a session on somebody else.
func (x *Identity) enter(w http.ResponseWriter, r *http.Request, a account, level auth.Level, demo bool) error {
	if old := cookie(r, sessionCookie); old != "" {
		x.cache.drop(hashed(old))
		if err := x.store.endSession(r.Context(), hashed(old)); err != nil {
			return err
		}
	}
	token, err := x.open(r.Context(), a, level, device(r.UserAgent()), demo)
	if err != nil {
		return err
	}
	x.setCookie(w, sessionCookie, token, "/")
	return nil
}

// device is a rough name of what somebody signs in with; the full user agent
// is nobody's business.
func device(agent string) string {
	for _, name := range []string{"iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux"} {
		if strings.Contains(agent, name) {
			return name
		}
	}
	return ""
}

func (x *Identity) apiRegisterBegin(w http.ResponseWriter, r *http.Request) error {
	options, token, err := x.beginPasskey(r.Context(), cookie(r, sessionCookie))
	if err != nil {
		return err
	}
	x.setCookie(w, ceremonyCook, token, "/api/identity")
	return httpx.WriteJSON(w, http.StatusOK, options)
}

func (x *Identity) apiRegisterFinish(w http.ResponseWriter, r *http.Request) error {
	answer, err := protocol.ParseCredentialCreationResponseBody(r.Body)
	if err != nil {
		return errs.New(errs.Invalid, "identity.passkey_unreadable").Wrap(err)
	}
	name := device(r.UserAgent())
	if err := x.finishPasskey(r.Context(), cookie(r, sessionCookie), cookie(r, ceremonyCook), name, answer); err != nil {
		return err
	}
	x.setCookie(w, ceremonyCook, "", "/api/identity")
	return httpx.WriteJSON(w, http.StatusOK, struct{}{})
}

func (x *Identity) apiLoginBegin(w http.ResponseWriter, r *http.Request) error {
	options, token, err := x.beginLogin(r.Context())
	if err != nil {
		return err
	}
	x.setCookie(w, ceremonyCook, token, "/api/identity")
	return httpx.WriteJSON(w, http.StatusOK, options)
}

func (x *Identity) apiLoginFinish(w http.ResponseWriter, r *http.Request) error {
	answer, err := protocol.ParseCredentialRequestResponseBody(r.Body)
	if err != nil {
		return errs.New(errs.Invalid, "identity.passkey_unreadable").Wrap(err)
	}
	a, err := x.finishLogin(r.Context(), cookie(r, ceremonyCook), answer)
	if err != nil {
		return err
	}
	if err := x.enter(w, r, a, auth.Substantial, false); err != nil {
		return err
	}
	x.setCookie(w, ceremonyCook, "", "/api/identity")
	if a.Kind == kindOfficer {
		return httpx.WriteJSON(w, http.StatusOK, map[string]string{"next": "/desk"})
	}
	return httpx.WriteJSON(w, http.StatusOK, struct{}{})
}
