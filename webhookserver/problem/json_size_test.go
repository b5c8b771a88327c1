package problem_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const maxBody = 16 << 10

// sized is a valid body of a size.
func sized(size int) string {
	return `{"note":"` + strings.Repeat("n", size-len(`{"note":""}`)) + `"}`
}

// TestSize: 16 KiB are read at most, with or without a Content-Length.
func TestSize(t *testing.T) {
	server := httptest.NewServer(problem.Handler{Handle: func(_ http.ResponseWriter, r *http.Request) error { return problem.ReadJSON(r, &document{}) }})
	defer server.Close()
	for name, row := range map[string]struct {
		body   io.Reader
		status int
	}{
		"the largest": {strings.NewReader(sized(maxBody)), http.StatusOK},
		"in chunks":   {io.MultiReader(strings.NewReader(sized(maxBody))), http.StatusOK},
		"a byte more": {strings.NewReader(sized(maxBody + 1)), http.StatusRequestEntityTooLarge},
		"a byte more, in chunks": {io.MultiReader(strings.NewReader(sized(maxBody)), strings.NewReader(" ")),
			http.StatusRequestEntityTooLarge},
		"a megabyte of white space": {strings.NewReader(strings.Repeat(" ", 1<<20)), http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, row.body)
			check.Must(t, err)
			r.Header.Set("Content-Type", "application/json")
			answer, err := server.Client().Do(r)
			check.Must(t, err)
			defer func() { _ = answer.Body.Close() }()
			text, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != row.status {
				t.Errorf("got %v, %s: %s, want status %d", err, answer.Status, text, row.status)
			}
			if got, want := strings.Contains(string(text), "The body may be at most 16 KiB large."), row.status != http.StatusOK; got != want {
				t.Errorf("got body %s, want the limit in it: %t", text, want)
			}
		})
	}
}

// TestReadIsBounded: of an endless body, no more is read than of the largest valid one.
func TestReadIsBounded(t *testing.T) {
	endless := &counting{from: strings.NewReader(strings.Repeat(" ", 1<<20))}
	r := posted(t, "application/json", "")
	r.Body = io.NopCloser(endless)
	if err := problem.ReadJSON(r, &document{}); err == nil || problem.From(err).Status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %v, want status 413", err)
	}
	if endless.read > maxBody+1 {
		t.Errorf("got %d bytes read, want %d at most", endless.read, maxBody+1)
	}
}

// counting counts the bytes that are read.
type counting struct {
	from io.Reader
	read int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.read += n
	return n, err
}

// TestUnreadable: for every read error, the client is told to send the body again, and not the error.
func TestUnreadable(t *testing.T) {
	for name, err := range map[string]error{
		"cut off":   io.ErrUnexpectedEOF,
		"hung up":   net.ErrClosed,
		"something": errors.New("read tcp 10.0.0.1:8080->192.0.2.7:4242: Erika"),
	} {
		t.Run(name, func(t *testing.T) {
			r := posted(t, "application/json", "")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"link":"Erika`), iotest.ErrReader(err)))
			got := problem.ReadJSON(r, &document{})
			want := problem.New(http.StatusRequestTimeout, "The body could not be read to its end in time: send it in one go.")
			check.Equal(t, error(want), got, "result")
		})
	}
}

// TestSlowBody: a client that stalls within its body is answered after the read timeout.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, served := net.Pipe()
		server := &http.Server{ReadTimeout: 10 * time.Second, Handler: problem.Handler{
			Handle: func(_ http.ResponseWriter, r *http.Request) error { return problem.ReadJSON(r, &document{}) },
		}}
		go func() { _ = server.Serve(&once{connection: served, closed: make(chan struct{})}) }()
		start := time.Now()
		if _, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(client)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			t.Errorf("got %v, %s, want status 408", err, answer)
		}
		// The server closes the connection half a second later.
		check.Equal(t, 10*time.Second, time.Since(start).Truncate(time.Second), "time to the answer")
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}

// once is a listener of one connection.
type once struct {
	connection net.Conn
	closed     chan struct{}
}

func (o *once) Accept() (net.Conn, error) {
	if c := o.connection; c != nil {
		o.connection = nil
		return c, nil
	}
	<-o.closed
	return nil, net.ErrClosed
}

func (o *once) Close() error { close(o.closed); return nil }

func (o *once) Addr() net.Addr { return &net.UnixAddr{Name: "once", Net: "unix"} }
