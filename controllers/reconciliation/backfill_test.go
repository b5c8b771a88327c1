package reconciliation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// eventList is an EventReader with these events, which can fail.
type eventList struct {
	events []webhook.Event // oldest first
	now    time.Time
	// fails, where set, is called before each event with the number of events listed so far.
	fails func(listed int) error

	listed int
	inList int      // events in the current list
	slices []string // start and end of each list
	// lists counts the lists, for tests that read it while a Backfill runs.
	lists atomic.Int32
}

func (l *eventList) Undelivered(context.Context, time.Time) (int, time.Time, error) {
	return 7, l.now, nil
}

func (l *eventList) Events(_ context.Context, since, before time.Time, each func(webhook.Event, error) error) error {
	l.lists.Add(1)
	l.slices = append(l.slices, since.Format(time.RFC3339)+" "+before.Format(time.RFC3339))
	l.inList = 0
	for _, e := range slices.Backward(l.events) {
		if e.Created.Before(since) || !e.Created.Before(before) {
			continue
		}
		if l.fails != nil {
			if err := l.fails(l.listed); err != nil {
				return err
			}
		}
		l.listed++
		l.inList++
		var unreadable error
		if e.Fact == nil && e.Type == "charge.refunded" {
			unreadable = webhook.ErrMalformed
		}
		if err := each(e, unreadable); err != nil {
			return err
		}
	}
	return nil
}

// fakeApplier records the events of facts, and can fail.
type fakeApplier struct {
	applied []string
	known   map[string]bool
	fails   func(id string) error
}

func (l *fakeApplier) Apply(_ context.Context, fact payment.Fact) (ledger.Result, error) {
	if l.fails != nil {
		if err := l.fails(fact.EventID); err != nil {
			return "", err
		}
	}
	if l.known == nil {
		l.known = map[string]bool{}
	}
	if l.known[fact.EventID] {
		return ledger.Unchanged, nil
	}
	l.known[fact.EventID] = true
	l.applied = append(l.applied, fact.EventID)
	return ledger.Applied, nil
}

// eventOf is the event of a refund, created some time ago.
func eventOf(id string, ago time.Duration) webhook.Event {
	created := now.Add(-ago)
	fact := fakeapi.MakeRefund(id, 1).EventID(id).Created(created).Obj()
	return webhook.Event{ID: id, Type: fact.Type, Created: created, Livemode: true, Snapshot: true, Fact: &fact}
}

// series are n events with a period between them. The last was created end ago.
func series(n int, period, end time.Duration) []webhook.Event {
	var events []webhook.Event
	for i := range n {
		events = append(events, eventOf(fmt.Sprintf("evt_%05d", i), end+time.Duration(n-1-i)*period))
	}
	return events
}

// newBackfill is the Backfill of a controller that has just started.
func (f *fixture) newBackfill(source *eventList, applier FactApplier) *Backfill {
	if source.now.IsZero() {
		source.now = now
	}
	return &Backfill{
		Stripe: source, Applier: applier, State: f.state(), Clock: f.clock, Log: funcr.New(func(_, _ string) {}, funcr.Options{}),
		Metrics: f.backfill, Period: 5 * time.Minute, Grace: time.Minute, slice: firstSlice, seen: map[string]time.Time{},
	}
}

// ids are the ids of events.
func ids(events []webhook.Event) []string {
	all := []string{}
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

// TestBackfillReadsAll: each event of the last thirty days is applied once, oldest first, unless it is younger than a minute.
func TestBackfillReadsAll(t *testing.T) {
	inOneSecond := series(3, 0, time.Hour)
	for name, row := range map[string]struct {
		events []webhook.Event
		want   []string
	}{
		"none":                  {nil, []string{}},
		"one":                   {series(1, 0, time.Hour), []string{"evt_00000"}},
		"in one second":         {inOneSecond, ids(inOneSecond)},
		"a month":               {series(29, day, time.Hour), ids(series(29, day, time.Hour))},
		"older than a month":    {[]webhook.Event{eventOf("old", 30*day+overlap+time.Second), eventOf("new", 29*day)}, []string{"new"}},
		"younger than a minute": {[]webhook.Event{eventOf("old", minute+time.Second), eventOf("new", minute)}, []string{"old"}},
		"many":                  {series(3500, time.Minute, time.Hour), ids(series(3500, time.Minute, time.Hour))},
		"many in one second":    {series(2500, 0, time.Hour), ids(series(2500, 0, time.Hour))},
		"of another type":       {[]webhook.Event{{ID: "x", Type: "other", Created: now.Add(-hour)}}, []string{}},
		"one unreadable":        {[]webhook.Event{eventOf("a", 3*hour), {ID: "b", Type: "charge.refunded", Created: now.Add(-2 * hour)}, eventOf("c", hour)}, []string{"a", "c"}},
		"a second apart":        {series(2, time.Second, minute+time.Second), []string{"evt_00000", "evt_00001"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, source, applier := newFixture(t, interceptor.Funcs{}), &eventList{events: row.events}, &fakeApplier{}
			b := f.newBackfill(source, applier)
			f.must(b.readNew(t.Context()))
			if applier.applied == nil {
				applier.applied = []string{}
			}
			if diff := cmp.Diff(row.want, applier.applied); diff != "" {
				t.Errorf("applied (-want +got): %s", diff)
			}
			if got, want := f.stateOf(stateEventsRead), "2026-11-23T11:59:00Z"; got != want {
				t.Errorf("%s: got %s, want %s", stateEventsRead, got, want)
			}
			f.counts(`backfill_found_total{result="applied",type="charge.refunded"}`, float64(len(row.want)))
			f.counts("backfill_gap_seconds", 60)
			f.counts("backfill_undelivered_events", 7)
			f.counts("backfill_last_success_timestamp_seconds", float64(now.Unix()))
			if len(source.slices) > 200 {
				t.Errorf("lists: got %d, want at most 200", len(source.slices))
			}
			// The next pass applies nothing again, also after a restart.
			for _, b := range []*Backfill{b, f.newBackfill(source, applier)} {
				source.slices = nil
				f.must(b.readNew(t.Context()))
				if diff := cmp.Diff([]string{"2026-11-23T11:49:00Z 2026-11-23T11:59:00Z"}, source.slices); diff != "" {
					t.Errorf("next pass: slices (-want +got): %s", diff)
				}
			}
			f.counts(`backfill_found_total{result="applied",type="charge.refunded"}`, float64(len(row.want)))
		})
	}
}

// testModeFinder is a PaymentFinder of test mode, which finds no live payment.
type testModeFinder struct{ stripeevent.PaymentFinder }

func (testModeFinder) Live() bool { return false }

// TestBackfillAfterWebhooks: the events of webhooks do not count as found.
func TestBackfillAfterWebhooks(t *testing.T) {
	f := newFixture(t, interceptor.Funcs{}, readyOrder("o1"))
	lost := fakeapi.MakeSession("1", "o1-uid").Created(now.Add(-3 * hour)).Obj()
	delivered := fakeapi.MakeRefund("1", 100).Created(now.Add(-2 * hour)).Obj()
	foreign := fakeapi.MakeSession("7", "").Created(now.Add(-hour)).Obj()
	f.apply(delivered) // parked
	var events []webhook.Event
	for _, f := range []payment.Fact{lost, delivered, foreign} {
		events = append(events, webhook.Event{ID: f.EventID, Type: f.Type, Created: f.Created.Time, Fact: &f})
	}
	b := f.newBackfill(&eventList{events: events}, &stripeevent.Resolver{Stripe: testModeFinder{}, Ledger: f.ledger, Events: f.api.Direct, Clock: f.clock})
	f.must(b.readNew(t.Context()))
	f.counts(`backfill_found_total{result="applied",type="checkout.session.completed"}`, 1)
	f.counts(`backfill_found_total{result="applied",type="charge.refunded"}`, 1) // it was only parked before
	if o := f.api.Order("o1"); o.Status.Phase != v1alpha1.OrderPaid || o.Status.AmountRefunded != 100 {
		t.Errorf("order: got %s with %d refunded, want Paid with 100", o.Status.Phase, o.Status.AmountRefunded)
	}
	b = f.newBackfill(&eventList{events: events}, b.Applier)
	f.must(f.state().Write(t.Context(), map[string]string{stateEventsRead: ""}))
	f.must(b.readNew(t.Context()))
	f.counts(`backfill_found_total{result="applied",type="checkout.session.completed"}`, 1)
	f.counts(`backfill_found_total{result="applied",type="charge.refunded"}`, 1)
}

// TestBackfillNeverPassesAnEvent: wherever it fails or crashes, the saved time is not after an event that is not applied. In
// the end all events are applied.
func TestBackfillNeverPassesAnEvent(t *testing.T) {
	const n = 20
	for name, fail := range map[string]func(at int, source *eventList, applier *fakeApplier, writes *func() error){
		"the list breaks off": func(at int, source *eventList, _ *fakeApplier, _ *func() error) {
			source.fails = func(listed int) error {
				if listed == at {
					source.listed++
					return errStripe
				}
				return nil
			}
		},
		"an event cannot be applied": func(at int, _ *eventList, applier *fakeApplier, _ *func() error) {
			left := 2
			applier.fails = func(id string) error {
				if id == fmt.Sprintf("evt_%05d", at) && left > 0 {
					left--
					return errUnavailable
				}
				return nil
			}
		},
		"the state cannot be saved": func(at int, _ *eventList, _ *fakeApplier, writes *func() error) {
			done := 0
			*writes = func() error {
				if done++; done == at {
					return errUnavailable
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := range n {
				for _, crash := range []bool{false, true} {
					var writes func() error
					f := newFixture(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
						if writes != nil {
							if err := writes(); err != nil {
								return err
							}
						}
						return c.Patch(ctx, o, p, opts...)
					}})
					source, applier := &eventList{events: series(n, 14*time.Hour, 2*minute)}, &fakeApplier{}
					fail(at, source, applier, &writes)
					b, failed := f.newBackfill(source, applier), 0
					for range 5 {
						if b.readNew(t.Context()) != nil {
							failed++
						}
						if read := f.stateOf(stateEventsRead); read != "" {
							until, err := time.Parse(time.RFC3339, read)
							f.must(err)
							for _, e := range source.events {
								if !applier.known[e.ID] && e.Created.Before(until) {
									t.Fatalf("at %d: got %s %s, but %s of %s is not applied", at, stateEventsRead, read, e.ID, e.Created)
								}
							}
						}
						if crash {
							b = f.newBackfill(source, applier)
						}
					}
					if diff := cmp.Diff(ids(source.events), applier.applied); diff != "" {
						t.Fatalf("at %d: applied (-want +got): %s", at, diff)
					}
					if name != "the state cannot be saved" && failed == 0 {
						t.Fatalf("at %d: got no failure, want one", at)
					}
				}
			}
		})
	}
}

// TestBackfillFindsLateEvents: Stripe can list an event after others that were created later.
func TestBackfillFindsLateEvents(t *testing.T) {
	f, applier := newFixture(t, interceptor.Funcs{}), &fakeApplier{}
	source := &eventList{events: series(2, time.Minute, hour)}
	b := f.newBackfill(source, applier)
	f.must(b.readNew(t.Context()))
	source.events = append([]webhook.Event{eventOf("late", minute+overlap)}, source.events...)
	f.must(b.readNew(t.Context()))
	if !applier.known["late"] {
		t.Error("late event: got it not applied, want it applied")
	}
}

// TestBackfillUsesStripesClock, and not the one of this machine. A person can have changed the saved time.
func TestBackfillUsesStripesClock(t *testing.T) {
	for name, row := range map[string]struct {
		saved  string
		stripe time.Duration
		from   string
		until  string
	}{
		"ten minutes ahead":  {"2026-11-23T11:00:00Z", 10 * minute, "2026-11-23T10:50:00Z", "2026-11-23T12:09:00Z"},
		"ten minutes behind": {"2026-11-23T11:00:00Z", -10 * minute, "2026-11-23T10:50:00Z", "2026-11-23T11:49:00Z"},
		"in the future":      {"2036-11-23T11:00:00Z", 0, "2026-10-24T11:50:00Z", "2026-11-23T11:59:00Z"},
		"long ago":           {"2016-11-23T11:00:00Z", 0, "2026-10-24T11:50:00Z", "2026-11-23T11:59:00Z"},
		"no time":            {"yesterday", 0, "2026-10-24T11:50:00Z", "2026-11-23T11:59:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			f, source := newFixture(t, interceptor.Funcs{}), &eventList{now: now.Add(row.stripe)}
			f.must(f.state().Write(t.Context(), map[string]string{stateEventsRead: row.saved}))
			f.must(f.newBackfill(source, &fakeApplier{}).readNew(t.Context()))
			if from, _, _ := strings.Cut(source.slices[0], " "); from != row.from {
				t.Errorf("first slice: got from %s, want %s", from, row.from)
			}
			if until := f.stateOf(stateEventsRead); until != row.until {
				t.Errorf("%s: got %s, want %s", stateEventsRead, until, row.until)
			}
		})
	}
}

// TestBackfillPeriod: the first pass begins at once, the next ones after each period.
func TestBackfillPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, source := newFixture(t, interceptor.Funcs{}), &eventList{now: now}
		b := f.newBackfill(source, &fakeApplier{})
		if !b.NeedLeaderElection() {
			t.Error("NeedLeaderElection: got false, want true")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Start(ctx) }()
		synctest.Wait()
		first := source.lists.Load()
		if first == 0 {
			t.Fatal("first pass: got no list")
		}
		<-time.After(5*time.Minute - time.Second) // of the bubble
		synctest.Wait()
		if source.lists.Load() != first {
			t.Error("next pass: got one before the period, want none")
		}
		<-time.After(time.Second)
		synctest.Wait()
		if source.lists.Load() == first {
			t.Error("next pass: got none after the period, want one")
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Start: got error %v", err)
		}
	})
}

// TestBackfillGetsThroughRefusals: it reads to the end though each list fails after a few events.
func TestBackfillGetsThroughRefusals(t *testing.T) {
	f, applier := newFixture(t, interceptor.Funcs{}), &fakeApplier{}
	source := &eventList{events: series(60, time.Minute, 3*minute)}
	b := f.newBackfill(source, applier)
	source.fails = func(int) error {
		if source.inList >= 12 {
			return errStripe
		}
		return nil
	}
	for range 40 {
		_ = b.readNew(t.Context()) // fails each time
	}
	if diff := cmp.Diff(ids(source.events), applier.applied); diff != "" {
		t.Errorf("applied (-want +got): %s", diff)
	}
}
