package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/dinh-gov/dinh/kernel/text"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"   ":                       "",
		"da nang":                   "da nang",
		"Đà Nẵng":                   "da nang",
		"ĐẶNG  Thị\tNgọc \n":        "dang thi ngoc",
		norm.NFD.String("Đặng Thị"): "dang thi",
		"Uỷ ban":                    "uy ban",
		"Ủy ban":                    "uy ban",
		"hoà":                       "hoa",
		"hòa":                       "hoa",
		"Phường Cửa Ông":            "phuong cua ong",
		"A-1/2 B":                   "a-1/2 b",
		"a  b":                      "a b",
		"İstanbul":                  "istanbul",
		"a\u00a0b":                  "a b",
		"x\xff":                     "x\uFFFD",
	} {
		if got := text.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLen(t *testing.T) {
	for _, s := range []string{"Nguyễn", norm.NFD.String("Nguyễn")} {
		if got := text.Len(s); got != 6 {
			t.Errorf("Len(%q) = %d, want 6", s, got)
		}
	}
}

func TestTitle(t *testing.T) {
	for in, want := range map[string]string{
		"NGUYỄN THỊ ÁNH":             "Nguyễn Thị Ánh",
		"đỗ văn an":                  "Đỗ Văn An",
		"y-bram niê":                 "Y-Bram Niê",
		"o'neil":                     "O'neil",
		norm.NFD.String("ánh tuyết"): "Ánh Tuyết",
	} {
		if got := text.Title(in); got != want {
			t.Errorf("Title(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestVietnamese(t *testing.T) {
	for in, want := range map[string]bool{
		"Nguyễn Thị Ánh": true, "ĐỖ ƯỚC": true, "An 2": true, "Quỳnh": true, "Ưỡng": true,
		"": false, "123": false, "José": false, "Jürgen": false, "Wendy": false, "Zoë": false,
		"Францe": false, "Ñguyen": false, "ôm": true, "ĭ": false,
	} {
		if got := text.Vietnamese(in); got != want {
			t.Errorf("Vietnamese(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestLetters(t *testing.T) {
	for in, want := range map[string]bool{
		"Nguyễn Thị Ánh": true, "Y-Bram": true, "O'Neil": true, "A": true,
		"": false, " A": false, "A ": false, "A  B": false, "An2": false, "A.": false, "\u0301a": false,
	} {
		if got := text.Letters(in); got != want {
			t.Errorf("Letters(%q) = %v, want %v", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Đà Nẵng", "  a  b ", "\xff", "ǅ", "K", "ẞ", "İ", "\u0345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k := text.Fold(s)
		if !utf8.ValidString(k) {
			t.Fatalf("Fold(%q) = %q is not UTF-8", s, k)
		}
		if again := text.Fold(k); again != k {
			t.Fatalf("Fold is not idempotent: %q, %q, %q", s, k, again)
		}
		if strings.TrimSpace(k) != k {
			t.Fatalf("Fold(%q) = %q has space at an end", s, k)
		}
		if nfd := text.Fold(norm.NFD.String(strings.ToValidUTF8(s, "\uFFFD"))); nfd != k {
			t.Fatalf("Fold differs between NFC and NFD of %q: %q, %q", s, k, nfd)
		}
		_, _, _ = text.Title(s), text.Vietnamese(s), text.Letters(s)
	})
}

func BenchmarkFold(b *testing.B) {
	for b.Loop() {
		text.Fold("Phường Cửa Ông, thành phố Cẩm Phả")
	}
}
