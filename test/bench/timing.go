package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// timings are the times of a number of calls.
type timings struct {
	calls     int
	wall      time.Duration
	latencies []time.Duration
	cpu       map[string]time.Duration
}

// add adds the timings of other calls of the same kind.
func (l *timings) add(other timings) {
	l.calls += other.calls
	l.wall += other.wall
	l.latencies = append(l.latencies, other.latencies...)
	if l.cpu == nil {
		l.cpu = map[string]time.Duration{}
	}
	for name, time := range other.cpu {
		l.cpu[name] += time
	}
}

// quantile returns a quantile of the latencies, such as 0.99.
func (l *timings) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(l.latencies))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// side returns the rates and times of one side.
func (l *timings) side() Side {
	cpu := map[string]time.Duration{}
	for name, used := range l.cpu {
		cpu[name] = used / time.Duration(l.calls)
	}
	return Side{Rate: l.rate(), P50: l.quantile(.5), P99: l.quantile(.99), CPU: cpu}
}

// rate is calls a second.
func (l *timings) rate() float64 { return float64(l.calls) / l.wall.Seconds() }

// timed makes n calls with a concurrency, and times each.
func timed(ctx context.Context, n, concurrency int, call func(ctx context.Context, i int) error) (timings, error) {
	l := timings{calls: n, latencies: make([]time.Duration, n)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var callers sync.WaitGroup
	begin := time.Now()
	for range concurrency {
		callers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				start := time.Now()
				if err := call(ctx, i); err != nil {
					cancel(err)
				}
				l.latencies[i] = time.Since(start)
			}
		})
	}
	callers.Wait()
	l.wall = time.Since(begin)
	return l, context.Cause(ctx)
}
