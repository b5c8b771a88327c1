package credentials

import (
	"context"
	"time"

	"k8s.io/utils/clock"
)

// reloadPeriod is the time between two reads of a mounted Secret. The kubelet takes about a minute to copy a change to the
// node, so this adds little.
//
// Files are polled and not watched: a mounted Secret changes by a swap of symbolic links, which file watches often miss.
const reloadPeriod = 10 * time.Second

// poll calls reload once per reloadPeriod until the context ends.
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
