package page_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

var assets = problem.Handler{Handle: page.ServeAsset}

// asset returns an asset.
func asset(t *testing.T, name string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	assets.ServeHTTP(answer, fakeshop.Request(t, http.MethodGet, page.BillingPath+"/"+name, ""))
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: got status %d, want 200", name, answer.Code)
	}
	return answer.Body.String()
}

// TestAssets: the assets are served, and no other file.
func TestAssets(t *testing.T) {
	for path, contentType := range map[string]string{
		"/page.css": "text/css; charset=utf-8", "/billing.js": "text/javascript; charset=utf-8", "/icon.svg": "image/svg+xml",
		"": "", "/": "", "/billing.html": "", "/frame.html": "", "/page.css/": "", "/../page.go": "", "//page.css": "", "/Page.css": "", "/page.css.map": "", "/files/page.css": "",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer, r := httptest.NewRecorder(), fakeshop.Request(t, method, "/", "")
			r.URL.Path = page.BillingPath + path
			assets.ServeHTTP(answer, r)
			if contentType == "" {
				fakeshop.Refused(t, answer, http.StatusNotFound, "There is no such file.")
				continue
			}
			got := map[string]string{}
			for _, name := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options"} {
				got[name] = answer.Header().Get(name)
			}
			want := map[string]string{"Content-Type": contentType, "Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
			check.Equal(t, http.StatusOK, answer.Code, "%s %s: status", method, path)
			check.Equal(t, want, got, "%s %s: headers", method, path)
			check.Equal(t, (method == http.MethodHead), answer.Body.Len() == 0, "%s %s: body of %d bytes", method, path, answer.Body.Len())
		}
	}
}

// TestAssetsLoadNothing: no asset loads a resource of another server, which the policy would forbid.
func TestAssetsLoadNothing(t *testing.T) {
	remote := regexp.MustCompile(`(?i)https?:|url\(|@import|//[a-z]`)
	for _, name := range []string{"page.css", "billing.js"} {
		check.Equal(t, "", remote.FindString(asset(t, name)), "%s", name)
	}
	if svg := strings.Replace(asset(t, "icon.svg"), `xmlns="http://www.w3.org/2000/svg"`, "", 1); remote.MatchString(svg) || strings.Contains(svg, "<script") {
		t.Errorf("got %s, want no remote resource and no script", svg)
	}
}
