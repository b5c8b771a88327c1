package billing

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
	"github.com/paylink-dev/paylink/internal/stripeapi"
	"github.com/paylink-dev/paylink/webhookserver/visitor"
)

// Stripe is asked for Checkout Sessions. *stripeapi.Client is the real one.
type Stripe interface {
	Session(ctx context.Context, id string) (stripeapi.Session, error)
}

// The limits of asking Stripe. It allows a test account 25 calls a second in all, and a live one 100.
var (
	// callsInAll is what one replica asks, for whatever many clients.
	callsInAll = visitor.Rate{Events: 5, Per: time.Second, Burst: 20}
	// callsForOne is what is asked for one client. A buyer has one session, which is asked for every few seconds.
	callsForOne = visitor.Rate{Events: 12, Per: time.Minute, Burst: 6}
)

const (
	// AnswerTimeout bounds one call to Stripe: somebody looks at the page.
	AnswerTimeout = 3 * time.Second
	// Answers are remembered for so long. What does not exist will not soon.
	answerTTL, noSuchTTL = 4 * time.Second, time.Minute
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

	answers     *cache.LRUExpireCache
	flights     singleflight.Group
	inAll, each *visitor.Limit
	// lines is how often a failure is worth a line in the log.
	lines *visitor.Limit
}

// NewInquiries returns what asks Stripe.
func NewInquiries(s Stripe, m *metrics.Buyer, c clock.PassiveClock, log logr.Logger) *Inquiries {
	return &Inquiries{
		stripe: s, metrics: m, log: log,
		answers: cache.NewLRUExpireCacheWithClock(answersKept, c),
		inAll:   visitor.NewLimit(callsInAll, c),
		each:    visitor.NewLimit(callsForOne, c),
		lines:   visitor.NewLimit(visitor.Rate{Events: 1, Per: time.Minute, Burst: 1}, c),
	}
}

// answer is what Stripe said, or why it did not.
type answer struct {
	session stripeapi.Session
	err     error
}

// session returns what Stripe says of a session, as of a few seconds ago. It returns stripeapi's errors and
// errNotAsked.
func (q *Inquiries) session(ctx context.Context, client netip.Prefix, id string) (stripeapi.Session, error) {
	if known, ok := q.answers.Get(id); ok {
		return known.(answer).session, known.(answer).err
	}
	// Whoever asks first may leave; the others still want the answer.
	ctx = context.WithoutCancel(ctx)
	got, err, _ := q.flights.Do(id, func() (any, error) { return q.ask(ctx, client, id) })
	if err != nil {
		return stripeapi.Session{}, err
	}
	return got.(answer).session, got.(answer).err
}

func (q *Inquiries) ask(ctx context.Context, client netip.Prefix, id string) (answer, error) {
	if _, ok := q.each.Take(client); !ok {
		q.metrics.Limited.WithLabelValues(metrics.LimitStripeAddress).Inc()
		return answer{}, errNotAsked
	}
	if _, ok := q.inAll.Take(nil); !ok {
		q.metrics.Limited.WithLabelValues(metrics.LimitStripe).Inc()
		return answer{}, errNotAsked
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerTimeout)
	defer cancel()
	var a answer
	a.session, a.err = q.stripe.Session(ctx, id)
	ttl := answerTTL
	if errors.Is(a.err, stripeapi.ErrNoSuchSession) {
		ttl = noSuchTTL
	} else if a.err != nil && !errors.Is(a.err, stripeapi.ErrOtherMode) {
		if _, ok := q.lines.Take(nil); ok {
			q.log.Error(a.err, "Stripe could not be asked for a checkout session: return pages wait for the webhook")
		}
	}
	q.answers.Add(id, a, ttl)
	return a, nil
}
