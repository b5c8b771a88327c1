package returnpage

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// Stripe returns Checkout Sessions. It is implemented by *stripeclient.Client.
type Stripe interface {
	// Sees reports whether there is an API key for the mode of a session. Session is called only if so.
	Sees(id string) bool
	Session(ctx context.Context, id string) (stripeclient.Session, error)
}

// Rates of calls to Stripe. Stripe allows 25 calls a second on a test account, and 100 on a live one.
var (
	// totalRate limits the calls of one replica.
	totalRate = ratelimit.Rate{Events: 5, Per: time.Second, Burst: 20}
	// clientRate limits the calls for one client. A buyer has one session, which is looked up every few seconds.
	clientRate = ratelimit.Rate{Events: 12, Per: time.Minute, Burst: 6}
)

const (
	// AnswerTimeout bounds one call to Stripe, since a buyer waits for the page.
	AnswerTimeout = 3 * time.Second
	// resultTTL is how long a result is fresh. A session that does not exist is unlikely to appear soon.
	resultTTL, noSuchTTL = 4 * time.Second, time.Minute
	// completeTTL is how long a complete session is kept for the case that Stripe does not answer: it stays complete.
	completeTTL = 10 * time.Minute
	// maxResults is the number of results in memory, at about 1 KiB each.
	maxResults = 4096
)

// errLimited means that Stripe was not called because of a limit.
var errLimited = errors.New("too many calls to Stripe")

// SessionLookup gets sessions from Stripe. It calls Stripe once for all concurrent look-ups of a session, and within the
// rates above.
type SessionLookup struct {
	stripe  Stripe
	log     logr.Logger
	metrics *metrics.Checkout
	clock   clock.PassiveClock

	results      *cache.LRUExpireCache
	calls        singleflight.Group
	totalLimit   *ratelimit.Limiter
	clientLimit  *ratelimit.Limiter
	errorLogRate *ratelimit.Limiter
}

// NewSessionLookup returns a SessionLookup.
func NewSessionLookup(s Stripe, m *metrics.Checkout, c clock.PassiveClock, log logr.Logger) *SessionLookup {
	return &SessionLookup{
		stripe: s, metrics: m, clock: c, log: log,
		results:      cache.NewLRUExpireCacheWithClock(maxResults, c),
		totalLimit:   ratelimit.New(totalRate, c),
		clientLimit:  ratelimit.New(clientRate, c),
		errorLogRate: ratelimit.New(ratelimit.OnceAMinute, c),
	}
}

// result is the result of a call to Stripe.
type result struct {
	session stripeclient.Session
	err     error
	// freshUntil is when the session is to be looked up again.
	freshUntil time.Time
}

func (r result) complete() bool {
	return r.err == nil && r.session.Status == stripeclient.SessionComplete
}

// get returns a session as it was a few seconds ago. If Stripe does not answer, a complete session can be some minutes old.
// It returns the errors of the client, and errLimited.
func (l *SessionLookup) get(ctx context.Context, client netip.Prefix, id string) (stripeclient.Session, error) {
	if !l.stripe.Sees(id) {
		return stripeclient.Session{}, stripeclient.ErrOtherMode
	}
	var last result
	if cached, ok := l.results.Get(id); ok {
		if last = cached.(result); l.clock.Now().Before(last.freshUntil) {
			return last.session, last.err
		}
	}
	// The first client can close its connection; the others still wait for the result.
	ctx = context.WithoutCancel(ctx)
	got, _, _ := l.calls.Do(id, func() (any, error) { return l.refresh(ctx, client, id, last), nil })
	return got.(result).session, got.(result).err
}

// refresh calls Stripe. If that is not possible, it returns the last result as long as that is a complete session.
func (l *SessionLookup) refresh(ctx context.Context, client netip.Prefix, id string, last result) result {
	if limit := l.exceededLimit(client); limit != "" {
		l.metrics.Limited.WithLabelValues(limit).Inc()
		if last.complete() {
			return last
		}
		return result{err: errLimited}
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerTimeout)
	defer cancel()
	session, err := l.stripe.Session(ctx, id)
	next, ttl := result{session: session, err: err}, resultTTL
	switch {
	case errors.Is(err, stripeclient.ErrNoSuchObject):
		ttl = noSuchTTL
	case err != nil:
		if _, ok := l.errorLogRate.Allow(nil); ok {
			l.log.Error(err, "Checkout session not looked up", "effect", "return pages wait for the webhook")
		}
		if last.complete() {
			next = last
		}
	}
	next.freshUntil = l.clock.Now().Add(ttl)
	if next.complete() {
		ttl = completeTTL
	}
	l.results.Add(id, next, ttl)
	return next
}

// exceededLimit counts one call for a client, and returns the name of the limit that it exceeds, or "".
func (l *SessionLookup) exceededLimit(client netip.Prefix) string {
	if _, ok := l.clientLimit.Allow(client); !ok {
		return metrics.LimitStripeAddress
	}
	if _, ok := l.totalLimit.Allow(nil); !ok {
		return metrics.LimitStripe
	}
	return ""
}
