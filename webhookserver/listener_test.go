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
	"github.com/paylink-dev/paylink/webhookserver"
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

// withServer runs a test with a server that has served nothing yet.
func withServer(t *testing.T, l webhook.Ledger, test func(*testing.T, *running)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, run(t, l)) })
}

func run(t *testing.T, l webhook.Ledger) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{fixture: newFixture(t, l), listener: newPipeListener(), stop: stop, done: make(chan error, 1)}
	wantUnready(t, r.server)
	go func() { r.done <- r.server.Serve(ctx, r.listener) }()
	synctest.Wait()
	return r
}

// wantStop stops the server and fails the test if that is an error.
func (r *running) wantStop() {
	r.t.Helper()
	r.stop()
	check.NoError(r.t, <-r.done)
}

// connect opens a connection until the end of the test, and sends a text.
func (r *running) connect(text string) net.Conn {
	r.t.Helper()
	c, err := r.listener.dial()
	check.Must(r.t, err)
	r.t.Cleanup(func() { _ = c.Close() })
	_, err = c.Write([]byte(text))
	check.Must(r.t, err)
	return c
}

// delivery is the text of a signed request.
func delivery(body []byte) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.example\r\nStripe-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		webhook.Path, stripeevents.Signature(secret, time.Now(), body), len(body), body)
}

// wantUnready fails the test if a server is ready.
func wantUnready(t *testing.T, s *webhookserver.Server) {
	t.Helper()
	if s.Ready(nil) == nil {
		t.Error("got ready, want an error")
	}
}

// wantStatus compares the status of a response on a connection.
func wantStatus(t *testing.T, c net.Conn, code int) {
	t.Helper()
	wantResponse(t, bufio.NewReader(c), code)
}

// wantResponse compares the status of a response, and whether it closes the connection.
func wantResponse(t *testing.T, r *bufio.Reader, code int, last ...bool) {
	t.Helper()
	answer, err := http.ReadResponse(r, nil)
	check.Must(t, err)
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	check.Must(t, err)
	check.Equal(t, code, answer.StatusCode, "status")
	for _, last := range last {
		check.Equal(t, last, answer.Close, "close of the connection")
	}
}
