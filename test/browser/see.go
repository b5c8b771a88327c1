package browser

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// seen is the visible text of the page, with single spaces.
const seen = `(document.body?.innerText ?? "").replace(/\s+/g, " ")`

// See waits until the page shows all the texts at once.
func (tab *Tab) See(texts ...string) {
	tab.t.Helper()
	tab.await(fmt.Sprintf("see %q", texts), func(ctx context.Context) (bool, error) {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](seen))
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				return false, err
			}
		}
		return err == nil, err
	})
}

// SeeNone waits until the page shows none of the texts.
func (tab *Tab) SeeNone(texts ...string) {
	tab.t.Helper()
	tab.await(fmt.Sprintf("see none of %q", texts), func(ctx context.Context) (bool, error) {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](seen))
		for _, text := range texts {
			if strings.Contains(shown, text) {
				return false, err
			}
		}
		return err == nil && shown != "", err
	})
}

// Await waits until a JavaScript expression is true in the page.
func (tab *Tab) Await(what, expression string) {
	tab.t.Helper()
	tab.await(what, func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
	})
}

// AwaitAddress waits until the tab has loaded an address with this prefix.
func (tab *Tab) AwaitAddress(prefix string) {
	tab.t.Helper()
	tab.Await("arrive at "+prefix, fmt.Sprintf("location.href.startsWith(%q) && document.readyState === 'complete'", prefix))
}

// Text is the visible text of the page's <main>.
func (tab *Tab) Text() string {
	tab.t.Helper()
	return Ask[string](tab, `document.querySelector("main").innerText`)
}

// Address is the address of the tab.
func (tab *Tab) Address() string {
	tab.t.Helper()
	return Ask[string](tab, "location.href")
}

// Mark marks the page until it is reloaded or left.
func (tab *Tab) Mark() {
	tab.t.Helper()
	Ask[bool](tab, "window.paylinkTestsMark = true")
}

// Marked reports whether the page is still the marked one.
func (tab *Tab) Marked() bool {
	tab.t.Helper()
	return Ask[bool](tab, "window.paylinkTestsMark === true")
}
