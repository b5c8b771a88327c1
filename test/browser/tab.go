package browser

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for what must happen. It is no measure of
// speed: only a failing test waits so long.
const patience = time.Minute

// Tab is one buyer's, with no cookies or cache but its own. It belongs to one
// test, which it fails when something does not work.
type Tab struct {
	t        testing.TB
	ctx      context.Context // chromedp's, of this tab
	axe      *axe
	view     View
	patience time.Duration

	mu         sync.Mutex // guards what the page's events are written into
	complaints []string
	pardons    []string
	requests   []Request
}

// Tab opens an empty tab for a test, and closes it at the test's end. A test
// that finds no Chromium is skipped, or fails where PAYLINK_REQUIRE_ALL is 1.
func (b *Browser) Tab(t testing.TB, v View) *Tab {
	t.Helper()
	b.ready(t)
	tab := &Tab{t: t, axe: &b.axe, patience: patience}
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(tab.hear))
	tab.ctx = ctx
	t.Cleanup(func() {
		tab.leave()
		end()
	})
	if err := chromedp.Do(ctx); err != nil { // which opens it, for as long as ctx lasts
		t.Fatalf("open a tab: %v", err)
	}
	tab.do("watch the page's policy", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, audits.Enable, cdp.Empty{})
		return err
	}))
	tab.Look(v)
	return tab
}

// hear takes note of what happens in the page. It is called for one event after
// another, and must not ask the browser for anything.
func (tab *Tab) hear(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.noteComplaint(event)
	tab.noteRequest(event)
}

// leave looks back at what happened in the tab. Where the test has failed, it
// leaves a picture of what was there to see.
func (tab *Tab) leave() {
	// Events come in order: after an answer, all that happened before it was heard.
	_, _ = evaluate[int](tab, "1")
	tab.judge()
	if !tab.t.Failed() {
		return
	}
	seen, err := evaluate[struct{ Address, Title, Text string }](tab,
		`({Address: location.href, Title: document.title, Text: document.body?.innerText ?? ""})`)
	if err != nil {
		tab.t.Logf("the page cannot be read any more: %v", err)
		return
	}
	tab.t.Logf("at the end, the tab shows %s, %q:\n%.2000s", seen.Address, seen.Title, seen.Text)
	picture, err := tab.capture("failed-" + strings.ReplaceAll(tab.t.Name(), "/", "-"))
	if err != nil {
		tab.t.Logf("there is no picture of it: %v", err)
		return
	}
	tab.t.Logf("a picture of it is %s", picture)
}

// do has the browser do something at once.
func (tab *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("%s: %v", what, err)
	}
}

// await tries until something is done. Errors are passed over: a page that is
// on its way to the next cannot be asked anything.
func (tab *Tab) await(what string, try func(context.Context) (bool, error)) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	because := ""
	for {
		done, err := try(ctx)
		if done {
			return
		}
		if err != nil && ctx.Err() == nil {
			because = fmt.Sprintf(" (%v)", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tab.t.Fatalf("after %s, still waiting to %s%s", tab.patience, what, because)
		}
	}
}

// evaluate asks the page for a value that JSON can hold.
func evaluate[T any](tab *Tab, expression string, o ...chromedp.EvaluateOption) (T, error) {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, o...))
}

// Ask is the value of a script's expression in the page as it is now, for what
// cannot be seen on it.
func Ask[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	value, err := evaluate[T](tab, expression, chromedp.EvalAwaitPromise)
	if err != nil {
		tab.t.Fatalf("ask the page for %s: %v", expression, err)
	}
	return value
}
