package browser_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
)

func TestAFormIsFilledInAsByHand(t *testing.T) {
	base := site(t, map[string]string{
		"/": `<form action="/sent"><label>E-mail <input type="email" name="email" value="old@example.com" required></label>
			<label for="n">Name</label><input id="n" name="name"><label><input type="radio" name="by" value="debit"> Bank debit</label>
			<input name="promo" aria-label="Code"><button>Send</button></form><script src="/count.js"></script>`,
		"/count.js": `addEventListener("input", () => document.title += "i")`,
		"/sent":     "<h1>Sent</h1>",
	})
	for _, view := range browser.Views() {
		tab := chromium.Tab(t, view)
		tab.Open(base)
		tab.Fill("E-mail", "ada+lovelace@example.com")
		tab.Fill("Name", "Ada Łovelace 李")
		tab.Click("radio", "Bank debit")
		if keys := browser.Ask[int](tab, "document.title.length"); keys < 30 {
			t.Errorf("%s: got %d input events, want at least 30", view, keys)
		}
		tab.Click("button", "Send")
		tab.See("Sent")
		want := `ada+lovelace@example.com, Ada Łovelace 李, debit, ""`
		if got := browser.Ask[string](tab, "(q => `${q.get('email')}, ${q.get('name')}, ${q.get('by')}, \"${q.get('promo')}\"`)(new URLSearchParams(location.search))"); got != want {
			t.Errorf("%s: sent %s, not %s", view, got, want)
		}
	}
}
