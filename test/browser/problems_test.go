package browser_test

import (
	"net/http"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
)

func TestAPageMayNotComplain(t *testing.T) {
	requireChromium(t)
	base := site(t, map[string]string{
		"/clean": `<h1>Fine</h1><script src="/fine.js"></script>`, "/fine.js": `console.log("fine"); console.warn("fine, too")`,
		"/error": `<script src="/error.js"></script>`, "/error.js": `console.error("the sum is", 3, {a: 1})`,
		"/throws": `<script src="/throws.js"></script>`, "/throws.js": "\nthrow new TypeError('no such thing')",
		"/rejects": `<script src="/rejects.js"></script>`, "/rejects.js": `onunhandledrejection = () => window.ended = true; Promise.reject(new Error("nobody listened"))`,
		"/style":  `<p style="color: red">Red</p>`,
		"/script": `<script>document.title = "taken over"</script>`,
		"/frame":  `<iframe src="/clean" title="Frame"></iframe>`,
		"/image":  `<img src="/no-such.png" alt="none">`,
		"/fetch":  `<script src="/fetch.js"></script>`, "/fetch.js": `fetch("/no-such-answer").then(() => window.ended = true)`,
	})
	for path, want := range map[string]string{
		"/clean":   "",
		"/error":   "console.error: the sum is 3 Object",
		"/throws":  base + "/throws.js:2: TypeError: no such thing",
		"/rejects": "Error: nobody listened",
		"/style":   "the page's policy refused something: style-src",
		"/script":  "the page's policy refused something: script-src",
		"/frame":   "refused something: frame-src, " + base + "/clean",
		"/image":   "404 (Not Found) (" + base + "/no-such.png)",
		"/fetch":   "404 (Not Found) (" + base + "/no-such-answer)",
		"/no-such": "404 (Not Found) (" + base + "/no-such)",
	} {
		w := runTest(t, func(inner testing.TB) {
			tab := chromium.Tab(inner, browser.View{})
			tab.Open(base + path)
			if path == "/fetch" || path == "/rejects" { // which the load of the page does not wait for
				tab.Await("see the script end", "window.ended")
			}
		})
		if w.failed != (want != "") || !w.reports(want) {
			t.Errorf("%s: got failed: %t and the messages %q, want %q", path, w.failed, w.messages, want)
		}
	}
}

func TestAComplaintThatIsExpected(t *testing.T) {
	base := site(t, map[string]string{"/": "Here"})
	requireChromium(t)
	for _, c := range []struct {
		path, pardon string
		status       int
		fails        bool
	}{
		{"/", "", http.StatusOK, false},
		{"/gone", "404", http.StatusNotFound, false},
		{"/gone", "500", http.StatusNotFound, true},
		{"/", "404", http.StatusOK, true}, // it should have come
	} {
		w := runTest(t, func(inner testing.TB) {
			tab := chromium.Tab(inner, browser.View{})
			if c.pardon != "" {
				tab.ExpectProblem(c.pardon)
			}
			if status := tab.Open(base + c.path); status != c.status {
				t.Errorf("%s was answered %d, not %d", c.path, status, c.status)
			}
		})
		if w.failed != c.fails {
			t.Errorf("%+v: got failed: %t and the messages %q", c, w.failed, w.messages)
		}
	}
}
