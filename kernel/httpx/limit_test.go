package httpx

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestLimiterForgets(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	l := newLimiter(Config{MaxRate: 10, MaxBurst: 10, ClientKey: func(r *http.Request) string { return r.URL.Path }})
	for i := range 1000 {
		l.allow(httptest.NewRequest("GET", fmt.Sprintf("/%d", i), nil), now)
	}
	if len(l.clients) != 1000 {
		t.Fatalf("%d clients", len(l.clients))
	}
	now = now.Add(2 * time.Second)
	l.allow(httptest.NewRequest("GET", "/new", nil), now)
	if len(l.clients) != 1 {
		t.Errorf("%d clients are kept after their buckets have filled", len(l.clients))
	}
}

func TestLimiterIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	key := ""
	l := newLimiter(Config{MaxRate: 1, MaxBurst: 10, ClientKey: func(*http.Request) string { return key }})
	r := httptest.NewRequest("GET", "/", nil)
	for i := range maxClients + 500 {
		key = fmt.Sprint(i)
		l.allow(r, now)
	}
	if len(l.clients) > maxClients {
		t.Errorf("%d clients", len(l.clients))
	}
}

func TestClientAddress(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64", "[2001:db8:1:2:ff::1]:81": "2001:db8:1:2::/64",
		"[::ffff:192.0.2.1]:80": "192.0.2.1", "[fe80::1%eth0]:80": "fe80::/64", "@": "@",
	} {
		if got := clientAddress(&http.Request{RemoteAddr: in}); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestClientBehind(t *testing.T) {
	key := ClientBehind("X-Forwarded-For")
	for _, c := range []struct {
		header []string
		want   string
	}{
		{nil, "192.0.2.1"},
		{[]string{"203.0.113.7"}, "203.0.113.7"},
		{[]string{"10.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		{[]string{"10.0.0.1", "203.0.113.7"}, "203.0.113.7"},
		{[]string{"2001:db8:1:2:3::4"}, "2001:db8:1:2::/64"},
		{[]string{"203.0.113.7, nobody"}, "192.0.2.1"},
		{[]string{"203.0.113.7,"}, "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Forwarded-For"] = c.header
		if got := key(r); got != c.want {
			t.Errorf("%q: %s, want %s", c.header, got, c.want)
		}
	}
}
