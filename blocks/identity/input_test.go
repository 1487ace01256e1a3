package identity

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/httpx"
)

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"001195100101", "001 195 100 101", "001.195.100-101", "٠٠١١٩٥١٠٠١٠١", "", "\xff", "0011951001010"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := tidyNumber(s)
		if !ok {
			return
		}
		if len(got) != 12 || strings.Trim(got, "0123456789") != "" {
			t.Errorf("%q was read as %q", s, got)
		}
		if again, ok := tidyNumber(got); !ok || again != got {
			t.Errorf("%q is not read as itself", got)
		}
	})
}

func FuzzDate(f *testing.F) {
	f.Add("27", "3", "1990")
	f.Add("29", "2", "2023")
	f.Add("+1", "01", "1990abc")
	f.Add("1 2", "3", "1990")
	f.Fuzz(func(t *testing.T, d, m, y string) {
		got, ok := dateOf(d, m, y)
		if !ok {
			return
		}
		if at, err := time.Parse(time.DateOnly, got); err != nil || at.Year() < 1880 || at.Year() > 2200 {
			t.Errorf("%q %q %q was read as %q", d, m, y, got)
		}
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"ten@example.vn", " a.b+c@x-y.example ", "a@b", "a@x.vn\r\nBcc: b@x.vn", "a..b@x.vn", "<a@x.vn>", "a@x.vn,b@x.vn", "\xff@x.vn"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := tidyEmail(s)
		if !ok {
			return
		}
		a, err := mail.ParseAddress(got)
		if err != nil || a.Address != got || a.Name != "" || strings.ContainsAny(got, "\r\n ,;<>") {
			t.Errorf("%q was taken for an address: %v %v", got, a, err)
		}
		if m := masked(got); m == got || !strings.Contains(m, "•••@") {
			t.Errorf("%q is shown as %q", got, m)
		}
	})
}

func FuzzHome(f *testing.F) {
	for _, s := range []string{"/", "/desk", "/desk/x?y", "/desktop", "//evil.example", "https://evil.example", "/\\evil", "/account", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if to := home(account{Kind: kindPerson}, s); to != httpx.LocalPath(to) || isDesk(to) {
			t.Errorf("a person is sent to %q", to)
		}
		if to := home(account{Kind: kindOfficer}, s); to != httpx.LocalPath(to) || !isDesk(to) && to != "/account" {
			t.Errorf("an officer is sent to %q", to)
		}
	})
}

func TestDevice(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1":        "iPhone · Safari",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36":                          "Android · Chrome",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":                  "Windows · Edge",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 coc_coc_browser/130.0.110 Chrome/124.0.6367.110 Safari/537.36": "Windows · Cốc Cốc",
		"curl/8.5.0": "", "": "", "Linux": "Linux",
	} {
		if got := device(agent); got != want {
			t.Errorf("device(%q) = %q, want %q", agent, got, want)
		}
	}
}
