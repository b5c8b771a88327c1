// Package browser has tests look at Paylink's pages as a buyer does: in a real
// Chromium without a window, by what is on the page to read, to press and to
// fill in. A page that a test has open must not complain: an error in the
// console, or something that the page's own policy refused, fails the test at
// its end.
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
// What a page says is looked for until it is there, or a minute has passed.
// Nothing sleeps.
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

// Browser is a Chromium that the tests of a package share, started by the first
// Tab. Its zero value is ready to use; Close ends it.
type Browser struct {
	axe axe

	mu      sync.Mutex
	started bool
	failure error           // of the start, for every test to hear
	ctx     context.Context // chromedp's, of the whole browser
	quit    context.CancelFunc
}

// startPatience is how long a Chromium may take to start; it takes 1 or 2 s.
const startPatience = time.Minute

// start starts Chromium unless that was done before.
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
	silent := chromedp.WithErrorf(func(string, ...any) {}) // what goes wrong is returned as well
	ctx, end := chromedp.NewContext(allocator, silent)
	quit := func() { end(); release() }
	late := time.AfterFunc(startPatience, quit)
	if err := chromedp.Do(ctx); err != nil { // which starts it, for as long as ctx lasts
		quit()
		return fmt.Errorf("start %s: %w", program, err)
	}
	if !late.Stop() {
		return fmt.Errorf("start %s: it took longer than %s", program, startPatience)
	}
	b.ctx, b.quit = ctx, quit
	return nil
}

// flags are how Chromium is started: without a window, with a profile of its
// own that goes when it ends, and with no network but this machine's.
func flags() []chromedp.ExecAllocatorOption {
	all := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	for _, name := range []string{
		"disable-background-networking", "disable-component-update", "disable-sync", "disable-gpu", "disable-quic", "no-proxy-server",
	} {
		all = append(all, chromedp.Flag(name, true))
	}
	if os.Geteuid() == 0 { // whom Chromium's sandbox refuses; what it shows is our own
		all = append(all, chromedp.NoSandbox)
	}
	return append(all, chromedp.Flag("lang", "en-US"), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
}

// closePatience is how long Chromium may take to end by itself.
const closePatience = 20 * time.Second

// Close ends Chromium, if it was started, with everything that it started, and
// removes its profile. It may be called again.
func (b *Browser) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quit == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(b.ctx, closePatience)
	defer cancel()
	err := chromedp.Cancel(ctx)
	b.quit()
	b.quit = nil
	if err != nil {
		return fmt.Errorf("end Chromium: %w", err)
	}
	return nil
}

// ready starts Chromium, or ends the test: as skipped where there is none.
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
