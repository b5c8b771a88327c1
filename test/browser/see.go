package browser

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// seen is what somebody reads on the page, without the line breaks of its layout.
const seen = `(document.body?.innerText ?? "").replace(/\s+/g, " ")`

// See waits until each of the texts is to be read on the page, all at the same
// moment.
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

// SeeNothingOf waits until none of the texts is to be read on the page.
func (tab *Tab) SeeNothingOf(texts ...string) {
	tab.t.Helper()
	tab.await(fmt.Sprintf("see nothing of %q", texts), func(ctx context.Context) (bool, error) {
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](seen))
		for _, text := range texts {
			if strings.Contains(shown, text) {
				return false, err
			}
		}
		return err == nil && shown != "", err
	})
}

// Await waits until a script's expression is true in the page, for what cannot
// be seen on it: what says the reason when it never is.
func (tab *Tab) Await(what, expression string) {
	tab.t.Helper()
	tab.await(what, func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
	})
}

// Arrive waits until the tab is at an address that begins so, and loaded.
func (tab *Tab) Arrive(prefix string) {
	tab.t.Helper()
	tab.Await("arrive at "+prefix, fmt.Sprintf("location.href.startsWith(%q) && document.readyState === 'complete'", prefix))
}

// Text is what is to be read in the page's <main> now.
func (tab *Tab) Text() string {
	tab.t.Helper()
	return Ask[string](tab, `document.querySelector("main").innerText`)
}

// Address is where the tab is now.
func (tab *Tab) Address() string {
	tab.t.Helper()
	return Ask[string](tab, "location.href")
}

// Mark leaves a mark on the page that goes when it is loaded again, or left.
func (tab *Tab) Mark() {
	tab.t.Helper()
	Ask[bool](tab, "window.paylinkTestsMark = true")
}

// Marked tells whether the page is still the one that was marked.
func (tab *Tab) Marked() bool {
	tab.t.Helper()
	return Ask[bool](tab, "window.paylinkTestsMark === true")
}
