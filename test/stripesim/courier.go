package stripesim

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// courier brings events to endpoints from a queue of its own, with a bounded
// number of attempts under way, and tries again what failed.
type courier struct {
	clock       clock.WithTicker
	agenda      *agenda
	backoff     Backoff
	workers     int
	client      *http.Client
	log         logr.Logger
	destination func(endpointID string) (Endpoint, bool)

	ctx    context.Context
	cancel context.CancelFunc
	errand sync.WaitGroup

	mu          sync.Mutex
	plan        Plan
	random      *rand.Rand
	ready, held []*delivery
	underway    int
	outstanding int
	ended       chan struct{} // closed, and made anew, whenever an attempt ends
	waiting     map[string]map[string]bool
	attempts    []Attempt
	tried       map[string]int // attempts by event and endpoint
}

// delivery is one copy of an event on its way to one endpoint, or several that
// leave at the same moment.
type delivery struct {
	event    Event
	endpoint string
	copies   int
	attempt  int
	once     bool // a resend by hand is not retried
}

func newCourier(o Options, a *agenda) *courier {
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{MaxIdleConnsPerHost: o.Workers, IdleConnTimeout: time.Minute}
	return &courier{
		clock: o.Clock, agenda: a, backoff: o.Retry, workers: o.Workers, log: o.Log,
		client: &http.Client{
			Timeout:   o.Timeout,
			Transport: transport,
			// Stripe counts a redirect as a failure and does not follow it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		ctx: ctx, cancel: cancel,
		random: rand.New(rand.NewPCG(0, 0)), ended: make(chan struct{}),
		waiting: map[string]map[string]bool{}, tried: map[string]int{},
	}
}

func (c *courier) close() {
	c.cancel()
	c.mu.Lock()
	c.ready, c.held = nil, nil
	c.mu.Unlock()
	c.errand.Wait()
	c.client.CloseIdleConnections()
}

// follow sets the plan. What was held back leaves now, unless it still holds.
func (c *courier) follow(plan Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan = plan
	c.random = rand.New(rand.NewPCG(plan.Seed, plan.Seed))
	if plan.Hold {
		return
	}
	held := c.held
	c.held = nil
	if plan.Shuffle {
		c.random.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
	}
	for _, d := range held {
		c.leaveAfter(d, plan.Delay)
	}
	c.dispatch()
}

func (c *courier) twins() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plan.TwinEvents
}

// post queues an event for its endpoints.
func (c *courier) post(event Event, endpoints []string) {
	c.mu.Lock()
	plan := c.plan
	c.mu.Unlock()
	dropped := plan.Drop != nil && plan.Drop(event) // outside the lock: it is the caller's code

	c.mu.Lock()
	defer c.mu.Unlock()
	if len(endpoints) > 0 {
		c.waiting[event.ID] = map[string]bool{}
	}
	for _, endpoint := range endpoints {
		c.waiting[event.ID][endpoint] = true
		if dropped {
			continue
		}
		copies, each := max(1, plan.Copies), 1
		if plan.Concurrent {
			copies, each = 1, copies
		}
		for range copies {
			c.queue(&delivery{event: event, endpoint: endpoint, copies: each, attempt: 1})
		}
	}
	c.dispatch()
}

// resend queues one more attempt to each endpoint, ahead of every dial but Loss.
func (c *courier) resend(event Event, endpoints []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, endpoint := range endpoints {
		c.outstanding++
		c.leaveAfter(&delivery{event: event, endpoint: endpoint, copies: 1, attempt: c.tried[event.ID+endpoint] + 1, once: true}, 0)
	}
	c.dispatch()
}

// queue takes a new delivery by the plan; the lock is held.
func (c *courier) queue(d *delivery) {
	c.outstanding += d.copies
	switch {
	case c.plan.Hold:
		c.held = append(c.held, d)
	case c.plan.Shuffle:
		window := c.plan.Delay
		if window <= 0 {
			window = shuffleWindow
		}
		c.leaveAfter(d, time.Duration(c.random.Int64N(int64(window))))
	default:
		c.leaveAfter(d, c.plan.Delay)
	}
}

// leaveAfter makes a delivery ready now or later; the lock is held.
func (c *courier) leaveAfter(d *delivery, wait time.Duration) {
	if wait <= 0 {
		c.ready = append(c.ready, d)
		return
	}
	c.agenda.at(c.clock.Now().Add(wait), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ready = append(c.ready, d)
		c.dispatch()
	})
}

// dispatch starts as many attempts as may be under way; the lock is held.
func (c *courier) dispatch() {
	limit := c.workers
	if c.plan.InSequence {
		limit = 1
	}
	for c.underway < limit && len(c.ready) > 0 && c.ctx.Err() == nil {
		d := c.ready[0]
		c.ready = c.ready[1:]
		c.underway += d.copies
		for range d.copies {
			single := *d
			single.copies = 1
			c.errand.Go(func() { c.attempt(&single) })
		}
	}
}

// end takes note of an attempt's outcome and of what follows from it.
func (c *courier) end(d *delivery, made *Attempt, delivered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underway--
	if made != nil {
		c.attempts = append(c.attempts, *made)
		c.tried[d.event.ID+d.endpoint]++
	}
	if delivered {
		delete(c.waiting[d.event.ID], d.endpoint)
	}
	if again := made != nil && !delivered && !d.once && d.attempt < c.backoff.MaxAttempts; again {
		wait := c.backoff.wait(d.attempt)
		d.attempt++
		c.leaveAfter(d, wait)
	} else {
		c.outstanding--
	}
	close(c.ended)
	c.ended = make(chan struct{})
	c.dispatch()
}

// pending counts the endpoints that have not accepted an event.
func (c *courier) pending(eventID string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting[eventID])
}

// wait returns once done says so; it is asked under the lock after each attempt.
func (c *courier) wait(ctx context.Context, done func() bool) error {
	for {
		c.mu.Lock()
		finished, ended := done(), c.ended
		c.mu.Unlock()
		if finished {
			return nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
}

func (c *courier) record() []Attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.attempts)
}
