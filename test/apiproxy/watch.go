package apiproxy

import (
	"context"
	"io"
	"net/http"
	"time"
)

// delay makes a watch's answer a late one.
func (d *Dials) delay(answer *http.Response) error {
	if watch := answer.Request.URL.Query().Get("watch"); watch != "true" && watch != "1" || answer.StatusCode != http.StatusOK {
		return nil
	}
	d.mu.Lock()
	by := d.watchDelay
	d.mu.Unlock()
	if by > 0 {
		answer.Body = d.lateBody(answer.Request.Context(), answer.Body, by)
	}
	return nil
}

// lateBody hands on what it reads, its end too, so much later and in the same order.
type lateBody struct {
	upstream io.ReadCloser
	news     chan piece
	current  piece
	ctx      context.Context // of the watch: http.Response has no other place for it
	cancel   context.CancelFunc
}

// piece is what one read brought, and when it may be told.
type piece struct {
	content []byte
	err     error
	due     time.Time
}

// backlog is how many pieces may be held back before the API server is no longer listened to, which makes the rest later
// still.
const backlog = 4096

func (d *Dials) lateBody(ctx context.Context, upstream io.ReadCloser, by time.Duration) *lateBody {
	ctx, cancel := context.WithCancel(ctx)
	b := &lateBody{upstream: upstream, news: make(chan piece, backlog), ctx: ctx, cancel: cancel}
	go func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := upstream.Read(buffer)
			d.delayed.Add(1)
			select {
			case b.news <- piece{content: append([]byte(nil), buffer[:n]...), err: err, due: time.Now().Add(by)}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return b
}

// Read waits until there is something that may be told.
func (b *lateBody) Read(into []byte) (int, error) {
	for len(b.current.content) == 0 {
		if b.current.err != nil {
			return 0, b.current.err
		}
		select {
		case b.current = <-b.news:
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
		if err := b.wait(); err != nil {
			return 0, err
		}
	}
	n := copy(into, b.current.content)
	b.current.content = b.current.content[n:]
	return n, nil
}

func (b *lateBody) wait() error {
	timer := time.NewTimer(time.Until(b.current.due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// Close ends the watch at the API server too.
func (b *lateBody) Close() error {
	b.cancel()
	return b.upstream.Close()
}
