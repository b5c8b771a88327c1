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

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// pipeListener listens on pipes, so that the connections use the fake clock of a test.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (w *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-w.connections:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *pipeListener) Close() error   { w.once.Do(func() { close(w.closed) }); return nil }
func (w *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "listener", Net: "unix"} }

// dial fails after the listener is closed.
func (w *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.connections <- server:
		return client, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// running is a server with a fake clock.
type running struct {
	*fixture
	listener *pipeListener
	stop     context.CancelFunc
	done     chan error
}

func run(t *testing.T, l webhook.Ledger) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{fixture: newFixture(t, l), listener: newPipeListener(), stop: stop, done: make(chan error, 1)}
	if r.server.Ready(nil) == nil {
		t.Error("got ready, want an error before serving")
	}
	go func() { r.done <- r.server.Serve(ctx, r.listener) }()
	synctest.Wait()
	return r
}

// wantStop stops the server and fails the test if that is an error.
func (r *running) wantStop() {
	r.t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Errorf("got error %v at the end, want none", err)
	}
}

// connect opens a connection and sends a text.
func (r *running) connect(text string) net.Conn {
	r.t.Helper()
	c, err := r.listener.dial()
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := c.Write([]byte(text)); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// delivery is the text of a signed request.
func delivery(body []byte) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.example\r\nStripe-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		webhook.Path, stripeevents.Signature(secret, time.Now(), body), len(body), body)
}

// readStatus reads a response and returns its status.
func readStatus(t *testing.T, c net.Conn) int {
	t.Helper()
	code, _ := readResponse(t, bufio.NewReader(c))
	return code
}

// readResponse reads a response, and reports whether it closes the connection.
func readResponse(t *testing.T, r *bufio.Reader) (code int, last bool) {
	t.Helper()
	answer, err := http.ReadResponse(r, nil)
	check.Must(t, err)
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Close
}
