package stack

import (
	"context"
	"sync"
	"time"
)

// restarter starts servers again that have ended, as a kubelet does.
type restarter struct {
	cancels []context.CancelFunc
	running sync.WaitGroup
}

func (r *restarter) watch(server *Server) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancels = append(r.cancels, cancel)
	r.running.Go(func() {
		for {
			select {
			case <-server.exited():
			case <-ctx.Done():
				return
			}
			if !pause(ctx) {
				return
			}
			_ = server.launch() // a failed start is tried again after the next pause
		}
	})
}

// stop ends the restarts. It leaves the servers as they are.
func (r *restarter) stop() {
	for _, cancel := range r.cancels {
		cancel()
	}
	r.running.Wait()
}

// pause limits the rate of restarts. It reports false once the context has ended.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(200 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
