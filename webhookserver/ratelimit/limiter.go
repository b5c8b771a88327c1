// Package ratelimit limits the rate of requests of each client.
package ratelimit

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

// Rate is a number of events in an interval. Up to Burst of them are allowed at once.
type Rate struct {
	Events int
	Per    time.Duration
	Burst  int
}

// OnceAMinute is the rate of log messages that would otherwise fill the log.
var OnceAMinute = Rate{Events: 1, Per: time.Minute, Burst: 1}

// Check returns an error for a rate that never allows an event.
func (r Rate) Check() error {
	if r.Events < 1 || r.Per <= 0 || r.Burst < 1 {
		return fmt.Errorf("must be at least 1, not %d", r.Events)
	}
	return nil
}

// maxKeys is the number of keys that a Limiter distinguishes. It drops the least recently used key, which then starts
// with a full burst. A client with more addresses than this is not limited.
const maxKeys = 65536

// Limiter limits the rate of each of many keys. It has a token bucket for each key.
type Limiter struct {
	rate  Rate
	clock clock.PassiveClock

	mu   sync.Mutex
	keys *lru.Cache
}

// New returns a Limiter with full buckets.
func New(r Rate, c clock.PassiveClock) *Limiter {
	return &Limiter{rate: r, clock: c, keys: lru.New(maxKeys)}
}

// Allow takes a token of a key. If there is none, it returns false and the time until there is one.
func (l *Limiter) Allow(key any) (wait time.Duration, ok bool) {
	bucket, now := l.bucket(key), l.clock.Now()
	// Not a reservation that is canceled: concurrent ones would delay each other and then cancel.
	if bucket.AllowN(now, 1) {
		return 0, true
	}
	return max(l.wait(bucket, now), 1), false
}

// Wait returns the time until a key has a token, or 0 if it has one. It does not take a token.
func (l *Limiter) Wait(key any) time.Duration { return l.wait(l.bucket(key), l.clock.Now()) }

func (l *Limiter) wait(bucket *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - bucket.TokensAt(now)
	return max(0, time.Duration(missing*float64(l.rate.Per)/float64(l.rate.Events)))
}

func (l *Limiter) bucket(key any) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found, ok := l.keys.Get(key); ok {
		return found.(*rate.Limiter)
	}
	bucket := rate.NewLimiter(rate.Limit(float64(l.rate.Events)/l.rate.Per.Seconds()), l.rate.Burst)
	l.keys.Add(key, bucket)
	return bucket
}
