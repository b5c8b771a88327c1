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
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestGracefulStop: a stopping server is not ready at once, then refuses connections, and finishes what it has accepted.
func TestGracefulStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := run(t, blocking(release))
		check.NoError(t, r.server.Ready(nil))
		check.Equal(t, false, r.server.NeedLeaderElection(), "NeedLeaderElection")
		sender := r.connect(delivery(event(t)))
		r.connect("") // is idle
		synctest.Wait()
		check.Equal(t, 1, r.sample("in_flight"), "in flight")

		r.stop()
		synctest.Wait()
		wantUnready(t, r.server)
		<-time.After(webhookserver.DrainDelay)
		synctest.Wait()
		if _, err := r.listener.dial(); err == nil {
			t.Error("got a new connection while stopping, want none")
		}
		select {
		case err := <-r.done:
			t.Fatalf("got the end with %v, want it after the accepted event", err)
		default:
		}
		close(release)
		wantStatus(t, sender, http.StatusOK)
		check.NoError(t, <-r.done)
	})
}

// TestCloseOnDrain: a connection that a proxy keeps is closed with a response, and not while a request arrives.
func TestCloseOnDrain(t *testing.T) {
	withServer(t, accepting, func(t *testing.T, r *running) {
		text := delivery(event(t))
		proxy := r.connect(text)
		answers := bufio.NewReader(proxy)
		wantResponse(t, answers, http.StatusOK, false)
		r.stop()
		synctest.Wait()
		_, err := proxy.Write([]byte(text))
		check.Must(t, err)
		wantResponse(t, answers, http.StatusOK, true)
		if _, err := answers.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the end of the connection", err)
		}
		check.NoError(t, <-r.done)
	})
}

// TestStopAtDeadline: an accepted event is answered at its deadline, and then the server stops.
func TestStopAtDeadline(t *testing.T) {
	withServer(t, blocking(nil), func(t *testing.T, r *running) {
		sender := r.connect(delivery(event(t)))
		synctest.Wait()
		start := time.Now()
		r.stop()
		wantStatus(t, sender, http.StatusServiceUnavailable)
		if err := <-r.done; err != nil || time.Since(start) > webhookserver.DrainTimeout {
			t.Errorf("got the end with %v after %s, want it at %s", err, time.Since(start), webhookserver.DrainTimeout)
		}
	})
}

// TestStopTimeout: a stop that exceeds its time returns an error.
func TestStopTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		r := run(t, ledgerFunc(func(context.Context, payment.Fact) (ledger.Result, error) { <-end; return ledger.Applied, nil }))
		r.connect(delivery(event(t)))
		synctest.Wait()
		start := time.Now()
		r.stop()
		if err := <-r.done; err == nil || time.Since(start) != webhookserver.DrainTimeout {
			t.Errorf("got the end with %v after %s, want it at %s", err, time.Since(start), webhookserver.DrainTimeout)
		}
		close(end)
	})
}

// TestStopWithStalledBody: a client that stalls within its body does not delay the stop.
func TestStopWithStalledBody(t *testing.T) {
	withServer(t, accepting, func(t *testing.T, r *running) {
		text := delivery(event(t))
		sender := r.connect(text[:len(text)-1])
		<-time.After(time.Second)
		go func() { _, _ = bufio.NewReader(sender).WriteTo(&bytes.Buffer{}) }()
		r.wantStop()
	})
}

// TestSlowClients: a connection of a slow client is closed after a time.
func TestSlowClients(t *testing.T) {
	whole := ""
	for name, row := range map[string]struct {
		text func() string
		// reads: the client reads the response.
		reads bool
		want  time.Duration
	}{
		"sends nothing":            {func() string { return "" }, true, 5 * time.Second},
		"headers without end":      {func() string { return "POST /api/webhooks/stripe HTTP/1.1\r\nHost: shop.example\r\nX-A: " }, true, 5 * time.Second},
		"a body without end":       {func() string { return whole[:len(whole)-1] }, true, 10 * time.Second},
		"does not read its answer": {func() string { return whole }, false, 20 * time.Second},
		"idle":                     {func() string { return whole }, true, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				whole = delivery(event(t))
				r := run(t, accepting)
				start := time.Now()
				c := r.connect(row.text())
				if row.reads {
					_, _ = bufio.NewReader(c).WriteTo(&bytes.Buffer{}) // until the server closes the connection
				} else {
					<-time.After(row.want - time.Nanosecond)
					synctest.Wait()
					if _, err := c.Write([]byte("x")); err != nil {
						t.Errorf("got %v, want the connection still open", err)
					}
					<-time.After(time.Second)
					if _, err := c.Write([]byte("x")); err == nil {
						t.Error("got an open connection, want it closed")
					}
				}
				check.Equal(t, row.want, time.Since(start).Truncate(5*time.Second), "time to the close")
				r.wantStop()
			})
		})
	}
}

// TestMaxHeader: the size of the headers is bounded.
func TestMaxHeader(t *testing.T) {
	for name, row := range map[string]struct {
		size, want int
	}{
		"many signatures": {webhookserver.MaxHeader / 2, http.StatusOK},
		"a megabyte":      {1 << 20, http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, accepting)
				text := strings.Replace(delivery(event(t)), "Stripe-Signature: ", "Stripe-Signature: "+strings.Repeat("v1=00,", row.size/6), 1)
				c, err := r.listener.dial()
				check.Must(t, err)
				defer func() { _ = c.Close() }()
				go func() { _, _ = c.Write([]byte(text)) }() // ends when the server closes the connection
				wantStatus(t, c, row.want)
				_ = c.Close()
				r.wantStop()
			})
		})
	}
}

// capturingLogger sends the group of a pattern in a log message to a channel.
func capturingLogger(pattern *regexp.Regexp, found chan<- string) logr.Logger {
	return funcr.New(func(_, args string) {
		if match := pattern.FindStringSubmatch(args); match != nil {
			found <- match[1]
		}
	}, funcr.Options{})
}

// TestStart serves on the real network.
func TestStart(t *testing.T) {
	s := newFixture(t, accepting)
	started := make(chan string, 1)
	s.server.Log = capturingLogger(regexp.MustCompile(`"address"="([^"]+)"`), started)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.server.Start(ctx) }()
	address := <-started

	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	check.Must(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte(delivery(event(t))))
	check.Must(t, err)
	wantStatus(t, c, http.StatusOK)

	taken := newFixture(t, accepting)
	taken.server.Address = address
	if err := taken.server.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for webhooks") {
		t.Errorf("got %v for an address in use, want an error", err)
	}
	wantUnready(t, taken.server)
	stop()
	check.NoError(t, <-done)
}
