package storefront_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/storefront"
)

// elements returns the attributes of all elements of a kind, in order.
func elements(t *testing.T, page, kind string) (all []map[string]string) {
	t.Helper()
	document, err := html.Parse(strings.NewReader(page))
	check.Must(t, err)
	for node := range document.Descendants() {
		if node.Type != html.ElementNode || node.Data != kind {
			continue
		}
		attributes := map[string]string{}
		for _, a := range node.Attr {
			attributes[a.Key] = a.Val
		}
		all = append(all, attributes)
	}
	return all
}

func TestSetBuyPath(t *testing.T) {
	v := open(t, storefront.Options{})
	if page := v.ask(http.MethodGet, "/", "").text; len(elements(t, page, "form")) > 0 || !strings.Contains(page, "Not for sale") {
		t.Errorf("got the page\n%s\nwant no form", page)
	}
	check.Must(t, v.shop.SetBuyPath(`/buy/other/a"><script>`))
	page := v.ask(http.MethodGet, "/", "").text
	if forms := elements(t, page, "form"); len(forms) != 1 || !strings.HasPrefix(forms[0]["action"], "/buy/other/a") || len(elements(t, page, "script")) > 0 {
		t.Errorf("got the page\n%s\nwant one form with an escaped path", page)
	}
	if err := v.shop.SetBuyPath("elsewhere"); err == nil {
		t.Error("got no error for an invalid path")
	}
}

// TestFiles: the files of the page exist, and its policy allows them.
func TestFiles(t *testing.T) {
	v := open(t, storefront.Options{BuyPath: "/buy/shop/lifetime"})
	page := v.ask(http.MethodGet, "/", "")
	paths := map[string]bool{}
	for _, link := range elements(t, page.text, "link") {
		paths[link["href"]] = true
	}
	for _, image := range elements(t, page.text, "img") {
		paths[image["src"]] = true
	}
	if len(paths) != 2 {
		t.Errorf("got the files %v, want a style sheet and an icon", paths)
	}
	paths["/favicon.ico"] = true
	for path := range paths {
		file := v.ask(http.MethodGet, path, "")
		if file.status != http.StatusOK || file.text == "" || file.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d, %d bytes, want a file", path, file.status, len(file.text))
		}
	}
	policy := page.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") || strings.Contains(policy, "form-action") {
		t.Errorf("got the policy %s, want none of scripts and form-action", policy)
	}
	check.Equal(t, "same-origin", page.header.Get("Referrer-Policy"), "referrer policy")
}
