package setup_test

import (
	"testing"

	"github.com/paylink-dev/paylink/internal/setup"
)

// TestAppURL: the URL has the form in which browsers send an origin, with the path above all routes.
func TestAppURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		" \n":                              "",
		"/":                                "",
		"https://shop.example.com":         "https://shop.example.com",
		" https://shop.example.com\n":      "https://shop.example.com",
		"https://shop.example.com/":        "https://shop.example.com",
		"https://shop.example.com///":      "https://shop.example.com",
		"https://shop.example.com/en/":     "https://shop.example.com/en",
		"HTTPS://Shop.Example.COM/En":      "https://shop.example.com/En",
		"https://shop.example.com:443":     "https://shop.example.com",
		"https://shop.example.com:8443":    "https://shop.example.com:8443",
		"https://shop.example.com:80":      "https://shop.example.com:80",
		"http://shop.example.com:80/en":    "http://shop.example.com/en",
		"http://localhost:3000":            "http://localhost:3000",
		"http://127.0.0.1:443":             "http://127.0.0.1:443",
		"http://[::1]:3000":                "http://[::1]:3000",
		"https://[2001:DB8::1]:443":        "https://[2001:db8::1]",
		"https://xn--bcher-kva.example":    "https://xn--bcher-kva.example",
		"https://a_b.example":              "https://a_b.example",
		"https://shop.example.com/a%20b/c": "https://shop.example.com/a%20b/c",
	} {
		t.Run(text, func(t *testing.T) {
			t.Setenv("NEXT_PUBLIC_APP_URL", text)
			u, err := setup.AppURL()
			switch {
			case err != nil:
				t.Error(err)
			case want == "":
				if u != nil {
					t.Errorf("got %s, want none", u)
				}
			case u == nil || u.String() != want:
				t.Errorf("got %v, want %s", u, want)
			}
		})
	}
}

// TestInvalidAppURL: a value that no browser sends as an origin is refused at the start.
func TestInvalidAppURL(t *testing.T) {
	const none, alone = "NEXT_PUBLIC_APP_URL is not a web address: set it to the shop's own, such as https://shop.example.com",
		"NEXT_PUBLIC_APP_URL must be a plain address, without user, query or fragment: such as https://shop.example.com"
	for text, want := range map[string]string{
		"shop.example.com":               none,
		"//shop.example.com":             none,
		"/en":                            none,
		"localhost:3000":                 none,
		"*":                              none,
		"null":                           none,
		"https:shop.example.com":         none,
		"https://":                       none,
		"https:///en":                    none,
		"https://:8443":                  none,
		"https://shop.example.com:":      none,
		"https://shop.example.com:https": none,
		"ftp://shop.example.com":         none,
		"javascript://shop.example.com/%0aalert(1)":        none,
		"https://*.example.com":                            none,
		"https://shop.example.com,https://www.example.com": none,
		"https://shop.example.com https://www.example.com": none,
		"https://bücher.example":                           none,
		"https://shop%2eexample.com":                       none,
		"https://[fe80::1%25eth0]":                         none,
		"https://erika@shop.example.com":                   alone,
		"https://erika:s3cret@shop.example.com":            alone,
		"https://shop.example.com?":                        alone,
		"https://shop.example.com?key=s3cret":              alone,
		"https://shop.example.com#s3cret":                  alone,
	} {
		t.Run(text, func(t *testing.T) {
			t.Setenv("NEXT_PUBLIC_APP_URL", text)
			if u, err := setup.AppURL(); u != nil || err == nil || err.Error() != want {
				t.Errorf("got %v and error %v, want error %q", u, err, want)
			}
		})
	}
}
