// Package reconciliation finds payments at Stripe that no webhook delivered. Backfill reads Stripe's events, and Comparison
// compares Stripe's sessions with the orders.
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

// EventReader reads events from Stripe's API. *stripeclient.Client implements it.
type EventReader interface {
	Events(ctx context.Context, since, before time.Time, each func(webhook.Event, error) error) error
	Undelivered(ctx context.Context, since time.Time) (count int, answered time.Time, err error)
}

// FactApplier applies a fact to its order, or parks it. *stripeevent.Resolver implements it.
type FactApplier interface {
	Apply(context.Context, payment.Fact) (ledger.Result, error)
}

// Backfill reads Stripe's events and applies those that no webhook delivered. It reads all events, and not only those that
// Stripe calls undelivered. Stripe attempts no delivery to an endpoint that is disabled, or was created after the event.
// Backfill runs on the leader only.
type Backfill struct {
	Stripe  EventReader
	Applier FactApplier
	State   *stripestate.ConfigMap
	Clock   clock.PassiveClock
	Log     logr.Logger
	Metrics *metrics.Backfill
	// Period is the pause after each pass.
	Period time.Duration
	// Grace is the minimum age of an event that is read. The webhook of a younger one can still arrive, and Stripe's list can
	// lag behind.
	Grace time.Duration

	// slice is the length of time in one request: longer where there are few events, shorter where there are many.
	slice time.Duration
	// listFailed is set by a failed list and cleared by a complete pass. Meanwhile slices only get shorter, so that a pass makes
	// progress at a Stripe that fails every few requests.
	listFailed bool
	// seen are the creation times of the events applied by this process, by id. Events of the overlap are read again.
	seen map[string]time.Time
}

const (
	// stateEventsRead is the key of the progress: the time, by Stripe's clock, before which every event was applied or parked.
	stateEventsRead = "events-read-until"
	// eventRetention is how long Stripe lists events.
	eventRetention = 30 * 24 * time.Hour
	// overlap is the time that every pass reads again, in case Stripe listed an event late.
	overlap = 10 * time.Minute
	// firstSlice, minSlice and maxSlice are lengths of a slice. minSlice is the shortest while lists fail.
	firstSlice, minSlice, maxSlice = time.Hour, time.Minute, eventRetention
	// maxEvents is the limit of events in a slice, unless it is a single second. A slice is in memory until it is applied,
	// as Stripe lists the newest event first.
	maxEvents = 1000
)

// errTooMany means that a slice has more than maxEvents.
var errTooMany = errors.New("too many events in a slice")

// NeedLeaderElection limits the backfill to the leader.
func (b *Backfill) NeedLeaderElection() bool { return true }

// Start reads again after each period, until the context ends.
func (b *Backfill) Start(ctx context.Context) error {
	b.slice, b.seen = firstSlice, map[string]time.Time{}
	for _, eventType := range webhook.EventTypes() { // at 0: an alert on growth needs a sample before the first increase
		b.Metrics.Found.WithLabelValues(eventType, string(ledger.Applied))
		b.Metrics.Found.WithLabelValues(eventType, string(ledger.Parked))
	}
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := b.readNew(ctx); err != nil && ctx.Err() == nil {
			b.Log.Error(err, "Backfill failed")
		}
	}, b.Period)
	return nil
}

// readNew reads the events since the last pass.
func (b *Backfill) readNew(ctx context.Context) error {
	state, err := b.State.Read(ctx)
	if err != nil {
		return err
	}
	undelivered, now, err := b.Stripe.Undelivered(ctx, b.Clock.Now().Add(-eventRetention))
	if now.IsZero() {
		now = b.Clock.Now()
	}
	p := pass{Backfill: b, now: now, readUntil: readUntil(state, now), found: map[string]int{}}
	defer p.report()
	if err != nil {
		return err
	}
	b.Metrics.Undelivered.WithLabelValues().Set(float64(undelivered))
	if err := p.readAll(ctx); err != nil {
		return err
	}
	b.Metrics.LastSuccess.WithLabelValues().Set(float64(b.Clock.Now().UnixMilli()) / 1000)
	return nil
}

// readUntil returns the time before which all events were read, limited to the time for which Stripe lists events. If the
// time is invalid or in the future, Paylink did not write it, and all events are read again.
func readUntil(state map[string]string, now time.Time) time.Time {
	oldest := now.Add(-eventRetention)
	until, err := time.Parse(time.RFC3339, state[stateEventsRead])
	if err != nil || until.Before(oldest) || until.After(now) {
		return oldest
	}
	return until
}

// pass reads the events once, up to Stripe's present.
type pass struct {
	*Backfill
	// now is the time by Stripe's clock, and readUntil the time before which every event is applied or parked.
	now, readUntil time.Time
	// found counts the events that no webhook had delivered, by type.
	found map[string]int
}

// readAll reads slice after slice, and saves its progress after each.
func (p *pass) readAll(ctx context.Context) error {
	until := p.now.Add(-p.Grace).Truncate(time.Second)
	for since := p.readUntil.Add(-overlap).Truncate(time.Second); since.Before(until); {
		before := since.Add(p.slice)
		if before.After(until) {
			before = until
		}
		events, err := p.fetch(ctx, since, before)
		if errors.Is(err, errTooMany) {
			p.slice = max(time.Second, (before.Sub(since) / 2).Truncate(time.Second))
			continue
		}
		if err != nil {
			p.slice, p.listFailed = max(minSlice, p.slice/2), true
			return err
		}
		failedAt, err := p.apply(ctx, events)
		if err != nil {
			// The events before the failed one are applied.
			return errors.Join(err, p.save(ctx, failedAt))
		}
		if err := p.save(ctx, before); err != nil {
			return err
		}
		if len(events) < maxEvents/10 && !p.listFailed {
			p.slice = min(2*p.slice, maxSlice)
		}
		since = before
	}
	p.listFailed = false
	return nil
}

// fetch returns the events of a slice, oldest first. An unreadable event is logged, counted and skipped: it stays unreadable,
// and later events must not wait for it.
func (p *pass) fetch(ctx context.Context, since, before time.Time) ([]webhook.Event, error) {
	var events []webhook.Event
	err := p.Stripe.Events(ctx, since, before, func(event webhook.Event, err error) error {
		if err != nil {
			p.Metrics.Unreadable.Inc()
			p.Log.Error(err, "Skipped an unreadable event", "event", event.ID, "since", since, "before", before)
			return nil
		}
		if len(events) >= maxEvents && before.Sub(since) > time.Second {
			return errTooMany
		}
		events = append(events, event)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list events from %s to %s: %w", since.UTC().Format(time.RFC3339), before.UTC().Format(time.RFC3339), err)
	}
	slices.Reverse(events)
	slices.SortStableFunc(events, func(a, b webhook.Event) int { return a.Created.Compare(b.Created) })
	return events, nil
}

// apply applies events. If one fails, it returns the creation time of that event.
func (p *pass) apply(ctx context.Context, events []webhook.Event) (failedAt time.Time, err error) {
	for _, event := range events {
		if _, seen := p.seen[event.ID]; seen {
			continue
		}
		if event.Fact != nil {
			result, err := p.Applier.Apply(ctx, *event.Fact)
			if err != nil {
				return event.Created, fmt.Errorf("apply event %s: %w", event.ID, err)
			}
			if result == ledger.Applied || result == ledger.Parked {
				p.found[event.Type]++
				p.Metrics.Found.WithLabelValues(event.Type, string(result)).Inc()
				p.Log.V(1).Info("Found an event that no webhook delivered", "event", event.ID, "type", event.Type, "result", result)
			}
		}
		p.seen[event.ID] = event.Created
	}
	return time.Time{}, nil
}

// save saves the time until which events were read. It never goes back.
func (p *pass) save(ctx context.Context, until time.Time) error {
	if !until.After(p.readUntil) {
		return nil
	}
	if err := p.State.Write(ctx, map[string]string{stateEventsRead: until.UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	p.readUntil = until
	for id, created := range p.seen {
		if created.Before(until.Add(-2 * overlap)) {
			delete(p.seen, id)
		}
	}
	return nil
}

// report sets the gauge of the gap, and logs the events found.
func (p *pass) report() {
	p.Metrics.Gap.WithLabelValues().Set(p.now.Sub(p.readUntil).Seconds())
	if len(p.found) > 0 {
		p.Log.Info("Found events that no webhook delivered", "events", p.found)
	}
}
