package controllers

import (
	"context"
	"time"

	"k8s.io/utils/clock"
)

// rounds calls work at once, and then a period after each time that it ended, until the context does.
func rounds(ctx context.Context, c clock.WithTicker, period time.Duration, work func(context.Context)) {
	for {
		work(ctx)
		timer := c.NewTimer(period)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
	}
}
