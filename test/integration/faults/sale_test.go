package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/oracle"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// timeout is how long a test waits for a condition. It is no measure of speed: only a failing test waits so long.
func timeout() time.Duration { return 3*time.Minute + time.Duration(*perFault)*200*time.Millisecond }

// workers is how many orders are created, or paid, at once.
const workers = 8

// sale is the orders of one client, created and paid under a fault.
type sale struct {
	testclient.Client
	// n is how many orders there are.
	n     int
	cheap stripesim.PaymentLink
	// controllers are all controllers.
	controllers []*stack.Server
	// report is the last comparison with Stripe's books.
	report oracle.Report
}

// strike is an action at a share of the work, while the rest goes on.
type strike struct {
	after float64
	do    func(*sale)
}

func newSale(t *testing.T, paylink *stack.Stack) *sale {
	t.Helper()
	s := &sale{Client: testclient.New(t, paylink, paylink.Stripe, ""), controllers: []*stack.Server{paylink.Controller}}
	s.Ctx = t.Context() // many orders need more than ten minutes
	s.cheap = paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Sticker", Amount: 100, Currency: "usd"})
	s.Create(s.PaymentLink("lifetime"))
	return s
}

// sell creates n orders and returns them once all are Ready, by name.
func (s *sale) sell(n int, strikes []strike) []v1alpha1.Order {
	s.T.Helper()
	s.each(n, strikes, func(i int) {
		o := s.Order(fmt.Sprintf("order-%05d", i))
		if err := s.Stack.Client.Create(s.Ctx, o); err != nil {
			s.T.Errorf("create %s: %v", o.Name, err)
		}
	})
	var orders []v1alpha1.Order
	s.until("every order is ready", func(ctx context.Context) (err error) {
		if orders, err = s.list(ctx); err != nil {
			return err
		}
		if len(orders) != n {
			return fmt.Errorf("there are %d orders, want %d", len(orders), n)
		}
		for i := range orders {
			if !testclient.Ready(&orders[i]) {
				return fmt.Errorf("%s is not ready: %+v", orders[i].Name, orders[i].Status)
			}
		}
		return nil
	})
	return orders
}

// live has every order go through its life.
func (s *sale) live(orders []v1alpha1.Order, strikes []strike) {
	s.T.Helper()
	s.each(len(orders), strikes, func(i int) {
		life, status := lives[i%len(lives)], orders[i].Status
		b := &buyer{
			ctx: s.Ctx, stripe: s.Stripe, checkout: status.CheckoutURL, part: partOf(i),
			cheap: s.cheap.URL + "?client_reference_id=" + status.ClientReferenceID,
		}
		if life.live(b); b.err != nil {
			s.T.Errorf("%s, %q: %v", orders[i].Name, life.name, b.err)
		}
	})
}

// each calls do for every number below n from several goroutines, and strikes in between.
func (s *sale) each(n int, strikes []strike, do func(int)) {
	s.T.Helper()
	queue := make(chan int)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for i := range queue {
				do(i)
			}
		})
	}
	defer working.Wait()
	defer close(queue) // also where a strike ends the test
	for i := range n {
		for len(strikes) > 0 && float64(i) >= strikes[0].after*float64(n) {
			strikes[0].do(s)
			strikes = strikes[1:]
		}
		queue <- i
	}
}

// until waits until a function returns no error.
func (s *sale) until(what string, is func(context.Context) error) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.Ctx, timeout())
	defer cancel()
	tick := time.NewTicker(100*time.Millisecond + time.Duration(s.n)*200*time.Microsecond) // a long list is expensive
	defer tick.Stop()
	for {
		err := is(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.T.Fatalf("waiting until %s: %v", what, err)
		}
	}
}
