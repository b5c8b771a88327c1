// Package ratelimit keeps each of many clients to a rate.
package ratelimit

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
)

// Rate is so many in an interval, of which Burst may come at once.
type Rate struct {
	Events int
	Per    time.Duration
	Burst  int
}

// Check says what is wrong with a rate, if anything.
func (r Rate) Check() error {
	if r.Events < 1 || r.Per <= 0 || r.Burst < 1 {
		return fmt.Errorf("must be at least 1, not %d", r.Events)
	}
	return nil
}

// maxKeys is how many clients are told apart. Whoever has not been seen longest is forgotten first, and then starts
// anew with a full burst, which is as if it had more addresses than this.
const maxKeys = 65536

// Limit keeps each of many keys to a rate. It is a token bucket for each key.
type Limit struct {
	rate  Rate
	clock clock.PassiveClock

	mu   sync.Mutex
	keys *lru.Cache
}

// NewLimit returns a limit at which nobody has asked for anything yet.
func NewLimit(r Rate, c clock.PassiveClock) *Limit {
	return &Limit{rate: r, clock: c, keys: lru.New(maxKeys)}
}

// Take counts one for a key. Where that is too much it counts nothing, and says how long to wait.
func (l *Limit) Take(key any) (wait time.Duration, ok bool) {
	bucket, now := l.bucket(key), l.clock.Now()
	// A reservation that is given back would not do: of several at once, most are given back to no avail.
	if bucket.AllowN(now, 1) {
		return 0, true
	}
	return max(l.wait(bucket, now), 1), false
}

// Spent says how long a key must wait until there is something to take again; 0 where there is now. It counts nothing.
func (l *Limit) Spent(key any) time.Duration { return l.wait(l.bucket(key), l.clock.Now()) }

func (l *Limit) wait(bucket *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - bucket.TokensAt(now)
	return max(0, time.Duration(missing*float64(l.rate.Per)/float64(l.rate.Events)))
}

func (l *Limit) bucket(key any) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found, ok := l.keys.Get(key); ok {
		return found.(*rate.Limiter)
	}
	made := rate.NewLimiter(rate.Limit(float64(l.rate.Events)/l.rate.Per.Seconds()), l.rate.Burst)
	l.keys.Add(key, made)
	return made
}
