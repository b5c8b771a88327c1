package apiproxy

import (
	"context"
	"io"
	"net/http"
	"time"
)

// delay delays the answer of a watch.
func (f *Faults) delay(answer *http.Response) error {
	if watch := answer.Request.URL.Query().Get("watch"); watch != "true" && watch != "1" || answer.StatusCode != http.StatusOK {
		return nil
	}
	f.mu.Lock()
	by := f.watchDelay
	f.mu.Unlock()
	if by > 0 {
		answer.Body = f.lateBody(answer.Request.Context(), answer.Body, by)
	}
	return nil
}

// lateBody delays what it reads, the end too, and keeps its order.
type lateBody struct {
	upstream io.ReadCloser
	pieces   chan piece
	current  piece
	ctx      context.Context // of the watch: http.Response has no other place for it
	cancel   context.CancelFunc
}

// piece is the content of one read, and when it is due.
type piece struct {
	content []byte
	err     error
	due     time.Time
}

// backlog is how many pieces can wait before the proxy stops reading from the API server.
const backlog = 4096

func (f *Faults) lateBody(ctx context.Context, upstream io.ReadCloser, by time.Duration) *lateBody {
	ctx, cancel := context.WithCancel(ctx)
	b := &lateBody{upstream: upstream, pieces: make(chan piece, backlog), ctx: ctx, cancel: cancel}
	go func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := upstream.Read(buffer)
			f.delayed.Add(1)
			select {
			case b.pieces <- piece{content: append([]byte(nil), buffer[:n]...), err: err, due: time.Now().Add(by)}:
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

// Read waits until a piece is due.
func (b *lateBody) Read(into []byte) (int, error) {
	for len(b.current.content) == 0 {
		if b.current.err != nil {
			return 0, b.current.err
		}
		select {
		case b.current = <-b.pieces:
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
