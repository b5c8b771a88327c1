package checkout_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
)

// waiting is an unpaid anonymous order of lifetime.
func waiting(id string, changes ...func(*v1alpha1.Order)) *v1alpha1.Order {
	return fakeshop.Order(id, append([]func(*v1alpha1.Order){func(o *v1alpha1.Order) {
		o.Labels = map[string]string{"payments.paylink.dev/checkout": "public"}
	}}, changes...)...)
}

// TestOpenOrders: the unpaid anonymous orders of a PaymentLink are limited, and no other orders count.
func TestOpenOrders(t *testing.T) {
	in := func(phase v1alpha1.OrderPhase) func(*v1alpha1.Order) {
		return func(o *v1alpha1.Order) { o.Status.Phase = phase }
	}
	of := func(link string) func(*v1alpha1.Order) {
		return func(o *v1alpha1.Order) { o.Spec.PaymentLinkRef.Name = link }
	}
	s := newShop(t, onlyOpen(3), fakeshop.Link("other"),
		waiting("a"), waiting("b", in("")), // two that count
		waiting("c", in(v1alpha1.OrderPaid)), waiting("d", in(v1alpha1.OrderFailed)), waiting("e", in(v1alpha1.OrderRefunded)), waiting("f", of("other")),
		waiting("g", func(o *v1alpha1.Order) { o.Namespace = "annex" }), waiting("h", func(o *v1alpha1.Order) { o.Labels["payments.paylink.dev/checkout"] = "api" }),
		fakeshop.Order("i"), waiting("j", func(o *v1alpha1.Order) {
			o.Spec.PaymentLinkRef, o.Spec.PaymentLinkURL = nil, "https://buy.stripe.com/a"
		}))
	wantBuys(t, s, forSale, 303)
	answer := s.Send(form(t))
	fakeshop.Refused(t, answer, http.StatusServiceUnavailable, "Too many orders of this PaymentLink wait to be paid: try again later.")
	check.Equal(t, "60", answer.Header().Get("Retry-After"), "Retry-After")
	wantNotice(t, s.Send(bought(t, forSale)), http.StatusServiceUnavailable, checkout.Unavailable)
	wantBuys(t, s, "/buy/shop/other", 303)
	created(t, s.Send(asked(t, lifetime)), false) // a shop's own orders are not limited

	var first v1alpha1.Order
	check.Must(t, s.API.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "a"}, &first))
	first.Status.Phase = v1alpha1.OrderPaid
	check.Must(t, s.API.Status().Update(t.Context(), &first))
	wantBuys(t, s, forSale, 303, 503)
	check.Equal(t, map[string]float64{"buy_open": 3}, s.Limited(), "refusals by limit")
}

// TestOpenLimitLog: the limit is logged once a minute.
func TestOpenLimitLog(t *testing.T) {
	const message = `"msg"="Limit of unpaid orders reached" "namespace"="shop" "paymentLink"="lifetime" "open"=1 "effect"="the PaymentLink sells nothing until orders are paid or expire" "remedy"="see --public-orders-open and --public-order-expiry"`
	s := newShop(t, onlyOpen(1), waiting("a"))
	for i, step := range []struct {
		passes time.Duration
		lines  int
	}{{0, 1}, {0, 1}, {59 * time.Second, 1}, {time.Second, 2}} {
		s.Clock.SetTime(s.Clock.Now().Add(step.passes))
		wantBuys(t, s, forSale, 503)
		check.Equal(t, step.lines, strings.Count(s.Logged.String(), message), "step %d: log messages in %s", i, s.Logged)
	}
}

// TestExpiredOrdersDoNotCount: an expired order does not count against the limit.
func TestExpiredOrdersDoNotCount(t *testing.T) {
	s := newShop(t, onlyOpen(1))
	wantBuys(t, s, forSale, 303, 503)
	s.Clock.SetTime(s.Clock.Now().Add(time.Hour))
	s.Reconcile()
	wantBuys(t, s, forSale, 303)
}

// lagging is a cache that is behind the API server by some time.
func lagging(lag time.Duration) fakeshop.Options {
	o := fakeshop.Options{Clock: clock.RealClock{}}
	young := func(order *v1alpha1.Order) bool { return time.Since(order.CreationTimestamp.Time) < lag }
	o.Cached.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
		if err := c.Get(ctx, key, into, opts...); err != nil {
			return err
		}
		if order, ok := into.(*v1alpha1.Order); ok && young(order) {
			return apierrors.NewNotFound(schema.GroupResource{Resource: "orders"}, key.Name)
		}
		return nil
	}
	o.Cached.List = func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		err := c.List(ctx, list, opts...)
		if orders, ok := list.(*v1alpha1.OrderList); ok {
			orders.Items = slices.DeleteFunc(orders.Items, func(o v1alpha1.Order) bool { return young(&o) })
		}
		return err
	}
	return o
}

// TestConcurrentPurchases: concurrent purchases do not exceed the limit, even if the cache is behind. All of the limit can be used.
func TestConcurrentPurchases(t *testing.T) {
	for name, lag := range map[string]time.Duration{"a cache that is there": 0, "a cache that is behind": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const most = 20
				o := lagging(lag)
				o.Limits = onlyOpen(most).Limits
				s := newShop(t, o)
				codes := make(chan int, 200)
				for range 200 {
					go func() { codes <- s.Send(form(t)).Code }()
				}
				counts := map[int]int{}
				for range 200 {
					counts[<-codes]++
				}
				through := counts[http.StatusSeeOther]
				if through == 0 || through > most || through+counts[http.StatusServiceUnavailable] != 200 || len(s.Orders()) != through {
					t.Errorf("got statuses %v and %d orders, want no more than the limit", counts, len(s.Orders()))
				}
				<-time.After(lag)
				wantBuys(t, s, forSale, append(slices.Repeat([]int{303}, most-through), 503)...)
			})
		})
	}
}

// TestReservationsAreReleased: a purchase that fails releases its reservation.
func TestReservationsAreReleased(t *testing.T) {
	broken, o := true, onlyOpen(1)
	o.Failures.Create = func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		if broken {
			return apierrors.NewInternalError(context.DeadlineExceeded)
		}
		return c.Create(ctx, o, opts...)
	}
	s := newShop(t, o)
	for range 3 {
		fakeshop.Unavailable(t, s.Send(form(t)), "The order could not be created")
	}
	broken = false
	wantBuys(t, s, forSale, 303)
}

// TestIndices: only orders have keys, and only an order with an Idempotency-Key that of IndexKeyed.
func TestIndices(t *testing.T) {
	check.Equal(t, nil, checkout.ByOpen(fakeshop.Link("lifetime")), "keys of a PaymentLink")
	const hash = "order-0123456789abcdef0123456789abcdef"
	for name, want := range map[string][]string{
		hash: {hash}, "lifetime-7c9e": nil, hash + "0": nil, "x" + hash: nil, strings.ToUpper(hash): nil, "order-1": nil, hash[:len(hash)-1]: nil,
	} {
		check.Equal(t, want, checkout.ByKeyed(&v1alpha1.Order{ObjectMeta: metav1.ObjectMeta{Name: name}}), "%s: keys", name)
	}
}

// TestReservationsByNamespace: a reservation for one PaymentLink does not count for one of its name in another namespace.
func TestReservationsByNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, o := make(chan struct{}), onlyOpen(1)
		o.Failures.Create = func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if o.GetNamespace() == "shop" {
				<-release
			}
			return c.Create(ctx, o, opts...)
		}
		s := newShop(t, o, fakeshop.Link("lifetime", inAnnex))
		first := make(chan int)
		go func() { first <- s.Send(form(t)).Code }()
		synctest.Wait()
		wantBuys(t, s, forSale, 503)
		wantBuys(t, s, "/buy/annex/lifetime", 303)
		close(release)
		check.Equal(t, http.StatusSeeOther, <-first, "status for the first order")
	})
}
