package reconciliation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/stripeevent"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// errStripe is what a Stripe in trouble answers.
var errStripe = errors.New("status 429")

// eventList is a Stripe that has events, and may fail.
type eventList struct {
	events []webhook.Event // oldest first
	now    time.Time
	// fails, where set, is asked before each event that is listed, with how many were listed so far.
	fails func(listed int) error

	listed int
	given  int      // by the list of now
	asked  []string // what was asked for, from and to
}

func (l *eventList) Undelivered(context.Context, time.Time) (int, time.Time, error) {
	return 7, l.now, nil
}

func (l *eventList) Events(_ context.Context, since, before time.Time, each func(webhook.Event, error) error) error {
	l.asked = append(l.asked, since.Format(time.RFC3339)+" "+before.Format(time.RFC3339))
	l.given = 0
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
		l.given++
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

// ledgerDouble notes what it is given, and may fail.
type ledgerDouble struct {
	applied []string
	known   map[string]bool
	fails   func(id string) error
}

func (l *ledgerDouble) Apply(_ context.Context, fact payment.Fact) (ledger.Result, error) {
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

// eventOf is a refund's event of some time ago.
func eventOf(id string, ago time.Duration) webhook.Event {
	created := now.Add(-ago)
	fact := refunded(id, 1, false)
	fact.EventID, fact.Created = id, metav1.NewTime(created)
	return webhook.Event{ID: id, Type: fact.Type, Created: created, Livemode: true, Snapshot: true, Fact: &fact}
}

// series are n events, one every period, the last one ends ago.
func series(n int, period, end time.Duration) []webhook.Event {
	var events []webhook.Event
	for i := range n {
		events = append(events, eventOf(fmt.Sprintf("evt_%05d", i), end+time.Duration(n-1-i)*period))
	}
	return events
}

// backfill is one of a controller that has just started.
func (s *shop) backfill(source *eventList, keeper FactApplier) *Backfill {
	if source.now.IsZero() {
		source.now = now
	}
	return &Backfill{
		Stripe: source, Keeper: keeper, State: s.state(), Clock: testingclock.NewFakeClock(now), Log: funcr.New(func(_, _ string) {}, funcr.Options{}),
		Metrics: s.backfillMetrics, Period: 5 * time.Minute, Grace: time.Minute, slice: firstSlice, seen: map[string]time.Time{},
	}
}

// ids of events.
func ids(events []webhook.Event) []string {
	all := []string{}
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

// TestBackfillReadsAll: every event is applied once, oldest first, from thirty days ago to a minute ago.
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
		"not a minute old":      {[]webhook.Event{eventOf("old", minute+time.Second), eventOf("new", minute)}, []string{"old"}},
		"many":                  {series(3500, time.Minute, time.Hour), ids(series(3500, time.Minute, time.Hour))},
		"many in one second":    {series(2500, 0, time.Hour), ids(series(2500, 0, time.Hour))},
		"of no interest":        {[]webhook.Event{{ID: "x", Type: "other", Created: now.Add(-hour)}}, []string{}},
		"one cannot be read":    {[]webhook.Event{eventOf("a", 3*hour), {ID: "b", Type: "charge.refunded", Created: now.Add(-2 * hour)}, eventOf("c", hour)}, []string{"a", "c"}},
		"while time stands yet": {series(2, time.Second, minute+time.Second), []string{"evt_00000", "evt_00001"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, source, keeper := newShop(t, interceptor.Funcs{}), &eventList{events: row.events}, &ledgerDouble{}
			b := s.backfill(source, keeper)
			s.must(b.round(t.Context()))
			if keeper.applied == nil {
				keeper.applied = []string{}
			}
			if diff := cmp.Diff(row.want, keeper.applied); diff != "" {
				t.Error(diff)
			}
			if got := s.stateOf(stateEventsRead); got != "2026-11-23T11:59:00Z" {
				t.Errorf("read until %s", got)
			}
			s.counted(`backfill_found_total{result="applied",type="charge.refunded"}`, float64(len(row.want)))
			s.counted("backfill_gap_seconds", 60)
			s.counted("backfill_undelivered_events", 7)
			s.counted("backfill_last_success_timestamp_seconds", float64(now.Unix()))
			if len(source.asked) > 200 {
				t.Errorf("asked %d times", len(source.asked))
			}
			// Once more: nothing new, and nothing is applied again, not even by a controller that knows nothing of before.
			for _, b := range []*Backfill{b, s.backfill(source, keeper)} {
				source.asked = nil
				s.must(b.round(t.Context()))
				if diff := cmp.Diff([]string{"2026-11-23T11:49:00Z 2026-11-23T11:59:00Z"}, source.asked); diff != "" {
					t.Error(diff)
				}
			}
			s.counted(`backfill_found_total{result="applied",type="charge.refunded"}`, float64(len(row.want)))
		})
	}
}

// TestBackfillIsNoNewsOfWebhooks: what webhooks brought is not found.
func TestBackfillIsNoNewsOfWebhooks(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, order("o1", given))
	lost, brought := paid("o1-uid", "1"), refunded("1", 100, false)
	lost.Created, brought.Created = metav1.NewTime(now.Add(-3*hour)), metav1.NewTime(now.Add(-2*hour))
	strange := paid("", "7")
	strange.Created = metav1.NewTime(now.Add(-hour))
	s.apply(brought) // parked
	var events []webhook.Event
	for _, f := range []payment.Fact{lost, brought, strange} {
		events = append(events, webhook.Event{ID: f.EventID, Type: f.Type, Created: f.Created.Time, Fact: &f})
	}
	finder := &payments{live: false} // of the other mode: nothing can be looked up
	b := s.backfill(&eventList{events: events}, &stripeevent.Resolver{Stripe: finder, Ledger: s.ledger, Events: s.api, Clock: s.clock})
	s.must(b.round(t.Context()))
	s.counted(`backfill_found_total{result="applied",type="checkout.session.completed"}`, 1)
	s.counted(`backfill_found_total{result="applied",type="charge.refunded"}`, 1) // it was only kept until now
	if o := s.order("o1"); o.Status.Phase != v1alpha1.OrderPaid || o.Status.AmountRefunded != 100 {
		t.Errorf("the order is %+v", o.Status)
	}
	b = s.backfill(&eventList{events: events}, b.Keeper)
	s.must(s.state().Write(t.Context(), map[string]string{stateEventsRead: ""}))
	s.must(b.round(t.Context()))
	s.counted(`backfill_found_total{result="applied",type="checkout.session.completed"}`, 1)
	s.counted(`backfill_found_total{result="applied",type="charge.refunded"}`, 1)
}

// TestBackfillNeverPassesAnEvent: wherever it fails or ends, what is kept of how far it got is no later than any event that
// is not applied, and in the end all are.
func TestBackfillNeverPassesAnEvent(t *testing.T) {
	const n = 20
	for name, trouble := range map[string]func(at int, source *eventList, keeper *ledgerDouble, writes *func() error){
		"the list breaks off": func(at int, source *eventList, _ *ledgerDouble, _ *func() error) {
			source.fails = func(listed int) error {
				if listed == at {
					source.listed++
					return errStripe
				}
				return nil
			}
		},
		"an event cannot be applied": func(at int, _ *eventList, keeper *ledgerDouble, _ *func() error) {
			left := 2
			keeper.fails = func(id string) error {
				if id == fmt.Sprintf("evt_%05d", at) && left > 0 {
					left--
					return errors.New("the API server is away")
				}
				return nil
			}
		},
		"the state cannot be kept": func(at int, _ *eventList, _ *ledgerDouble, writes *func() error) {
			done := 0
			*writes = func() error {
				if done++; done == at {
					return errors.New("the API server is away")
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := range n {
				for _, crash := range []bool{false, true} {
					var writes func() error
					s := newShop(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
						if writes != nil {
							if err := writes(); err != nil {
								return err
							}
						}
						return c.Patch(ctx, o, p, opts...)
					}})
					source, keeper := &eventList{events: series(n, 14*time.Hour, 2*minute)}, &ledgerDouble{}
					trouble(at, source, keeper, &writes)
					b, failed := s.backfill(source, keeper), 0
					for range 5 {
						if b.round(t.Context()) != nil {
							failed++
						}
						if read := s.stateOf(stateEventsRead); read != "" {
							until, err := time.Parse(time.RFC3339, read)
							s.must(err)
							for _, e := range source.events {
								if !keeper.known[e.ID] && e.Created.Before(until) {
									t.Fatalf("at %d: read until %s, and %s of %s is not applied", at, read, e.ID, e.Created)
								}
							}
						}
						if crash {
							b = s.backfill(source, keeper)
						}
					}
					if diff := cmp.Diff(ids(source.events), keeper.applied); diff != "" {
						t.Fatalf("at %d: %s", at, diff)
					}
					if name != "the state cannot be kept" && failed == 0 {
						t.Fatalf("at %d nothing failed", at)
					}
				}
			}
		})
	}
}

// TestBackfillFindsLateEvents: Stripe may list an event after others that were created later.
func TestBackfillFindsLateEvents(t *testing.T) {
	s, keeper := newShop(t, interceptor.Funcs{}), &ledgerDouble{}
	source := &eventList{events: series(2, time.Minute, hour)}
	b := s.backfill(source, keeper)
	s.must(b.round(t.Context()))
	source.events = append([]webhook.Event{eventOf("late", minute+overlap)}, source.events...)
	s.must(b.round(t.Context()))
	if !keeper.known["late"] {
		t.Error("it was not found")
	}
}

// TestBackfillGoesByStripesClock, whatever this machine's says, and from where a person may have put it.
func TestBackfillGoesByStripesClock(t *testing.T) {
	for name, row := range map[string]struct {
		kept   string
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
			s, source := newShop(t, interceptor.Funcs{}), &eventList{now: now.Add(row.stripe)}
			s.must(s.state().Write(t.Context(), map[string]string{stateEventsRead: row.kept}))
			s.must(s.backfill(source, &ledgerDouble{}).round(t.Context()))
			if from, _, _ := strings.Cut(source.asked[0], " "); from != row.from {
				t.Errorf("asked from %s", from)
			}
			if until := s.stateOf(stateEventsRead); until != row.until {
				t.Errorf("read until %s", until)
			}
		})
	}
}

// TestBackfillRounds: one at once, then one after each period, until it is to stop.
func TestBackfillRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, source := newShop(t, interceptor.Funcs{}), &eventList{now: now}
		b := s.backfill(source, &ledgerDouble{})
		if !b.NeedLeaderElection() {
			t.Error("every replica reads")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Start(ctx) }()
		synctest.Wait()
		first := len(source.asked)
		if first == 0 {
			t.Fatal("nothing was asked")
		}
		<-time.After(5*time.Minute - time.Second) // of the bubble
		synctest.Wait()
		if len(source.asked) != first {
			t.Error("asked before it was time")
		}
		<-time.After(time.Second)
		synctest.Wait()
		if len(source.asked) == first {
			t.Error("not asked again")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestBackfillGetsThroughRefusals: a Stripe that lists only a few events before it refuses is read to the end all the same.
func TestBackfillGetsThroughRefusals(t *testing.T) {
	s, keeper := newShop(t, interceptor.Funcs{}), &ledgerDouble{}
	source := &eventList{events: series(60, time.Minute, 3*minute)}
	b := s.backfill(source, keeper)
	source.fails = func(int) error {
		if source.given >= 12 {
			return errStripe
		}
		return nil
	}
	for range 40 {
		_ = b.round(t.Context()) // which says so each time
	}
	if diff := cmp.Diff(ids(source.events), keeper.applied); diff != "" {
		t.Error(diff)
	}
}
