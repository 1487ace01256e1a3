package httpx

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// csp allows what comes from our own origin and nothing inline.
const csp = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; form-action 'self'; connect-src 'self'; frame-ancestors 'none'; " +
	"base-uri 'none'; manifest-src 'self'"

// header is set on every answer. value has no spare capacity, so that a
// handler's Header().Add copies it and the slice can be shared by all requests.
type header struct {
	name  string
	value []string
}

func securityHeaders(secure bool) []header {
	list := []header{
		{"Content-Security-Policy", []string{csp}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Referrer-Policy", []string{"same-origin"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{"camera=(), microphone=(), geolocation=(), payment=(), usb=()"}},
	}
	if secure {
		list = append(list, header{"Strict-Transport-Security", []string{"max-age=63072000; includeSubDomains"}})
	}
	return list
}

// AllowForms lets the forms of this one page lead to further origins
// ("https://pay.example"). Browsers hold form-action against redirects too, so
// a form of ours that ends at a partner's site (consent in OIDC, a payment)
// needs its page to say so.
func AllowForms(w http.ResponseWriter, origins ...string) error {
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || u.String() != u.Scheme+"://"+u.Host || strings.ContainsAny(o, " ;,'\"*") {
			return fmt.Errorf("httpx: form origin %q: write scheme://host", o)
		}
	}
	own := "form-action 'self'"
	now := w.Header().Get("Content-Security-Policy")
	w.Header().Set("Content-Security-Policy", strings.Replace(now, own, own+" "+strings.Join(origins, " "), 1))
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
