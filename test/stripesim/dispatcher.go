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

// dispatcher sends events to endpoints. It has its own queue, limits how many attempts are in flight, and retries failed ones.
type dispatcher struct {
	clock       clock.WithTicker
	scheduler   *scheduler
	backoff     Backoff
	workers     int
	client      *http.Client
	log         logr.Logger
	destination func(endpointID string) (Endpoint, bool)

	ctx      context.Context
	cancel   context.CancelFunc
	attempts sync.WaitGroup

	mu           sync.Mutex
	plan         Plan
	random       *rand.Rand
	ready, held  []*delivery
	inFlight     int
	outstanding  int
	attemptEnded chan struct{}              // closed, and made anew, whenever an attempt ends
	unaccepted   map[string]map[string]bool // endpoints that have not accepted an event, by event
	ended        []Attempt
	attempted    map[string]int // attempts by event and endpoint
}

// delivery is one copy of an event for one endpoint, or several copies that are sent at the same moment.
type delivery struct {
	event    Event
	endpoint string
	copies   int
	attempt  int
	once     bool // a resend by hand is not retried
}

func newDispatcher(o Options, s *scheduler) *dispatcher {
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{MaxIdleConnsPerHost: o.Workers, IdleConnTimeout: time.Minute}
	return &dispatcher{
		clock: o.Clock, scheduler: s, backoff: o.Retry, workers: o.Workers, log: o.Log,
		client: &http.Client{
			Timeout:   o.Timeout,
			Transport: transport,
			// Stripe counts a redirect as a failure and does not follow it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		ctx: ctx, cancel: cancel,
		random: rand.New(rand.NewPCG(0, 0)), attemptEnded: make(chan struct{}),
		unaccepted: map[string]map[string]bool{}, attempted: map[string]int{},
	}
}

func (d *dispatcher) close() {
	d.cancel()
	d.mu.Lock()
	d.ready, d.held = nil, nil
	d.mu.Unlock()
	d.attempts.Wait()
	d.client.CloseIdleConnections()
}

// setPlan sets the plan. Held deliveries are sent now, unless the new plan holds too.
func (d *dispatcher) setPlan(plan Plan) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan = plan
	d.random = rand.New(rand.NewPCG(plan.Seed, plan.Seed))
	if plan.Hold {
		return
	}
	held := d.held
	d.held = nil
	if plan.Shuffle {
		d.random.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
	}
	for _, next := range held {
		d.readyAfter(next, plan.Delay)
	}
	d.startAttempts()
}

func (d *dispatcher) makesTwins() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.plan.TwinEvents
}

// send queues an event for its endpoints.
func (d *dispatcher) send(event Event, endpoints []string) {
	d.mu.Lock()
	plan := d.plan
	d.mu.Unlock()
	dropped := plan.Drop != nil && plan.Drop(event) // outside the lock: it is the caller's code

	d.mu.Lock()
	defer d.mu.Unlock()
	if len(endpoints) > 0 {
		d.unaccepted[event.ID] = map[string]bool{}
	}
	for _, endpoint := range endpoints {
		d.unaccepted[event.ID][endpoint] = true
		if dropped {
			continue
		}
		copies, each := max(1, plan.Copies), 1
		if plan.Concurrent {
			copies, each = 1, copies
		}
		for range copies {
			d.queue(&delivery{event: event, endpoint: endpoint, copies: each, attempt: 1})
		}
	}
	d.startAttempts()
}

// resend queues one more attempt to each endpoint. Of the plan, only Loss and InSequence apply to it.
func (d *dispatcher) resend(event Event, endpoints []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, endpoint := range endpoints {
		d.outstanding++
		d.readyAfter(&delivery{event: event, endpoint: endpoint, copies: 1, attempt: d.attempted[event.ID+endpoint] + 1, once: true}, 0)
	}
	d.startAttempts()
}

// queue takes a new delivery by the plan. The caller holds the lock.
func (d *dispatcher) queue(next *delivery) {
	d.outstanding += next.copies
	switch {
	case d.plan.Hold:
		d.held = append(d.held, next)
	case d.plan.Shuffle:
		window := d.plan.Delay
		if window <= 0 {
			window = shuffleWindow
		}
		d.readyAfter(next, time.Duration(d.random.Int64N(int64(window))))
	default:
		d.readyAfter(next, d.plan.Delay)
	}
}

// readyAfter makes a delivery ready now or later. The caller holds the lock.
func (d *dispatcher) readyAfter(next *delivery, wait time.Duration) {
	if wait <= 0 {
		d.ready = append(d.ready, next)
		return
	}
	d.scheduler.runAt(d.clock.Now().Add(wait), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ready = append(d.ready, next)
		d.startAttempts()
	})
}

// startAttempts starts as many attempts as may be in flight. The caller holds the lock.
func (d *dispatcher) startAttempts() {
	limit := d.workers
	if d.plan.InSequence {
		limit = 1
	}
	for d.inFlight < limit && len(d.ready) > 0 && d.ctx.Err() == nil {
		next := d.ready[0]
		d.ready = d.ready[1:]
		d.inFlight += next.copies
		for range next.copies {
			single := *next
			single.copies = 1
			d.attempts.Go(func() { d.attempt(&single) })
		}
	}
}

// finish records an attempt and queues its retry. A nil attempt was not made.
func (d *dispatcher) finish(of *delivery, made *Attempt, delivered bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inFlight--
	if made != nil {
		d.ended = append(d.ended, *made)
		d.attempted[of.event.ID+of.endpoint]++
	}
	if delivered {
		delete(d.unaccepted[of.event.ID], of.endpoint)
	}
	if again := made != nil && !delivered && !of.once && of.attempt < d.backoff.MaxAttempts; again {
		wait := d.backoff.wait(of.attempt)
		of.attempt++
		d.readyAfter(of, wait)
	} else {
		d.outstanding--
	}
	close(d.attemptEnded)
	d.attemptEnded = make(chan struct{})
	d.startAttempts()
}

// pending counts the endpoints that have not accepted an event.
func (d *dispatcher) pending(eventID string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.unaccepted[eventID])
}

// wait returns when done is true. It calls done under the lock, now and after each attempt.
func (d *dispatcher) wait(ctx context.Context, done func() bool) error {
	for {
		d.mu.Lock()
		finished, ended := done(), d.attemptEnded
		d.mu.Unlock()
		if finished {
			return nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.ctx.Done():
			return ErrClosed
		}
	}
}

// history returns all attempts that have ended.
func (d *dispatcher) history() []Attempt {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ended)
}
