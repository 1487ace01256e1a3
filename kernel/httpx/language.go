package httpx

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// LangCookie remembers the language that a person chose.
const LangCookie = "dinh_lang"

// language finds the reader's language: asked for in the address, chosen
// before, wished by the browser, else Vietnamese.
func language(r *http.Request) i18n.Lang {
	if l, ok := queryLang(r); ok {
		return l
	}
	if c, err := r.Cookie(LangCookie); err == nil {
		if l, ok := i18n.Parse(c.Value); ok {
			return l
		}
	}
	if l, ok := i18n.Accept(r.Header.Get("Accept-Language")); ok {
		return l
	}
	return i18n.VI
}

func queryLang(r *http.Request) (i18n.Lang, bool) {
	if !strings.Contains(r.URL.RawQuery, "lang=") {
		return "", false
	}
	switch r.URL.Query().Get("lang") {
	case string(i18n.VI):
		return i18n.VI, true
	case string(i18n.EN):
		return i18n.EN, true
	}
	return "", false
}

// switchLanguage answers a page's address with ?lang=vi|en: it remembers the
// choice and sends the reader to the same address without it, so that a link
// passed on does not change another reader's language.
func (s *Server) switchLanguage(x *exchange, r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	l, ok := queryLang(r)
	if !ok {
		return false
	}
	http.SetCookie(x, &http.Cookie{
		Name: LangCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteLaxMode,
	})
	x.Header().Set("Cache-Control", "no-store")
	redirect(x, withoutLang(r.URL))
	return true
}

// withoutLang keeps the order and spelling of the other parameters.
func withoutLang(u *url.URL) string {
	var kept []string
	for _, p := range strings.Split(u.RawQuery, "&") {
		name, _, _ := strings.Cut(p, "=")
		if p != "" && name != "lang" {
			kept = append(kept, p)
		}
	}
	path := u.EscapedPath()
	if len(kept) > 0 {
		path += "?" + strings.Join(kept, "&")
	}
	return LocalPath(path)
}

// redirect answers 303 without the HTML that http.Redirect adds.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
