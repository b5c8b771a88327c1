package webhookserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// wire is a network without a network, so that a test's clock is the connections' clock too.
type wire struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newWire() *wire { return &wire{connections: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.connections:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.once.Do(func() { close(w.closed) }); return nil }
func (w *wire) Addr() net.Addr { return &net.UnixAddr{Name: "wire", Net: "unix"} }

// dial fails once the listener is closed.
func (w *wire) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.connections <- server:
		return client, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// running is a server in the bubble of a test.
type running struct {
	*fixture
	wire *wire
	stop context.CancelFunc
	done chan error
}

func run(t *testing.T, l webhook.Ledger) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{fixture: newFixture(t, l), wire: newWire(), stop: stop, done: make(chan error, 1)}
	if r.server.Ready(nil) == nil {
		t.Error("ready before it serves")
	}
	go func() { r.done <- r.server.Serve(ctx, r.wire) }()
	synctest.Wait()
	return r
}

// stopped stops the server and fails the test unless it stops as it should.
func (r *running) stopped() {
	r.t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Errorf("stopped with %v", err)
	}
}

// connect opens a connection and writes the first part of what a client sends.
func (r *running) connect(text string) net.Conn {
	r.t.Helper()
	c, err := r.wire.dial()
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := c.Write([]byte(text)); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// delivery is a request as it goes over the wire.
func delivery(body []byte) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.example\r\nStripe-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		webhook.Path, stripeevents.Signature(secret, time.Now(), body), len(body), body)
}

// status reads an answer.
func status(t *testing.T, c net.Conn) int {
	t.Helper()
	code, _ := answered(t, bufio.NewReader(c))
	return code
}

// answered reads an answer to its end, and tells whether the connection ends by it.
func answered(t *testing.T, r *bufio.Reader) (code int, last bool) {
	t.Helper()
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Close
}
