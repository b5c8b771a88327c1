package stack

import (
	"context"
	"sync"
	"time"
)

// keepers start servers again that have ended, as a kubelet does.
type keepers struct {
	cancels []context.CancelFunc
	running sync.WaitGroup
}

func (k *keepers) keep(server *Server) {
	ctx, cancel := context.WithCancel(context.Background())
	k.cancels = append(k.cancels, cancel)
	k.running.Go(func() {
		for {
			select {
			case <-server.gone():
			case <-ctx.Done():
				return
			}
			if !pause(ctx) {
				return
			}
			_ = server.launch() // or once more after the next pause: what ended has still ended
		}
	})
}

// stop leaves the servers to themselves, running or not.
func (k *keepers) stop() {
	for _, cancel := range k.cancels {
		cancel()
	}
	k.running.Wait()
}

// pause keeps a server that cannot run from being started all the time. It reports false when the keeper must stop.
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
