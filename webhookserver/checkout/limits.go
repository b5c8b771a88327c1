package checkout

import (
	"errors"
	"fmt"
	"time"

	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// Limits of the orders that anybody may create. Each replica counts for itself, but for Open.
type Limits struct {
	// PerAddress and PerLink are how many orders one client, and all clients for one PaymentLink, may create.
	PerAddress, PerLink ratelimit.Rate
	// Open is how many orders of one PaymentLink may be unpaid at a time.
	Open int
	// Expiry is how long an order waits to be paid; after that it is no longer open.
	Expiry time.Duration
}

// DefaultLimits let a household or an office buy, and one address alone not use up what is open.
func DefaultLimits() Limits {
	return Limits{
		PerAddress: ratelimit.Rate{Events: 30, Per: time.Hour, Burst: 10},
		PerLink:    ratelimit.Rate{Events: 600, Per: time.Minute, Burst: 100},
		Open:       1000,
		Expiry:     24 * time.Hour,
	}
}

// Check says what is wrong with the limits, if anything.
func (l Limits) Check() error {
	if l.Open < 1 {
		return errors.New("--public-orders-open must be at least 1: with none nobody could buy")
	}
	if l.Expiry < time.Second || l.Expiry > 87600*time.Hour {
		return fmt.Errorf("--public-order-expiry must be from 1s to 87600h, as spec.expiresAfter of an Order, not %s", l.Expiry)
	}
	if l.Expiry%time.Second != 0 {
		return fmt.Errorf("--public-order-expiry must be in whole seconds, not %s", l.Expiry)
	}
	if err := l.PerAddress.Check(); err != nil {
		return fmt.Errorf("--public-orders-per-address %w", err)
	}
	if err := l.PerLink.Check(); err != nil {
		return fmt.Errorf("--public-orders-per-link %w", err)
	}
	return nil
}

const (
	// deadline bounds the whole of creating an order, the wait for its checkout URL included.
	deadline = 8 * time.Second
	// readyPoll is how often the cache is asked whether that has come; a look costs microseconds.
	readyPoll = 20 * time.Millisecond
	// maxMaking is how many orders are created at once, so that a crowd of buyers leaves the API server to the webhooks.
	maxMaking = 64
	// retryAfter tells a client when to come back after a 503.
	retryAfter = 5 * time.Second
)

// wrongTokens is how many tokens that Kubernetes does not know may come from one place.
var wrongTokens = ratelimit.Rate{Events: 10, Per: time.Minute, Burst: 10}

// maxStrange is how many tokens that may be wrong are reviewed at once, whoever sends them.
const maxStrange = 16

// goodTokensKept is how many tokens, by their hashes, are remembered to have been right, and goodTokenTTL for how long.
const (
	goodTokensKept = 4096
	goodTokenTTL   = time.Hour
)
