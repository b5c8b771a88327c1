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

// stalled is a body that stops after its first bytes, until it is let go on.
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

// unread is a body that nobody may touch.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }
func (unread) Close() error               { return nil }

// stall sends so many bodies that stop after size bytes, and returns their answers once they are let go on.
func (f *fixture) stall(many, size int, release <-chan struct{}) (answers func() map[int]int) {
	codes := make(chan int, many)
	for range many {
		go func() {
			r := request(f.t.Context(), nil, "t=1,v1=00")
			r.ContentLength = -1
			r.Body = stalled{bytes.NewReader(make([]byte, size)), release}
			codes <- f.send(r).Code
		}()
	}
	synctest.Wait()
	return func() map[int]int {
		counts := map[int]int{}
		for range many {
			counts[<-codes]++
		}
		return counts
	}
}

// TestBodiesAtOnce: what is held of bodies before they are verified is bounded, of large ones more than of small ones.
func TestBodiesAtOnce(t *testing.T) {
	for name, row := range map[string]struct {
		many, size int
		// small and large say how a small and a large delivery are answered meanwhile.
		small, large int
	}{
		"few":                   {1, 1, http.StatusOK, http.StatusOK},
		"as many as can be":     {webhook.MaxReading, 1, http.StatusServiceUnavailable, http.StatusServiceUnavailable},
		"one fewer":             {webhook.MaxReading - 1, 1, http.StatusOK, http.StatusOK},
		"as many large ones":    {webhook.MaxReadingLarge, webhook.SmallBody + 1, http.StatusOK, http.StatusServiceUnavailable},
		"one fewer of them":     {webhook.MaxReadingLarge - 1, webhook.SmallBody + 1, http.StatusOK, http.StatusOK},
		"as many, nearly large": {webhook.MaxReadingLarge, webhook.SmallBody - 1, http.StatusOK, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			small := small(t)
			large := append(bytes.Clone(small), bytes.Repeat([]byte(" "), webhook.SmallBody)...)
			synctest.Test(t, func(t *testing.T) {
				f := newFixtureWith(t, accepting)
				release := make(chan struct{})
				answers := f.stall(row.many, row.size, release)
				for body, want := range map[*[]byte]int{&small: row.small, &large: row.large} {
					answer := f.deliver(*body)
					if want == http.StatusOK {
						wantAccepted(t, answer)
						continue
					}
					wantProblem(t, answer, want, "Too many events at once")
				}
				close(release)
				if got := answers(); got[http.StatusBadRequest] != row.many {
					t.Errorf("the stalled ones were answered %v", got)
				}
				wantAccepted(t, f.deliver(small)) // every place was given back
				wantAccepted(t, f.deliver(large))
			})
		})
	}
}

// TestUnsignedIsNotRead: without a signature a body is not worth holding.
func TestUnsignedIsNotRead(t *testing.T) {
	f := newFixtureWith(t, accepting)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, unread{t})
	wantProblem(t, f.send(r), http.StatusBadRequest, "signing secret")
	f.wantCounts(failures("bad_signature"))
}
