package checkout

import (
	"strings"
	"testing"
)

// TestWithReference: the link's own query stays unchanged, and the reference follows it.
func TestWithReference(t *testing.T) {
	for address, want := range map[string]string{
		"https://buy.stripe.com/a":                               "https://buy.stripe.com/a?client_reference_id=o1",
		"https://buy.stripe.com/a/":                              "https://buy.stripe.com/a/?client_reference_id=o1",
		"https://buy.stripe.com":                                 "https://buy.stripe.com?client_reference_id=o1",
		"https://buy.stripe.com/a?":                              "https://buy.stripe.com/a?client_reference_id=o1",
		"https://buy.stripe.com/a?locale=de":                     "https://buy.stripe.com/a?locale=de&client_reference_id=o1",
		"https://buy.stripe.com/a?b=1&a=2":                       "https://buy.stripe.com/a?b=1&a=2&client_reference_id=o1",
		"https://buy.stripe.com/a?x=a+b%20c%2Bd":                 "https://buy.stripe.com/a?x=a+b%20c%2Bd&client_reference_id=o1",
		"https://buy.stripe.com/a?prefilled_email=a%40b.example": "https://buy.stripe.com/a?prefilled_email=a%40b.example&client_reference_id=o1",
		"https://buy.stripe.com/a?x&y=&&z=%zz":                   "https://buy.stripe.com/a?x&y=&&z=%zz&client_reference_id=o1",
		"https://buy.stripe.com/a%2Fb":                           "https://buy.stripe.com/a%2Fb?client_reference_id=o1",
		"http://127.0.0.1:4242/pay/plink_1":                      "http://127.0.0.1:4242/pay/plink_1?client_reference_id=o1",
		"https://pay.shop.example:8443/a":                        "https://pay.shop.example:8443/a?client_reference_id=o1",
	} {
		if got, err := WithReference(address, "o1"); err != nil || got != want {
			t.Errorf("%s: got %s and error %v, want %s", address, got, err, want)
		}
	}
	for _, address := range []string{"", "buy.stripe.com/a", "/a", "ftp://buy.stripe.com/a", "https://", "https:///a", "mailto:a@b.example", "javascript:alert(1)", "https://buy.stripe.com/%zz", "::"} {
		if got, err := WithReference(address, "o1"); err == nil {
			t.Errorf("%q: got %s, want an error", address, got)
		}
	}
	// The CRD takes 2048 characters of a link's address, and 4096 bytes of what becomes of it.
	if got, err := WithReference("https://buy.stripe.com/"+strings.Repeat("ü", 700), "o1"); err == nil {
		t.Errorf("too long: got %d bytes, want an error", len(got))
	}
	if got, err := WithReference("https://buy.stripe.com/"+strings.Repeat("a", 2025), strings.Repeat("o", 200)); err != nil || len(got) > 4096 {
		t.Errorf("longest: got %d bytes and error %v, want at most 4096", len(got), err)
	}
	// No order has such a reference; if one had, it would still be one value.
	if got, err := WithReference("https://buy.stripe.com/a", "a&b=c d/ü"); err != nil || got != "https://buy.stripe.com/a?client_reference_id=a%26b%3Dc+d%2F%C3%BC" {
		t.Errorf("%v, %s", err, got)
	}
}
