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

// Stripe is asked for Checkout Sessions. *stripeclient.Client is the real one.
type Stripe interface {
	// Sees reports whether the API key is of a session's mode. Only for such a one Session asks.
	Sees(id string) bool
	Session(ctx context.Context, id string) (stripeclient.Session, error)
}

// The limits of asking Stripe. It allows a test account 25 calls a second in all, and a live one 100.
var (
	// callsInAll is what one replica asks, for whatever many clients.
	callsInAll = ratelimit.Rate{Events: 5, Per: time.Second, Burst: 20}
	// callsForOne is what is asked for one client. A buyer has one session, which is asked for every few seconds.
	callsForOne = ratelimit.Rate{Events: 12, Per: time.Minute, Burst: 6}
)

const (
	// AnswerTimeout bounds one call to Stripe: somebody looks at the page.
	AnswerTimeout = 3 * time.Second
	// Answers are remembered for so long. What does not exist will not soon.
	answerTTL, noSuchTTL = 4 * time.Second, time.Minute
	// That a session is complete stays true: where Stripe cannot be asked again, that is said for so long.
	completeTTL = 10 * time.Minute
	// answersKept is how many, at about 1 KiB each.
	answersKept = 4096
)

// errNotAsked means that Stripe was not asked, for want of calls left.
var errNotAsked = errors.New("too many calls to Stripe")

// Inquiries asks Stripe for sessions: once for all that want the same one, and never more often than the limits say.
type Inquiries struct {
	stripe  Stripe
	log     logr.Logger
	metrics *metrics.Buyer
	clock   clock.PassiveClock

	answers     *cache.LRUExpireCache
	flights     singleflight.Group
	inAll, each *ratelimit.Limit
	// lines is how often a failure is worth a line in the log.
	lines *ratelimit.Limit
}

// NewInquiries returns what asks Stripe.
func NewInquiries(s Stripe, m *metrics.Buyer, c clock.PassiveClock, log logr.Logger) *Inquiries {
	return &Inquiries{
		stripe: s, metrics: m, clock: c, log: log,
		answers: cache.NewLRUExpireCacheWithClock(answersKept, c),
		inAll:   ratelimit.NewLimit(callsInAll, c),
		each:    ratelimit.NewLimit(callsForOne, c),
		lines:   ratelimit.NewLimit(ratelimit.Rate{Events: 1, Per: time.Minute, Burst: 1}, c),
	}
}

// answer is what Stripe said, or why it did not.
type answer struct {
	session stripeclient.Session
	err     error
	// until is when it is time to ask again.
	until time.Time
}

func (a answer) complete() bool {
	return a.err == nil && a.session.Status == stripeclient.SessionComplete
}

// session returns what Stripe says of a session, as of a few seconds ago or, where Stripe cannot be asked again, as of some
// minutes ago. It returns the client's errors and errNotAsked.
func (q *Inquiries) session(ctx context.Context, client netip.Prefix, id string) (stripeclient.Session, error) {
	if !q.stripe.Sees(id) {
		return stripeclient.Session{}, stripeclient.ErrOtherMode
	}
	var last answer
	if known, ok := q.answers.Get(id); ok {
		if last = known.(answer); q.clock.Now().Before(last.until) {
			return last.session, last.err
		}
	}
	// Whoever asks first may leave; the others still want the answer.
	ctx = context.WithoutCancel(ctx)
	got, _, _ := q.flights.Do(id, func() (any, error) { return q.ask(ctx, client, id, last), nil })
	return got.(answer).session, got.(answer).err
}

// ask returns the next answer after the last one.
func (q *Inquiries) ask(ctx context.Context, client netip.Prefix, id string, last answer) answer {
	if limit := q.limit(client); limit != "" {
		q.metrics.Limited.WithLabelValues(limit).Inc()
		if last.complete() {
			return last
		}
		return answer{err: errNotAsked}
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerTimeout)
	defer cancel()
	session, err := q.stripe.Session(ctx, id)
	next, good := answer{session: session, err: err}, answerTTL
	switch {
	case errors.Is(err, stripeclient.ErrNoSuchObject):
		good = noSuchTTL
	case err != nil:
		if _, ok := q.lines.Take(nil); ok {
			q.log.Error(err, "Stripe could not be asked for a checkout session: return pages wait for the webhook")
		}
		if last.complete() {
			next = last
		}
	}
	next.until = q.clock.Now().Add(good)
	if next.complete() {
		good = completeTTL
	}
	q.answers.Add(id, next, good)
	return next
}

// limit counts one call for a client, and names the limit that it would go over, if any.
func (q *Inquiries) limit(client netip.Prefix) string {
	if _, ok := q.each.Take(client); !ok {
		return metrics.LimitStripeAddress
	}
	if _, ok := q.inAll.Take(nil); !ok {
		return metrics.LimitStripe
	}
	return ""
}
