package webhookserver_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/webhookserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestGracefulStop: at once unready, then closed to new senders, while what was accepted is finished.
func TestGracefulStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := run(t, blocking(release))
		if err := r.server.Ready(nil); err != nil {
			t.Errorf("serving, but %v", err)
		}
		if r.server.NeedLeaderElection() {
			t.Error("a replica that does not lead would not serve")
		}
		sender := r.connect(delivery(event(t)))
		idle := r.connect("")
		synctest.Wait()
		if n := r.sample("in_flight"); n != 1 {
			t.Fatalf("%v in flight", n)
		}

		r.stop()
		synctest.Wait()
		if r.server.Ready(nil) == nil {
			t.Error("still ready while stopping")
		}
		<-time.After(webhookserver.DrainDelay)
		synctest.Wait()
		if _, err := r.wire.dial(); err == nil {
			t.Error("a new sender is let in while stopping")
		}
		select {
		case err := <-r.done:
			t.Fatalf("stopped, with %v, before the event was accepting", err)
		default:
		}
		close(release)
		if code := status(t, sender); code != http.StatusOK {
			t.Errorf("the accepted event was answered %d", code)
		}
		if err := <-r.done; err != nil {
			t.Errorf("stopped with %v", err)
		}
		_, _ = sender.Close(), idle.Close()
	})
}

// TestStopTellsProxies: a connection that a proxy keeps ends by an answer, and not while a request is on its way.
func TestStopTellsProxies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, accepting)
		text := delivery(event(t))
		proxy := r.connect(text)
		answers := bufio.NewReader(proxy)
		if code, last := answered(t, answers); code != http.StatusOK || last {
			t.Errorf("before: %d, the last: %t", code, last)
		}
		r.stop()
		synctest.Wait()
		if _, err := proxy.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if code, last := answered(t, answers); code != http.StatusOK || !last {
			t.Errorf("while it leaves: %d, the last: %t", code, last)
		}
		if _, err := answers.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the connection does not end: %v", err)
		}
		if err := <-r.done; err != nil {
			t.Errorf("stopped with %v", err)
		}
		_ = proxy.Close()
	})
}

// TestStopWithAStuckLedger: an event that cannot be accepting is answered at its deadline, and the server ends all the same.
func TestStopWithAStuckLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, blocking(nil))
		sender := r.connect(delivery(event(t)))
		defer func() { _ = sender.Close() }()
		synctest.Wait()
		start := time.Now()
		r.stop()
		if code := status(t, sender); code != http.StatusServiceUnavailable {
			t.Errorf("answered %d", code)
		}
		if err := <-r.done; err != nil || time.Since(start) > webhookserver.DrainTimeout {
			t.Errorf("stopped with %v after %s", err, time.Since(start))
		}
	})
}

// TestStopWithALedgerThatNeverEnds: then, and only then, stopping is an error.
func TestStopWithALedgerThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		r := run(t, ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) { <-end; return ledger.Applied, nil }))
		sender := r.connect(delivery(event(t)))
		defer func() { _ = sender.Close() }()
		synctest.Wait()
		start := time.Now()
		r.stop()
		if err := <-r.done; err == nil || time.Since(start) != webhookserver.DrainTimeout {
			t.Errorf("stopped with %v after %s", err, time.Since(start))
		}
		close(end)
	})
}

// TestStopWithASenderThatStalls: a body that never ends does not keep the server.
func TestStopWithASenderThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, accepting)
		text := delivery(event(t))
		sender := r.connect(text[:len(text)-1])
		defer func() { _ = sender.Close() }()
		<-time.After(time.Second)
		go func() { _, _ = bufio.NewReader(sender).WriteTo(&bytes.Buffer{}) }()
		r.stopped()
	})
}

// TestSlowClients are dropped, each at its time: Stripe sends an event in one go.
func TestSlowClients(t *testing.T) {
	whole := ""
	for name, row := range map[string]struct {
		text func() string
		// reads says that the client reads what comes.
		reads bool
		want  time.Duration
	}{
		"says nothing":             {func() string { return "" }, true, 5 * time.Second},
		"headers without end":      {func() string { return "POST /api/webhooks/stripe HTTP/1.1\r\nHost: shop.example\r\nX-A: " }, true, 5 * time.Second},
		"a body without end":       {func() string { return whole[:len(whole)-1] }, true, 10 * time.Second},
		"does not read its answer": {func() string { return whole }, false, 20 * time.Second},
		"says no more":             {func() string { return whole }, true, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				whole = delivery(event(t))
				r := run(t, accepting)
				start := time.Now()
				c := r.connect(row.text())
				defer func() { _ = c.Close() }()
				if row.reads {
					_, _ = bufio.NewReader(c).WriteTo(&bytes.Buffer{}) // until the server hangs up
				} else {
					<-time.After(row.want - time.Nanosecond)
					synctest.Wait()
					if _, err := c.Write([]byte("x")); err != nil {
						t.Errorf("dropped before its time: %v", err)
					}
					<-time.After(time.Second)
					if _, err := c.Write([]byte("x")); err == nil {
						t.Error("not dropped")
					}
				}
				if took := time.Since(start).Truncate(5 * time.Second); took != row.want {
					t.Errorf("dropped after %s, not %s", took, row.want)
				}
				r.stopped()
			})
		})
	}
}

// TestHeaderCap: what can be sent before anything is verified is bounded.
func TestHeaderCap(t *testing.T) {
	for name, row := range map[string]struct {
		size, want int
	}{
		"many signatures":           {webhookserver.MaxHeader / 2, http.StatusOK},
		"a megabyte, forged or not": {1 << 20, http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, accepting)
				text := strings.Replace(delivery(event(t)), "Stripe-Signature: ", "Stripe-Signature: "+strings.Repeat("v1=00,", row.size/6), 1)
				c, err := r.wire.dial()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				go func() { _, _ = c.Write([]byte(text)) }() // ends when the server hangs up
				if code := status(t, c); code != row.want {
					t.Errorf("%d", code)
				}
				_ = c.Close()
				r.stopped()
			})
		})
	}
}

// tell sends what a pattern finds in a line of the log.
func tell(pattern *regexp.Regexp, found chan<- string) logr.Logger {
	return funcr.New(func(_, args string) {
		if match := pattern.FindStringSubmatch(args); match != nil {
			found <- match[1]
		}
	}, funcr.Options{})
}

// TestStart goes through the real network once.
func TestStart(t *testing.T) {
	s := newFixture(t, accepting)
	started := make(chan string, 1)
	s.server.Log = tell(regexp.MustCompile(`"address"="([^"]+)"`), started)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.server.Start(ctx) }()
	address := <-started

	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte(delivery(event(t)))); err != nil {
		t.Fatal(err)
	}
	if code := status(t, c); code != http.StatusOK {
		t.Errorf("%d", code)
	}

	taken := newFixture(t, accepting)
	taken.server.Address = address
	if err := taken.server.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for webhooks") {
		t.Errorf("the address is taken: %v", err)
	}
	if taken.server.Ready(nil) == nil {
		t.Error("ready, though it never served")
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}
