package faults_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/apiproxy"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// fault is one failure of the installation.
type fault struct {
	name string
	// install changes the installation; nil: it is the usual one.
	install func(*stack.Options)
	// begin is called once the installation runs; nil: nothing is.
	begin func(*sale)
	// plan is how Stripe delivers.
	plan stripesim.Plan
	// selling and paying happen while orders are created, and while they are paid.
	selling, paying []strike
	// hit returns an error where the fault had no effect, so that the test would show nothing.
	hit func(*sale) error
	// orders is how many there are at least; 0: as many as the flag says.
	orders int
}

func faults() []fault {
	conflicts, overtaken, lag := &apiproxy.Faults{}, &apiproxy.Faults{}, &apiproxy.Faults{}
	failures := &apiFailures{}
	return []fault{
		{name: "none"},
		{
			name:   "webhook server killed five times",
			paying: []strike{{0.1, killWebhookServer}, {0.3, killWebhookServer}, {0.5, killWebhookServer}, {0.7, killWebhookServer}, {0.9, killWebhookServer}},
			hit:    retried, orders: manyOrders,
		},
		{name: "webhook server stopped", paying: []strike{{0.25, stopWebhookServer}, {0.75, stopWebhookServer}}, hit: retried, orders: manyOrders},
		{
			name:   "API server paused for 10 s",
			paying: outage(10*time.Second, func() error { return shared.PauseAPIServer() }, func() error { return shared.ResumeAPIServer() }),
			hit:    retried,
		},
		{
			name:   "API server killed and started again",
			paying: outage(0, func() error { return shared.KillAPIServer() }, func() error { return shared.StartAPIServer() }),
			hit:    retried, orders: manyOrders,
		},
		{
			name:   "etcd killed and started again",
			paying: outage(0, func() error { return shared.KillEtcd() }, func() error { return shared.StartEtcd() }),
			hit:    retried,
		},
		{
			name: "every payment's write refused twice with a conflict",
			// From before the first order: these conflicts have no change behind them, so no watch event follows.
			install: through(conflicts, func() { conflicts.ConflictWrites(apiproxy.Conflict{Times: 2}) }),
			hit:     atLeast("conflicts", conflicts.Conflicts, func(s *sale) int { return 3 * s.n }), // 2 each as they become ready
		},
		{
			name:    "every status write overtaken by another writer",
			install: through(overtaken, nil),
			begin:   func(s *sale) { overtaken.ConflictWrites(apiproxy.Conflict{Times: 1, Overtake: s.touch}) },
			hit:     atLeast("conflicts", overtaken.Conflicts, func(s *sale) int { return s.n }),
		},
		{
			name:    "caches 1.5 s behind",
			install: through(lag, func() { lag.DelayWatches(1500 * time.Millisecond) }),
			hit:     atLeast("delayed watch events", lag.Delayed, func(*sale) int { return 1 }),
		},
		{
			name:    "Stripe's API: 429, 500, timeouts, half pages",
			install: backfilling,
			plan:    stripesim.Plan{Drop: stripesim.DropTypes()},
			begin:   func(s *sale) { s.Stripe.InjectFaults(failures.next) },
			hit:     failures.allSeen,
		},
		{
			name: "every webhook three times, in any order",
			plan: stripesim.Plan{Copies: 3, Shuffle: true, Seed: 11, Delay: 2 * time.Second},
			hit:  disordered,
		},
		{name: "Stripe's clock 10 min ahead", install: offset(10 * time.Minute), hit: refused},
		{name: "Stripe's clock 10 min behind", install: offset(-10 * time.Minute), hit: refused},
		{
			name: "two webhook servers, two copies at once", install: replicas(2),
			plan: stripesim.Plan{Copies: 2, Concurrent: true}, hit: shareTheWork,
		},
		{
			name: "three webhook servers, three copies at once", install: replicas(3),
			plan: stripesim.Plan{Copies: 3, Concurrent: true}, hit: shareTheWork,
		},
		{
			name:    "leader of two controllers killed twice",
			begin:   addController,
			plan:    stripesim.Plan{Shuffle: true, Seed: 12, Delay: 2 * time.Second},
			selling: []strike{{0.5, killLeader}},
			paying:  []strike{{0.5, killLeader}},
		},
	}
}

// TestFaults sells under each fault in turn.
func TestFaults(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, f.test)
	}
}

// test sells under the fault.
func (f *fault) test(t *testing.T) {
	begun := time.Now()
	options := stack.Options{
		Cluster:   shared,
		Namespace: stack.DefaultNamespace,
		Simulator: stripesim.Options{
			Workers: 16,
			// Stripe waits minutes and hours between as many attempts.
			Retry: stripesim.Backoff{Initial: 100 * time.Millisecond, Max: 3 * time.Second, Factor: 2, MaxAttempts: 1000},
		},
		ControllerFlags: []string{"--leader-elect"},
		KeepRunning:     true,
	}
	if f.install != nil {
		f.install(&options)
	}
	paylink, err := stack.Start(t.Context(), options)
	check.Must(t, err)
	stop := sync.OnceFunc(func() {
		if err := paylink.Stop(); err != nil {
			t.Errorf("stop the installation: %v", err)
		}
	})
	t.Cleanup(stop)

	s := newSale(t, paylink)
	s.n = max(*perFault, f.orders)
	if f.begin != nil {
		f.begin(s)
	}
	t.Cleanup(func() { s.print(f.name, time.Since(begun)) })
	orders := s.sell(s.n, f.selling)
	s.Stripe.Delivery(f.plan)
	s.live(orders, f.paying)
	s.settle()
	if f.hit != nil {
		if err := f.hit(s); err != nil {
			t.Errorf("the fault had no effect: %v", err)
		}
	}
	// Every server must run again.
	servers := slices.Concat(s.controllers, paylink.Replicas)
	s.running(servers...)
	s.clear()
	stop()
	for _, server := range servers {
		s.removeLog(server)
	}
}

// through puts proxies with these faults between the servers and the API server.
func through(faults *apiproxy.Faults, turn func()) func(*stack.Options) {
	return func(o *stack.Options) {
		o.Faults = faults
		if turn != nil {
			turn()
		}
	}
}

// touch is another writer of an order: it sets an annotation.
func (s *sale) touch(ctx context.Context, namespace, name string) error {
	o := &v1alpha1.Order{}
	o.Namespace, o.Name = namespace, name
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/touched":"%d"}}}`, time.Now().UnixNano())
	return s.Stack.Client.Patch(ctx, o, client.RawPatch(types.MergePatchType, patch))
}

func replicas(n int) func(*stack.Options) {
	return func(o *stack.Options) { o.WebhookReplicas = n }
}

// addController adds a standby controller.
func addController(s *sale) {
	s.T.Helper()
	standby, err := s.Stack.AddController(s.Ctx, "controller-2", "--leader-elect")
	s.Must(err)
	s.controllers = append(s.controllers, standby)
}

// shareTheWork checks that every replica has written payments.
func shareTheWork(s *sale) error {
	for _, replica := range s.Stack.Replicas {
		metrics, err := replica.Scrape(s.Ctx)
		if err != nil {
			return err
		}
		if scrape.Samples(s.T, metrics)["paylink_ledger_writes_total"] == 0 {
			return fmt.Errorf("the replica at %s wrote nothing", replica.URL)
		}
	}
	return nil
}

// retried checks that webhooks were sent again.
func retried(s *sale) error {
	if s.failures() == 0 {
		return errors.New("no webhook failed")
	}
	return nil
}

// atLeast checks a count.
func atLeast(what string, count func() int64, n func(*sale) int) func(*sale) error {
	return func(s *sale) error {
		if got := count(); got < int64(n(s)) {
			return fmt.Errorf("got %d %s, want %d", got, what, n(s))
		}
		return nil
	}
}

// disordered checks that a webhook came before that of an earlier event.
func disordered(s *sale) error {
	place := map[string]int{}
	for i, event := range s.Stripe.Events() {
		place[event.ID] = i
	}
	last := 0
	for _, a := range s.Stripe.Attempts() {
		if place[a.EventID] < last {
			return nil
		}
		last = place[a.EventID]
	}
	return errors.New("every webhook came in order")
}
