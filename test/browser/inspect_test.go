package browser_test

import (
	"os"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
)

// TestInspect: a problem of one view alone is reported with the view.
func TestInspect(t *testing.T) {
	requireChromium(t)
	base := site(t, map[string]string{
		"/": `<!doctype html><html lang="en"><head><title>Faulty</title><meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/faulty.css"></head>
			<body><main><h1>Faulty</h1><p class="pale">Pale in the dark</p><p class="wide">Wide</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="9" height="9"></main>`,
		"/faulty.css": `.wide { width: 30rem; } @media (prefers-color-scheme: dark) { body { background: #000; color: #fff } .pale { color: #333 } }`,
		"/fine":       `<h1>Fine</h1><p>Nothing is wrong with it.</p>`,
	})
	w := runTest(t, func(inner testing.TB) {
		tab := chromium.Tab(inner, browser.View{})
		tab.ExpectProblem("img-src")
		tab.Open(base)
		tab.Inspect("faulty")
	})
	if w.skipped {
		t.Skip(w.messages)
	}
	for _, words := range []string{
		"faulty: as desktop-light, the page breaks the rule image-alt (critical): Images must have alternative text",
		"https://dequeuniversity.com/", `at [img]: <img src="data:`, "Fix any of the following:",
		"faulty: as phone-dark, the page breaks the rule color-contrast (serious)", "at [.pale]",
		"faulty: as phone-light, the page is",
	} {
		if !w.reports(words) {
			t.Errorf("got no %q in\n%s", words, strings.Join(w.messages, "\n"))
		}
	}
	for _, words := range []string{"desktop-light, the page breaks the rule color-contrast", "desktop-light, the page is"} {
		if w.reports(words) {
			t.Errorf("got %q, want it not reported", words)
		}
	}
	t.Setenv("PAYLINK_SCREENSHOTS", t.TempDir())
	tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
	tab.Open(base + "/fine")
	tab.Inspect("fine")
	pictures, err := os.ReadDir(os.Getenv("PAYLINK_SCREENSHOTS"))
	if err != nil || len(pictures) != 4 {
		t.Errorf("got the screenshots %v (%v), want 4", pictures, err)
	}
	check.Equal(t, 390, browser.Ask[int](tab, "innerWidth"), "width after Inspect")
}
