package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/bookkeeper"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// patience is how long is waited for what must happen. It is no measure of speed: only a failing test waits so long.
func patience() time.Duration { return 3*time.Minute + time.Duration(*perFault)*200*time.Millisecond }

// hands is how many buyers, or shopkeepers, act at once.
const hands = 8

// sale is one seller's orders, and what strikes while they are made and paid for.
type sale struct {
	seller.Seller
	// n is how many orders there are to be.
	n     int
	cheap stripesim.PaymentLink
	// controllers are all that there are.
	controllers []*stack.Server
	// report is the last comparison with Stripe's books.
	report bookkeeper.Report
}

// strike is something that happens once a share of the work was begun, while the rest goes on.
type strike struct {
	after float64
	do    func(*sale)
}

func newSale(t *testing.T, paylink *stack.Stack) *sale {
	t.Helper()
	s := &sale{Seller: seller.New(t, paylink, paylink.Stripe, ""), controllers: []*stack.Server{paylink.Controller}}
	s.Ctx = t.Context() // many orders need more time than a seller's
	s.cheap = paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Sticker", Amount: 100, Currency: "usd"})
	s.Create(s.PaymentLink("lifetime"))
	return s
}

// sell creates so many orders and returns them once every one can be paid, in the order of their names.
func (s *sale) sell(n int, strikes []strike) []v1alpha1.Order {
	s.T.Helper()
	s.each(n, strikes, func(i int) {
		o := s.Order(fmt.Sprintf("order-%05d", i))
		if err := s.Paylink.Client.Create(s.Ctx, o); err != nil {
			s.T.Errorf("create %s: %v", o.Name, err)
		}
	})
	var orders []v1alpha1.Order
	s.until("every order can be paid", func(ctx context.Context) (err error) {
		if orders, err = s.list(ctx); err != nil {
			return err
		}
		if len(orders) != n {
			return fmt.Errorf("there are %d orders, want %d", len(orders), n)
		}
		for i := range orders {
			if !seller.Ready(&orders[i]) {
				return fmt.Errorf("%s is not ready: %+v", orders[i].Name, orders[i].Status)
			}
		}
		return nil
	})
	return orders
}

// live has every order live its life.
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

// each does something for every number below n, by several hands, and strikes in between.
func (s *sale) each(n int, strikes []strike, do func(int)) {
	s.T.Helper()
	queue := make(chan int)
	var working sync.WaitGroup
	for range hands {
		working.Go(func() {
			for i := range queue {
				do(i)
			}
		})
	}
	defer working.Wait()
	defer close(queue) // also when a strike ends the test
	for i := range n {
		for len(strikes) > 0 && float64(i) >= strikes[0].after*float64(n) {
			strikes[0].do(s)
			strikes = strikes[1:]
		}
		queue <- i
	}
}

// until waits for something, and passes over errors on the way.
func (s *sale) until(what string, is func(context.Context) error) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.Ctx, patience())
	defer cancel()
	tick := time.NewTicker(100*time.Millisecond + time.Duration(s.n)*200*time.Microsecond) // to list many is much work
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
