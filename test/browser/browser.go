// Package browser drives a real headless Chromium in tests, by what a page shows
// to read, to press and to fill in. An error in the console, or a violation of the
// page's content security policy, fails the test at its end.
//
//	var chromium browser.Browser // one for the package, closed by TestMain
//
//	func TestBuying(t testing.TB) {
//		tab := chromium.Tab(t, browser.View{Screen: browser.Phone})
//		tab.Open(shop.URL())
//		tab.Click("button", "Buy Lifetime")
//		tab.See("Pay 199.00 USD")
//	}
//
// Each step is tried until it succeeds, or a minute has passed. Nothing sleeps.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/paylink-dev/paylink/test/missing"
)

// Browser is a Chromium that the tests of a package share. The first Tab starts it,
// and Close ends it. The zero value is ready to use.
type Browser struct {
	axe axe

	mu      sync.Mutex
	started bool
	failure error           // of the start
	ctx     context.Context // chromedp's, of the whole browser
	quit    context.CancelFunc
}

// startTimeout is the timeout of the start, which takes 1 or 2 s.
const startTimeout = time.Minute

// start starts Chromium once.
func (b *Browser) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		return b.failure
	}
	b.started = true
	b.failure = b.launch()
	return b.failure
}

func (b *Browser) launch() error {
	program, err := Find()
	if err != nil {
		return err
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), append(flags(), chromedp.ExecPath(program))...)
	silent := chromedp.WithErrorf(func(string, ...any) {}) // errors are returned as well
	ctx, end := chromedp.NewContext(allocator, silent)
	quit := func() { end(); release() }
	late := time.AfterFunc(startTimeout, quit)
	if err := chromedp.Do(ctx); err != nil { // which starts it, for as long as ctx lasts
		quit()
		return fmt.Errorf("start %s: %w", program, err)
	}
	if !late.Stop() {
		return fmt.Errorf("start %s: it took longer than %s", program, startTimeout)
	}
	b.ctx, b.quit = ctx, quit
	return nil
}

// flags start Chromium headless, with a temporary profile and no network but this
// machine's.
func flags() []chromedp.ExecAllocatorOption {
	all := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	for _, name := range []string{
		"disable-background-networking", "disable-component-update", "disable-sync", "disable-gpu", "disable-quic", "no-proxy-server",
	} {
		all = append(all, chromedp.Flag(name, true))
	}
	if os.Geteuid() == 0 { // Chromium's sandbox refuses root; the pages are our own
		all = append(all, chromedp.NoSandbox)
	}
	return append(all, chromedp.Flag("lang", "en-US"), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
}

// closeTimeout is how long Chromium may take to end.
const closeTimeout = 20 * time.Second

// Close ends Chromium and its processes, and removes its profile. It may be called
// again.
func (b *Browser) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quit == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(b.ctx, closeTimeout)
	defer cancel()
	err := chromedp.Cancel(ctx)
	b.quit()
	b.quit = nil
	if err != nil {
		return fmt.Errorf("end Chromium: %w", err)
	}
	return nil
}

// ready starts Chromium, or skips the test where there is none.
func (b *Browser) ready(t testing.TB) {
	t.Helper()
	err := b.start()
	switch {
	case errors.Is(err, ErrNone):
		missing.Tool(t, err.Error())
	case err != nil:
		t.Fatal(err)
	}
}
