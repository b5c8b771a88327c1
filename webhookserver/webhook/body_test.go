package webhook_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/paylink-dev/paylink/webhookserver/webhook"
)

// stalled is a body that stops after its first bytes, until the channel is closed.
type stalled struct {
	io.Reader
	release <-chan struct{}
}

func (s stalled) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err == io.EOF {
		<-s.release
	}
	return n, err
}

func (stalled) Close() error { return nil }

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("got a read of the body, want none")
	return 0, io.EOF
}
func (unread) Close() error { return nil }

// TestConcurrentBodies: the number of bodies that are read at once is limited, and that of large ones more strictly.
func TestConcurrentBodies(t *testing.T) {
	for name, row := range map[string]struct {
		// count bodies stall after size bytes.
		count, size int
		// small and large are the statuses of a small and a large delivery meanwhile.
		small, large int
	}{
		"few":                       {1, 1, http.StatusOK, http.StatusOK},
		"the limit":                 {webhook.MaxReading, 1, http.StatusServiceUnavailable, http.StatusServiceUnavailable},
		"below the limit":           {webhook.MaxReading - 1, 1, http.StatusOK, http.StatusOK},
		"the limit of large ones":   {webhook.MaxReadingLarge, webhook.SmallBody + 1, http.StatusOK, http.StatusServiceUnavailable},
		"below that limit":          {webhook.MaxReadingLarge - 1, webhook.SmallBody + 1, http.StatusOK, http.StatusOK},
		"as many, but nearly large": {webhook.MaxReadingLarge, webhook.SmallBody - 1, http.StatusOK, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			small := small(t)
			large := append(bytes.Clone(small), bytes.Repeat([]byte(" "), webhook.SmallBody)...)
			synctest.Test(t, func(t *testing.T) {
				f := newFixtureWith(t, accepting)
				release := make(chan struct{})
				statuses := f.concurrently(row.count, func() *http.Request {
					r := request(t.Context(), nil, "t=1,v1=00")
					r.ContentLength, r.Body = -1, stalled{bytes.NewReader(make([]byte, row.size)), release}
					return r
				})
				synctest.Wait()
				for body, want := range map[*[]byte]int{&small: row.small, &large: row.large} {
					answer := f.deliver(*body)
					if want == http.StatusOK {
						wantAccepted(t, answer)
						continue
					}
					wantProblem(t, answer, want, "Too many events at once")
				}
				close(release)
				if got := statuses(); got[http.StatusBadRequest] != row.count {
					t.Errorf("got statuses %v of stalled bodies, want %d of 400", got, row.count)
				}
				wantAccepted(t, f.deliver(small)) // every place was released
				wantAccepted(t, f.deliver(large))
			})
		})
	}
}

// TestUnsignedBody: a body without a signature is not read.
func TestUnsignedBody(t *testing.T) {
	f := newFixtureWith(t, accepting)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, unread{t})
	wantProblem(t, f.send(r), http.StatusBadRequest, "signing secret")
	f.wantCounts(failures("bad_signature"))
}
