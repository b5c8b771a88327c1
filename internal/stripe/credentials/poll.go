package credentials

import (
	"context"
	"time"

	"k8s.io/utils/clock"
)

// reloadPeriod is how often a mounted Secret is read again. The kubelet itself takes about a minute to bring a change to
// the node, so this adds little to it.
//
// Files are polled rather than watched: a mounted Secret changes by swapping symbolic links, and reading a few small
// files is cheaper than being wrong about that.
const reloadPeriod = 10 * time.Second

// poll calls reload again and again until the context ends.
func poll(ctx context.Context, c clock.WithTicker, reload func()) error {
	ticker := c.NewTicker(reloadPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
			reload()
		}
	}
}
