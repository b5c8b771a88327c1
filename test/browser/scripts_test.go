package browser_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/browser"
)

// TestWithoutScripts: what a page says to a buyer without JavaScript is really
// seen and done, also after a redirect to it from another site.
func TestWithoutScripts(t *testing.T) {
	const page = `<!doctype html><html lang="en"><head><title>Wait</title>
		<noscript><meta http-equiv="refresh" content="0; url=/after?try=2"></noscript><script src="/swap.js"></script></head>
		<body><main><h1>Waiting</h1><noscript>This page loads itself again.</noscript></main>`
	base := site(t, map[string]string{
		"/":        `<form action="/before"><button>Go</button></form>`,
		"/before":  page,
		"/after":   `<h1>There</h1><script src="/swap.js"></script>`,
		"/swap.js": `window.ran = true; addEventListener("DOMContentLoaded", () => document.querySelector("h1").append(" by script"))`,
	})
	t.Run("off", func(t *testing.T) {
		tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
		tab.DisableScripts()
		tab.Open(base)
		tab.Click("button", "Go")
		tab.See("There")
		if ran := browser.Ask[bool](tab, "window.ran === true"); ran || tab.Text() != "There" || tab.Address() != base+"/after?try=2" {
			t.Errorf("at %s it shows %q; a script ran: %t", tab.Address(), tab.Text(), ran)
		}
		if n := len(tab.Requests("GET", "/swap.js")); n > 0 {
			t.Errorf("the script was fetched %d times", n)
		}
	})
	t.Run("on", func(t *testing.T) {
		tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
		tab.Open(base)
		tab.Click("button", "Go")
		tab.See("Waiting by script")
		tab.SeeNone("loads itself")
		if n := len(tab.Requests("GET", "/after")); n > 0 {
			t.Errorf("with scripts the page loaded itself again %d times", n)
		}
	})
}
