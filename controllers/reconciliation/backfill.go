// Package reconciliation finds at Stripe what no webhook brought: Backfill reads Stripe's events, and Audit compares its
// sessions with the orders.
package reconciliation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// EventSource is asked for Stripe's events. *stripeclient.Client is the real one.
type EventSource interface {
	Events(ctx context.Context, since, before time.Time, each func(webhook.Event, error) error) error
	Undelivered(ctx context.Context, since time.Time) (count int, answered time.Time, err error)
}

// FactApplier makes sure that a fact is kept. *stripeevent.Resolver is the real one.
type FactApplier interface {
	Apply(context.Context, payment.Fact) (ledger.Result, error)
}

// Backfill reads Stripe's events itself, so that one which no webhook brought is not lost. It reads all of them, and not
// only those that Stripe calls undelivered: Stripe does not try to deliver to an endpoint that is disabled, or was made
// later. Only the leader reads.
type Backfill struct {
	Stripe  EventSource
	Keeper  FactApplier
	State   *stripestate.ConfigMap
	Clock   clock.PassiveClock
	Log     logr.Logger
	Metrics *metrics.Backfill
	// Period is how long it rests after each round.
	Period time.Duration
	// Grace is how old an event must be to be read: its webhook is on its way, and Stripe's list may lag behind.
	Grace time.Duration

	// slice is how much time is asked for at once: more where there are few events, less where there are many.
	slice time.Duration
	// careful says that a list failed, and none was read to its end since: less and less is asked for at once, so that a
	// Stripe which refuses every so many calls is read all the same.
	careful bool
	// seen are the events applied by this process, by id, with when they were created. Those of the overlap are read again.
	seen map[string]time.Time
}

const (
	// stateEventsRead is the time, by Stripe's clock, before which every event was applied or kept: a key of the state, for people
	// to read too.
	stateEventsRead = "events-read-until"
	// stripeKeepsEvents is how long Stripe lists events.
	stripeKeepsEvents = 30 * 24 * time.Hour
	// overlap is how much of what was read is read again, in case Stripe listed an event late.
	overlap = 10 * time.Minute
	// firstSlice and largestSlice are how much time is asked for at once; most is how many events may come of it, unless it
	// is a single second. They are in memory until they are applied, as Stripe lists the newest first.
	firstSlice, largestSlice = time.Hour, stripeKeepsEvents
	most                     = 1000
	// leastSlice is what is asked for where Stripe keeps failing.
	leastSlice = time.Minute
)

// errTooMany means that a slice has more than most events.
var errTooMany = errors.New("too many events at once")

// NeedLeaderElection says that only the leader reads.
func (b *Backfill) NeedLeaderElection() bool { return true }

// Start reads, round after round, until the context ends.
func (b *Backfill) Start(ctx context.Context) error {
	b.slice, b.seen = firstSlice, map[string]time.Time{}
	for _, eventType := range webhook.EventTypes() { // at 0, so that an alert on their growth sees the first one
		b.Metrics.Found.WithLabelValues(eventType, string(ledger.Applied))
		b.Metrics.Found.WithLabelValues(eventType, string(ledger.Parked))
	}
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := b.round(ctx); err != nil && ctx.Err() == nil {
			b.Log.Error(err, "The backfill from Stripe stopped: the next round goes on from there")
		}
	}, b.Period)
	return nil
}

// round reads what is new.
func (b *Backfill) round(ctx context.Context) error {
	kept, err := b.State.Read(ctx)
	if err != nil {
		return err
	}
	undelivered, now, err := b.Stripe.Undelivered(ctx, b.Clock.Now().Add(-stripeKeepsEvents))
	if now.IsZero() {
		now = b.Clock.Now()
	}
	r := round{Backfill: b, now: now, read: readUntil(kept, now), found: map[string]int{}}
	defer r.report()
	if err != nil {
		return err
	}
	b.Metrics.Undelivered.WithLabelValues().Set(float64(undelivered))
	if err := r.run(ctx); err != nil {
		return err
	}
	b.Metrics.LastSuccess.WithLabelValues().Set(float64(b.Clock.Now().UnixMilli()) / 1000)
	return nil
}

// readUntil returns the time before which everything was read, but none of which Stripe lists nothing any more. What is no
// time, or still to come, was written by somebody else: reading all of it again does no harm.
func readUntil(kept map[string]string, now time.Time) time.Time {
	oldest := now.Add(-stripeKeepsEvents)
	until, err := time.Parse(time.RFC3339, kept[stateEventsRead])
	if err != nil || until.Before(oldest) || until.After(now) {
		return oldest
	}
	return until
}

// round is one round of a backfill.
type round struct {
	*Backfill
	// now is the time by Stripe's clock, and read the time before which everything is applied or kept.
	now, read time.Time
	// found counts the events that no webhook had brought, by type.
	found map[string]int
}

// run reads slice after slice, and keeps how far it got after each.
func (r *round) run(ctx context.Context) error {
	until := r.now.Add(-r.Grace).Truncate(time.Second)
	for since := r.read.Add(-overlap).Truncate(time.Second); since.Before(until); {
		before := since.Add(r.slice)
		if before.After(until) {
			before = until
		}
		events, err := r.fetch(ctx, since, before)
		if errors.Is(err, errTooMany) {
			r.slice = max(time.Second, (before.Sub(since) / 2).Truncate(time.Second))
			continue
		}
		if err != nil {
			r.slice, r.careful = max(leastSlice, r.slice/2), true
			return err
		}
		stopped, err := r.apply(ctx, events)
		if err != nil {
			// What is older than the event that could not be applied need not be read again.
			return errors.Join(err, r.keep(ctx, stopped))
		}
		if err := r.keep(ctx, before); err != nil {
			return err
		}
		if len(events) < most/10 && !r.careful {
			r.slice = min(2*r.slice, largestSlice)
		}
		since = before
	}
	r.careful = false
	return nil
}

// fetch returns the events of a slice, oldest first. What cannot be read says so, is counted, and passed over: it would
// be no better the next time, and what comes after it must not wait.
func (r *round) fetch(ctx context.Context, since, before time.Time) ([]webhook.Event, error) {
	var events []webhook.Event
	err := r.Stripe.Events(ctx, since, before, func(event webhook.Event, err error) error {
		if err != nil {
			r.Metrics.Unreadable.Inc()
			r.Log.Error(err, "An event of Stripe's list cannot be read: look at its payment there", "event", event.ID, "since", since, "before", before)
			return nil
		}
		if len(events) >= most && before.Sub(since) > time.Second {
			return errTooMany
		}
		events = append(events, event)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the events of %s to %s: %w", since.UTC().Format(time.RFC3339), before.UTC().Format(time.RFC3339), err)
	}
	slices.Reverse(events)
	slices.SortStableFunc(events, func(a, b webhook.Event) int { return a.Created.Compare(b.Created) })
	return events, nil
}

// apply applies events. Where that fails it returns when the event that failed was created.
func (r *round) apply(ctx context.Context, events []webhook.Event) (stopped time.Time, err error) {
	for _, event := range events {
		if _, seen := r.seen[event.ID]; seen {
			continue
		}
		if event.Fact != nil {
			result, err := r.Keeper.Apply(ctx, *event.Fact)
			if err != nil {
				return event.Created, fmt.Errorf("apply event %s: %w", event.ID, err)
			}
			if result == ledger.Applied || result == ledger.Parked {
				r.found[event.Type]++
				r.Metrics.Found.WithLabelValues(event.Type, string(result)).Inc()
				r.Log.V(1).Info("Found an event that no webhook had brought", "event", event.ID, "type", event.Type, "result", result)
			}
		}
		r.seen[event.ID] = event.Created
	}
	return time.Time{}, nil
}

// keep notes how far Stripe's events were read. What is read again moves it nowhere.
func (r *round) keep(ctx context.Context, read time.Time) error {
	if !read.After(r.read) {
		return nil
	}
	if err := r.State.Write(ctx, map[string]string{stateEventsRead: read.UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	r.read = read
	for id, created := range r.seen {
		if created.Before(read.Add(-2 * overlap)) {
			delete(r.seen, id)
		}
	}
	return nil
}

// report tells how far the round got, and what it found.
func (r *round) report() {
	r.Metrics.Gap.WithLabelValues().Set(r.now.Sub(r.read).Seconds())
	if len(r.found) > 0 {
		r.Log.Info("Stripe had events that no webhook had brought: look at the endpoint in Stripe under Developers > Webhooks", "events", r.found)
	}
}
