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

// timeout is how long a test waits for a step. It is no measure of speed: only a
// failing test waits so long.
const timeout = time.Minute

// Tab is a tab with its own cookies and cache. It belongs to one test, which fails
// with its steps.
type Tab struct {
	t       testing.TB
	ctx     context.Context // chromedp's, of this tab
	axe     *axe
	view    View
	timeout time.Duration

	mu       sync.Mutex // guards what follows
	problems []string
	expected []string
	requests []Request
}

// Tab opens an empty tab for a test, and closes it at the test's end. A test
// that finds no Chromium is skipped, or fails where PAYLINK_REQUIRE_ALL is 1.
func (b *Browser) Tab(t testing.TB, v View) *Tab {
	t.Helper()
	b.ready(t)
	tab := &Tab{t: t, axe: &b.axe, timeout: timeout}
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(tab.record))
	tab.ctx = ctx
	t.Cleanup(func() {
		tab.finish()
		end()
	})
	if err := chromedp.Do(ctx); err != nil { // opens it until ctx ends
		t.Fatalf("open a tab: %v", err)
	}
	tab.do("watch the page's policy", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, audits.Enable, cdp.Empty{})
		return err
	}))
	tab.Look(v)
	return tab
}

// record records an event of the page. It must not call the browser.
func (tab *Tab) record(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.recordProblem(event)
	tab.recordRequest(event)
}

// finish checks the problems of the tab. Where the test has failed, it takes a
// screenshot.
func (tab *Tab) finish() {
	// Events come in order: after this answer, all earlier ones are recorded.
	_, _ = evaluate[int](tab, "1")
	tab.checkProblems()
	if !tab.t.Failed() {
		return
	}
	seen, err := evaluate[struct{ Address, Title, Text string }](tab,
		`({Address: location.href, Title: document.title, Text: document.body?.innerText ?? ""})`)
	if err != nil {
		tab.t.Logf("the page cannot be read: %v", err)
		return
	}
	tab.t.Logf("at the end, the tab shows %s, %q:\n%.2000s", seen.Address, seen.Title, seen.Text)
	picture, err := tab.capture("failed-" + strings.ReplaceAll(tab.t.Name(), "/", "-"))
	if err != nil {
		tab.t.Logf("there is no screenshot: %v", err)
		return
	}
	tab.t.Logf("the screenshot is %s", picture)
}

// do runs steps in the browser.
func (tab *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.timeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("%s: %v", what, err)
	}
}

// await tries until a step is done. It ignores errors, because a page that navigates
// answers nothing.
func (tab *Tab) await(what string, try func(context.Context) (bool, error)) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.timeout)
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
			tab.t.Fatalf("after %s, still waiting to %s%s", tab.timeout, what, because)
		}
	}
}

// evaluate returns the value of a JavaScript expression.
func evaluate[T any](tab *Tab, expression string, o ...chromedp.EvaluateOption) (T, error) {
	ctx, cancel := context.WithTimeout(tab.ctx, timeout)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, o...))
}

// Ask returns the value of a JavaScript expression in the page.
func Ask[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	value, err := evaluate[T](tab, expression, chromedp.EvalAwaitPromise)
	if err != nil {
		tab.t.Fatalf("ask the page for %s: %v", expression, err)
	}
	return value
}
