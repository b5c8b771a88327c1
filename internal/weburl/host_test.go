package weburl_test

import (
	"net/url"
	"testing"

	"github.com/paylink-dev/paylink/internal/weburl"
	"github.com/paylink-dev/paylink/test/check"
)

func TestNormalizeHost(t *testing.T) {
	for address, want := range map[string]string{
		"https://shop.example.com":           "https://shop.example.com",
		"https://Shop.Example.COM/Path":      "https://shop.example.com/Path",
		"https://shop.example.com:443/a":     "https://shop.example.com/a",
		"http://shop.example.com:80":         "http://shop.example.com",
		"https://shop.example.com:80":        "https://shop.example.com:80",
		"http://shop.example.com:443":        "http://shop.example.com:443",
		"https://shop.example.com:8443":      "https://shop.example.com:8443",
		"https://[::1]:443":                  "https://[::1]",
		"ftp://Shop.example.com:80/a":        "ftp://shop.example.com:80/a",
		"https://shop.example.com/a?b=C#D":   "https://shop.example.com/a?b=C#D",
		"https://user@SHOP.example.com:443/": "https://user@shop.example.com/",
	} {
		u, err := url.Parse(address)
		check.Must(t, err)
		if weburl.NormalizeHost(u); u.String() != want {
			t.Errorf("NormalizeHost(%q) = %q, want %q", address, u, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	if got, want := weburl.Origin(&url.URL{Scheme: "https", Host: "shop.example.com:8443", Path: "/en"}), "https://shop.example.com:8443"; got != want {
		t.Errorf("Origin = %q, want %q", got, want)
	}
}
