package returnpage

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

var complete = said(stripeclient.SessionComplete, made(own, v1alpha1.OutcomePaid))

// TestOneFlight: a crowd that wants to know the same is told by one call, even where the one who asked first has left.
func TestOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		stripe := &listed{answer: func(ctx context.Context, _ string) (stripeclient.Session, error) { <-let; return complete, ctx.Err() }}
		d := inquire(stripe)
		leaving, leave := context.WithCancel(t.Context())
		answers := make(chan error, 100)
		ask := func(ctx context.Context, i int) {
			s, err := d.session(ctx, buyer(i), own)
			if err == nil && cmp.Diff(complete, s) != "" {
				err = fmt.Errorf("told %+v", s)
			}
			answers <- err
		}
		go ask(leaving, 0)
		synctest.Wait()
		leave()
		for i := 1; i < 100; i++ {
			go ask(t.Context(), i)
		}
		synctest.Wait()
		close(let)
		for range 100 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if n := stripe.calls(); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// TestMemory: an answer is good for some seconds, and that there is no such session for a minute.
func TestMemory(t *testing.T) {
	for name, row := range map[string]struct {
		answer error
		good   time.Duration
	}{
		"a session":         {nil, 4 * time.Second},
		"no answer":         {fmt.Errorf("%w: status 500", stripeclient.ErrCallFailed), 4 * time.Second},
		"no such session":   {stripeclient.ErrNoSuchObject, time.Minute},
		"no such, in words": {fmt.Errorf("ask: %w", stripeclient.ErrNoSuchObject), time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			stripe := always(complete, row.answer)
			d := inquire(stripe)
			for i, step := range []struct {
				passes time.Duration
				calls  int
			}{{0, 1}, {0, 1}, {row.good - time.Millisecond, 1}, {2 * time.Millisecond, 2}, {row.good - time.Millisecond, 2}} {
				d.pass(step.passes)
				if _, err := d.session(t.Context(), buyer(i), own); !errors.Is(err, row.answer) {
					t.Errorf("step %d: %v", i, err)
				}
				if n := stripe.calls(); n != step.calls {
					t.Errorf("step %d: %d calls, not %d", i, n, step.calls)
				}
			}
		})
	}
}

// TestCompleteStaysComplete: where Stripe cannot be asked again, a session that was complete is so for some minutes more. A
// buyer who has read that his payment is there does not read that nothing is known.
func TestCompleteStaysComplete(t *testing.T) {
	open := said(stripeclient.SessionOpen, made(own, v1alpha1.OutcomeUnpaid))
	away := fmt.Errorf("%w: status 500", stripeclient.ErrCallFailed)
	for name, row := range map[string]struct {
		first, then stripeclient.Session
		err         error
		spent       bool
		passes      time.Duration
		want        error
	}{
		"Stripe is away":                   {complete, stripeclient.Session{}, away, false, 5 * time.Second, nil},
		"Stripe is away for long":          {complete, stripeclient.Session{}, away, false, 10*time.Minute + time.Second, away},
		"no calls left":                    {complete, complete, nil, true, 5 * time.Second, nil},
		"an open one, Stripe is away":      {open, stripeclient.Session{}, away, false, 5 * time.Second, away},
		"an open one, no calls left":       {open, open, nil, true, 5 * time.Second, errNotAsked},
		"gone, as Stripe says all at once": {complete, stripeclient.Session{}, stripeclient.ErrNoSuchObject, false, 5 * time.Second, stripeclient.ErrNoSuchObject},
	} {
		t.Run(name, func(t *testing.T) {
			session, err := row.first, error(nil)
			stripe := &listed{answer: func(context.Context, string) (stripeclient.Session, error) { return session, err }}
			d := inquire(stripe)
			if _, err := d.session(t.Context(), buyer(1), own); err != nil {
				t.Fatal(err)
			}
			d.pass(row.passes)
			session, err = row.then, row.err
			if row.spent {
				for i := range 20 {
					_, _ = d.session(t.Context(), buyer(1), fmt.Sprintf("cs_other%d", i))
				}
			}
			for range 2 { // and again, at once
				got, err := d.session(t.Context(), buyer(1), own)
				if !errors.Is(err, row.want) || (err == nil && cmp.Diff(row.first, got) != "") {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

// TestOtherMode: nobody need ask, so that nothing of what may be asked is used up.
func TestOtherMode(t *testing.T) {
	stripe := always(complete, nil)
	d := inquire(stripe)
	for i := range 100 {
		if _, err := d.session(t.Context(), buyer(1), fmt.Sprintf("cs_live_%d", i)); !errors.Is(err, stripeclient.ErrOtherMode) {
			t.Fatal(err)
		}
	}
	if _, err := d.session(t.Context(), buyer(1), own); err != nil || stripe.calls() != 1 {
		t.Errorf("%d calls, %v", stripe.calls(), err)
	}
}

// TestSessionsApart: what is known of one session says nothing of another.
func TestSessionsApart(t *testing.T) {
	stripe := &listed{answer: func(_ context.Context, id string) (stripeclient.Session, error) {
		return stripeclient.Session{Status: id}, nil
	}}
	d := inquire(stripe)
	for _, id := range []string{"cs_a", "cs_b", "cs_a"} {
		if s, err := d.session(t.Context(), buyer(1), id); err != nil || s.Status != id {
			t.Errorf("%s: %+v, %v", id, s, err)
		}
	}
	if diff := cmp.Diff([]string{"cs_a", "cs_b"}, stripe.asked); diff != "" {
		t.Error(diff)
	}
}

// TestBudgetOfOne: a client that asks for ever more sessions comes to its end alone.
func TestBudgetOfOne(t *testing.T) {
	stripe := always(complete, nil)
	d := inquire(stripe)
	n := 0
	ask := func(client netip.Prefix) error {
		n++
		_, err := d.session(t.Context(), client, fmt.Sprintf("cs_%d", n))
		return err
	}
	for i := range 6 {
		if err := ask(buyer(1)); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if err := ask(buyer(1)); !errors.Is(err, errNotAsked) {
		t.Errorf("the seventh: %v", err)
	}
	if err := ask(buyer(2)); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	d.pass(5 * time.Second)
	if err := ask(buyer(1)); err != nil {
		t.Errorf("after 5 s: %v", err)
	}
	if err := ask(buyer(1)); !errors.Is(err, errNotAsked) {
		t.Errorf("at once again: %v", err)
	}
	if n := stripe.calls(); n != 8 {
		t.Errorf("%d calls", n)
	}
	if diff := cmp.Diff(map[string]float64{"stripe_address": 2}, d.limited(t)); diff != "" {
		t.Error(diff)
	}
}

// TestBudgetInAll: a crowd asks no more than one replica may, and what was not asked is asked later.
func TestBudgetInAll(t *testing.T) {
	stripe := always(complete, nil)
	d := inquire(stripe)
	crowd := func(from int) (asked int) {
		for i := range 100 {
			_, err := d.session(t.Context(), buyer(from+i), fmt.Sprintf("cs_%d", i))
			switch {
			case err == nil:
				asked++
			case !errors.Is(err, errNotAsked):
				t.Error(err)
			}
		}
		return asked
	}
	if asked := crowd(0); asked != 20 || stripe.calls() != 20 {
		t.Errorf("%d were told, by %d calls", asked, stripe.calls())
	}
	if asked := crowd(100); asked != 20 || stripe.calls() != 20 {
		t.Errorf("%d were told by what is known, by %d calls in all", asked, stripe.calls())
	}
	d.pass(time.Second)
	if asked := crowd(200); asked != 25 || stripe.calls() != 25 {
		t.Errorf("a second later %d were told, by %d calls in all", asked, stripe.calls())
	}
	if diff := cmp.Diff(map[string]float64{"stripe": 80 + 80 + 75}, d.limited(t)); diff != "" {
		t.Error(diff)
	}
}

// TestPatience: nobody waits for Stripe longer than 3 s.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inquire(&listed{answer: func(ctx context.Context, _ string) (stripeclient.Session, error) {
			<-ctx.Done()
			return stripeclient.Session{}, fmt.Errorf("%w: %w", stripeclient.ErrCallFailed, ctx.Err())
		}})
		start := time.Now()
		_, err := d.session(t.Context(), buyer(1), own)
		if took := time.Since(start); took != 3*time.Second || !errors.Is(err, stripeclient.ErrCallFailed) {
			t.Errorf("%v after %s", err, took)
		}
	})
}

// TestFailuresAreLoggedOnceAMinute: an operator learns that Stripe is away, and a stranger who asks for nonsense is no news.
func TestFailuresAreLoggedOnceAMinute(t *testing.T) {
	stripe := always(stripeclient.Session{}, nil)
	d := inquire(stripe)
	away := fmt.Errorf("%w: status 500, request req_7", stripeclient.ErrCallFailed)
	for i, step := range []struct {
		passes time.Duration
		err    error
		lines  int
	}{
		{0, stripeclient.ErrNoSuchObject, 0}, {0, away, 1}, {0, away, 1}, {59 * time.Second, away, 1}, {time.Second, away, 2}, {time.Hour, nil, 2},
	} {
		d.pass(step.passes)
		stripe.answer = func(context.Context, string) (stripeclient.Session, error) { return stripeclient.Session{}, step.err }
		_, _ = d.session(t.Context(), buyer(i), fmt.Sprintf("cs_%d", i))
		if len(d.lines) != step.lines {
			t.Errorf("step %d: %q", i, d.lines)
		}
	}
	if len(d.lines) > 0 && !strings.Contains(d.lines[0], "request req_7") {
		t.Errorf("%q does not say why", d.lines[0])
	}
}

// TestMuch: what is remembered of sessions is bounded.
func TestMuch(t *testing.T) {
	d := NewInquiries(always(complete, nil), metrics.NewBuyer(prometheus.NewRegistry()), testingclock.NewFakePassiveClock(now), logr.Discard())
	for i := range answersKept + 10 {
		d.answers.Add(fmt.Sprintf("cs_%d", i), answer{}, time.Hour)
	}
	if n := len(d.answers.Keys()); n != 4096 {
		t.Errorf("%d answers", n)
	}
}
