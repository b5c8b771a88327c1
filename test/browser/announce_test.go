package browser_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
)

func TestALiveRegionIsHeard(t *testing.T) {
	base := site(t, map[string]string{
		"/": `<h1>Order</h1><div role="status"><p>Waiting</p><p hidden>Nobody hears this</p></div><div aria-live="assertive"></div>
			<script src="/news.js" defer></script>`,
		"/news.js": `const [polite, loud] = document.querySelectorAll("div");
			setTimeout(() => { polite.firstChild.textContent = "Paid"; loud.append("At last"); document.querySelector("h1").append(" paid") }, 300)`,
	})
	tab := chromium.Tab(t, browser.View{})
	tab.RunBefore("window.setTimeout = act => { window.act = act }")
	tab.Open(base)
	if announced := tab.Announced(); announced != "Waiting" {
		t.Errorf("got %q announced first, want Waiting", announced)
	}
	browser.Ask[bool](tab, "act() || true")
	tab.SeeAnnounced("Paid", "At last")
	if announced := tab.Announced(); announced != "Paid At last" && announced != "At last Paid" {
		t.Errorf("got %q announced, want both new texts", announced)
	}
}

// TestPressedTwice: both presses reach the page, and a button that leads away is
// left all the same.
func TestPressedTwice(t *testing.T) {
	base := site(t, map[string]string{
		"/": `<button type="button">Count</button><form action="/next"><button>Go</button></form><script src="/count.js" defer></script>`,
		"/count.js": `let n = 0; const count = document.querySelector("button");
			count.addEventListener("click", () => document.title = String(++n));`,
		"/next": "<h1>There</h1>",
	})
	for _, view := range browser.Views() {
		tab := chromium.Tab(t, view)
		tab.Open(base)
		tab.DoubleClick("button", "Count")
		tab.Await("count two", `document.title === "2"`)
		tab.DoubleClick("button", "Go")
		tab.See("There")
	}
}
