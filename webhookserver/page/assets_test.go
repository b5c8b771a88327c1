package page_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/page"
)

// TestAssets are the files that the pages use, and no other.
func TestAssets(t *testing.T) {
	for path, kind := range map[string]string{
		"/page.css": "text/css; charset=utf-8", "/billing.js": "text/javascript; charset=utf-8", "/icon.svg": "image/svg+xml",
		"": "", "/": "", "/billing.html": "", "/frame.html": "", "/page.css/": "", "/../page.go": "", "//page.css": "", "/Page.css": "", "/page.css.map": "", "/files/page.css": "",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer, r := httptest.NewRecorder(), fakeshop.Request(t, method, "/", "")
			r.URL.Path = page.BillingPath + path
			page.Assets(answer, r)
			if kind == "" {
				fakeshop.Refused(t, answer, http.StatusNotFound, "There is no such file.")
				continue
			}
			got := map[string]string{}
			for _, name := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options"} {
				got[name] = answer.Header().Get(name)
			}
			want := map[string]string{"Content-Type": kind, "Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
			if diff := cmp.Diff(want, got); diff != "" || answer.Code != http.StatusOK {
				t.Errorf("%s %s: %d %s", method, path, answer.Code, diff)
			}
			if empty := answer.Body.Len() == 0; empty != (method == http.MethodHead) {
				t.Errorf("%s %s: %d bytes", method, path, answer.Body.Len())
			}
		}
	}
}

// TestNothingForeign: no file loads anything from elsewhere, which the policy would refuse.
func TestNothingForeign(t *testing.T) {
	foreign := regexp.MustCompile(`(?i)https?:|url\(|@import|//[a-z]`)
	for _, name := range []string{"page.css", "billing.js"} {
		if found := foreign.FindString(asset(t, name)); found != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
	if svg := strings.Replace(asset(t, "icon.svg"), `xmlns="http://www.w3.org/2000/svg"`, "", 1); foreign.MatchString(svg) || strings.Contains(svg, "<script") {
		t.Error(svg)
	}
}
