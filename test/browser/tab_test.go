package browser_test

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/browser"
	"github.com/paylink-dev/paylink/test/check"
)

// TestWhatIsMissingIsNamed: after its timeout, a test ends with what it waited
// for, what was there instead, and a picture of it.
func TestWhatIsMissingIsNamed(t *testing.T) {
	requireChromium(t)
	base := site(t, map[string]string{"/": `<h1>Hello</h1><button disabled>Off</button><button>Twin</button><button>Twin</button>
		<a href="/">Under</a><label>Name <input></label>`,
		"/covered":   `<!doctype html><html lang="en"><title>C</title><link rel="stylesheet" href="/cover.css"><main><a href="/">Under</a><div></div></main>`,
		"/cover.css": "div { position: fixed; inset: 0 }"})
	for want, step := range map[string]func(*browser.Tab){
		`see ["Hello" "Goodbye"]`:                        func(tab *browser.Tab) { tab.See("Hello", "Goodbye") },
		`see none of ["Hello"]`:                          func(tab *browser.Tab) { tab.SeeNone("Hello") },
		`press the button "Buy" (the page has 0 of it)`:  func(tab *browser.Tab) { tab.Click("button", "Buy") },
		`press the button "Twin" (the page has 2 of it)`: func(tab *browser.Tab) { tab.Click("button", "Twin") },
		`it cannot be pressed at the moment`:             func(tab *browser.Tab) { tab.Click("button", "Off") },
		`fill in "E-mail" (the page has 0 of it)`:        func(tab *browser.Tab) { tab.Fill("E-mail", "a") },
		`become paid`:                    func(tab *browser.Tab) { tab.Await("become paid", "window.paid") },
		`arrive at ` + base + `/paid`:    func(tab *browser.Tab) { tab.AwaitAddress(base + "/paid") },
		`something lies over it`:         func(tab *browser.Tab) { tab.Open(base + "/covered"); tab.Click("link", "Under") },
		`ask the page for no.such.thing`: func(tab *browser.Tab) { browser.Ask[int](tab, "no.such.thing") },
		`open http://127.0.0.1:1/`:       func(tab *browser.Tab) { tab.Open("http://127.0.0.1:1/") },
	} {
		w := runTest(t, func(inner testing.TB) {
			tab := chromium.Tab(inner, browser.View{})
			tab.Open(base)
			tab.SetTimeout(700 * time.Millisecond)
			step(tab)
			t.Errorf("%s: it was there", want)
		})
		if !w.failed || !w.reports(want) || !w.reports("failed-TestOfATest-with a name-desktop-light.png") {
			t.Errorf("got the messages %q, want %q and a screenshot", w.messages, want)
		}
	}
}

func TestTabsShareNothing(t *testing.T) {
	base := site(t, map[string]string{"/": "Here"})
	one, other := chromium.Tab(t, browser.View{}), chromium.Tab(t, browser.View{})
	one.Open(base)
	browser.Ask[string](one, `localStorage.buyer = document.cookie = "buyer=one"`)
	other.Open(base)
	if got := browser.Ask[string](other, `document.cookie + (localStorage.buyer ?? "")`); got != "" {
		t.Errorf("the other tab has %q", got)
	}
}

func TestAMarkGoesWithItsPage(t *testing.T) {
	base := site(t, map[string]string{"/": `<h1>One</h1><a href="#part">Part</a> <a href="/">Again</a><p id="part">Part</p>`})
	tab := chromium.Tab(t, browser.View{})
	tab.Open(base)
	tab.Mark()
	tab.Click("link", "Part")
	tab.AwaitAddress(base + "/#part")
	if !tab.Marked() {
		t.Error("the mark went though the page stayed")
	}
	tab.Click("link", "Again")
	tab.Await("load the page again", `!location.hash && document.readyState === "complete"`)
	if tab.Marked() || tab.Address() != base+"/" {
		t.Errorf("the mark stayed at %s", tab.Address())
	}
}

func TestViews(t *testing.T) {
	base := site(t, map[string]string{"/": "<h1>Look</h1>" + strings.Repeat("<p>A line</p>", 60)})
	tab := chromium.Tab(t, browser.View{})
	tab.Open(base)
	t.Setenv("PAYLINK_SCREENSHOTS", filepath.Join(t.TempDir(), "new"))
	for view, want := range map[browser.View]string{
		{}:                      "1280×800×1, dark: false, finger: false, still: true",
		{Scheme: browser.Dark}:  "1280×800×1, dark: true, finger: false, still: true",
		{Screen: browser.Phone}: "390×844×2, dark: false, finger: true, still: true",
		{Screen: browser.Phone, Scheme: browser.Dark}: "390×844×2, dark: true, finger: true, still: true",
	} {
		tab.Look(view)
		if got := browser.Ask[string](tab, "`${innerWidth}×${innerHeight}×${devicePixelRatio}, dark: ${matchMedia('(prefers-color-scheme: dark)').matches}, "+
			"finger: ${navigator.maxTouchPoints > 0}, still: ${matchMedia('(prefers-reduced-motion: reduce)').matches}`"); got != want {
			t.Errorf("%s is %s, not %s", view, got, want)
		}
		tab.Screenshot("lines")
		file, err := os.Open(filepath.Join(os.Getenv("PAYLINK_SCREENSHOTS"), fmt.Sprintf("lines-%s.png", view)))
		check.Must(t, err)
		picture, err := png.DecodeConfig(file)
		_ = file.Close()
		scale := browser.Ask[int](tab, "devicePixelRatio")
		if width, height := browser.Ask[int](tab, "innerWidth")*scale, browser.Ask[int](tab, "document.documentElement.scrollHeight")*scale; err != nil || picture.Width != width || picture.Height != height {
			t.Errorf("the picture of %s is %d×%d (%v), the page %d×%d", view, picture.Width, picture.Height, err, width, height)
		}
	}
}
