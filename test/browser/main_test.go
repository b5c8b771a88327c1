package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/browser"
)

// chromium is shared by the tests of this package.
var chromium browser.Browser

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

// tests are the tests of the package, and the end of their browser.
type tests struct{ *testing.M }

// Run returns the code to exit with.
func (t tests) Run() int {
	code := t.M.Run()
	if err := chromium.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// site serves pages by their path, each as the body of a document, or whole
// where it begins with a doctype. Files that end in .js and .css are theirs.
func site(t *testing.T, pages map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'")
		switch {
		case !ok:
			http.NotFound(w, r)
			return
		case strings.HasSuffix(r.URL.Path, ".js"):
			w.Header().Set("Content-Type", "text/javascript")
		case strings.HasSuffix(r.URL.Path, ".css"):
			w.Header().Set("Content-Type", "text/css")
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if !strings.HasPrefix(page, "<!doctype") {
				page = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Test</title><body><main>` +
					page + `</main>`
			}
		}
		_, _ = fmt.Fprint(w, page)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// fakeTest records the result of a test.
type fakeTest struct {
	testing.TB
	mu       sync.Mutex
	messages []string
	failed   bool
	skipped  bool
	cleanups []func()
}

// requireChromium skips a test without a Chromium.
func requireChromium(t *testing.T) {
	t.Helper()
	chromium.Tab(t, browser.View{})
}

// runTest runs a function as a test of its own.
func runTest(t *testing.T, test func(testing.TB)) *fakeTest {
	t.Helper()
	t.Setenv("PAYLINK_SCREENSHOTS", t.TempDir()) // these failures are on purpose
	w := &fakeTest{TB: t}
	phase := func(do func()) { // which may end by Goexit, as FailNow does
		done := make(chan struct{})
		go func() { defer close(done); do() }()
		<-done
	}
	phase(func() { test(w) })
	for i := len(w.cleanups) - 1; i >= 0; i-- {
		phase(w.cleanups[i])
	}
	return w
}

func (w *fakeTest) report(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = append(w.messages, fmt.Sprintf(format, args...))
}

// reports reports whether some words were printed.
func (w *fakeTest) reports(words string) bool {
	return strings.Contains(strings.Join(w.messages, "\n"), words)
}

func (w *fakeTest) Helper()                           {}
func (w *fakeTest) Name() string                      { return "TestOfATest/with a name" }
func (w *fakeTest) Cleanup(f func())                  { w.cleanups = append(w.cleanups, f) }
func (w *fakeTest) Failed() bool                      { return w.failed }
func (w *fakeTest) Logf(format string, args ...any)   { w.report(format, args...) }
func (w *fakeTest) Errorf(format string, args ...any) { w.failed = true; w.report(format, args...) }
func (w *fakeTest) Fatal(args ...any)                 { w.Fatalf("%s", fmt.Sprint(args...)) }
func (w *fakeTest) Fatalf(format string, args ...any) { w.Errorf(format, args...); runtime.Goexit() }
func (w *fakeTest) Skip(args ...any) {
	w.skipped = true
	w.report("%s", fmt.Sprint(args...))
	runtime.Goexit()
}
