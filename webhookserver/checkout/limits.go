package checkout

import (
	"errors"
	"fmt"
	"time"

	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// Limits limit the orders that anonymous buyers create. Each replica counts its own orders, but Open counts those of all.
type Limits struct {
	// PerAddress and PerLink are the rates of orders of one client, and of all clients for one PaymentLink.
	PerAddress, PerLink ratelimit.Rate
	// Open is the number of unpaid orders of one PaymentLink.
	Open int
	// Expiry is the time after which an unpaid order expires. Then it is no longer open.
	Expiry time.Duration
}

// DefaultLimits returns limits under which a household or an office can buy, and one address cannot use up Open.
func DefaultLimits() Limits {
	return Limits{
		PerAddress: ratelimit.Rate{Events: 30, Per: time.Hour, Burst: 10},
		PerLink:    ratelimit.Rate{Events: 600, Per: time.Minute, Burst: 100},
		Open:       1000,
		Expiry:     24 * time.Hour,
	}
}

// Check returns an error that names the flag of an invalid limit.
func (l Limits) Check() error {
	if l.Open < 1 {
		return errors.New("--public-orders-open must be at least 1: with 0, no order can be created")
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
	// deadline bounds the creation of an order, the wait for its checkout URL included.
	deadline = 8 * time.Second
	// readyInterval is the time between two look-ups of an order that is to become ready. A look-up takes microseconds.
	readyInterval = 20 * time.Millisecond
	// maxCreating is the number of orders that are created at once. It keeps capacity of the API server for the webhooks.
	maxCreating = 64
)

// invalidTokens is the rate of invalid tokens of one client.
var invalidTokens = ratelimit.Rate{Events: 10, Per: time.Minute, Burst: 10}

const (
	// maxInFlightReviews is the number of concurrent reviews of tokens that can be invalid.
	maxInFlightReviews = 16
	// maxKnownGood is the number of valid tokens whose hashes are in memory, and knownGoodTTL the time after which one is
	// forgotten.
	maxKnownGood = 4096
	knownGoodTTL = time.Hour
)
