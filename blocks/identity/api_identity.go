package identity

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// maxAnswer is more than any device has to say.
const maxAnswer = 64 << 10

// Routes lists the block's doors.
func (x *Identity) Routes() []httpx.Route {
	me := auth.AnyOf(auth.Person(auth.Low), auth.OfficerAt(auth.Low))
	routes := []httpx.Route{
		{Method: "POST", Path: "/api/identity/passkeys/register/begin", Access: me, Body: maxAnswer, Handle: x.apiRegisterBegin},
		{Method: "POST", Path: "/api/identity/passkeys/register/finish", Access: me, Body: maxAnswer, Handle: x.apiRegisterFinish},
		{Method: "POST", Path: "/api/identity/passkeys/login/begin", Access: auth.Public(), Body: maxAnswer, Handle: x.apiLoginBegin},
		{Method: "POST", Path: "/api/identity/passkeys/login/finish", Access: auth.Public(), Body: maxAnswer, Handle: x.apiLoginFinish},
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

// enter begins a fresh session in the browser.
func (x *Identity) enter(w http.ResponseWriter, r *http.Request, a account, level auth.Level, demo bool) error {
	token, err := x.open(r.Context(), opening{account: a, level: level, device: device(r.UserAgent()), demo: demo, before: cookie(r, sessionCookie)})
	if err != nil {
		return err
	}
	x.setCookie(w, sessionCookie, token, "/")
	if !demo && !x.knows(cookie(r, deviceCookie), a.ID) {
		http.SetCookie(w, &http.Cookie{
			Name: deviceCookie, Value: x.newDevice(a.ID), Path: "/", MaxAge: int(deviceLife.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(x.d.Origin, "https://"),
		})
	}
	return nil
}

// home is where somebody goes after signing in: where they wanted to, if that
// is in the part of the house that they came into.
func home(a account, next string) string {
	next = httpx.LocalPath(next)
	switch {
	case a.Kind == kindOfficer && !isDesk(next) && next != "/account":
		return "/desk"
	case a.Kind == kindPerson && isDesk(next):
		return "/"
	}
	return next
}

// isDesk says whether a path is one of the officers' pages.
func isDesk(path string) bool {
	rest, ok := strings.CutPrefix(path, "/desk")
	return ok && (rest == "" || strings.ContainsRune("/?#", rune(rest[0])))
}

// device is a rough name of what somebody signs in with; the full user agent
// is nobody's business.
func device(agent string) string {
	find := func(names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	browser := find([2]string{"coc_coc_browser", "Cốc Cốc"}, [2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox/", "Firefox"},
		[2]string{"FxiOS/", "Firefox"}, [2]string{"CriOS/", "Chrome"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system := find([2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"Android", "Android"}, [2]string{"Windows", "Windows"},
		[2]string{"Macintosh", "Mac"}, [2]string{"Linux", "Linux"})
	if browser != "" && system != "" {
		return system + " · " + browser
	}
	return system + browser
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
	renewed, err := x.finishPasskey(r.Context(), cookie(r, sessionCookie), cookie(r, ceremonyCook), device(r.UserAgent()), answer)
	if err != nil {
		return err
	}
	x.setCookie(w, sessionCookie, renewed, "/")
	x.setCookie(w, ceremonyCook, "", "/api/identity")
	return httpx.WriteJSON(w, http.StatusOK, struct{}{})
}

func (x *Identity) apiLoginBegin(w http.ResponseWriter, r *http.Request) error {
	if err := x.limits.allow("passkey/"+x.address(r), passkeysPerAddress); err != nil {
		return err
	}
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
	return httpx.WriteJSON(w, http.StatusOK, map[string]string{"next": home(a, r.URL.Query().Get("next"))})
}

// AddressOf tells callers apart.
type AddressOf func(*http.Request) string

// seat is where the sender of a request sits.
func (x *Identity) seat(r *http.Request) seat {
	return seat{address: x.d.Keys.Pseudonym("address:" + x.address(r))[:16], device: cookie(r, deviceCookie)}
}

// address is the caller's; of IPv6 the /64 that one subscriber has to spend.
func (x *Identity) address(r *http.Request) string {
	if x.d.Address != nil {
		return x.d.Address(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	if p, err := addr.WithZone("").Prefix(64); err == nil && addr.Is6() {
		return p.String()
	}
	return addr.String()
}
