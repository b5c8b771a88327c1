package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
)

var orderResource = schema.GroupResource{Group: "payments.paylink.dev", Resource: "orders"}

// TestAwait: the answer comes as soon as the order is ready or cannot become ready. changes come after a time each.
func TestAwait(t *testing.T) {
	const id = `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine"}`
	becomes := func(changes ...func(*v1alpha1.PaymentLink)) func(*fakeshop.Shop) {
		return func(s *fakeshop.Shop) { s.Put(fakeshop.Link("lifetime", changes...)) }
	}
	repriced := becomes(func(l *v1alpha1.PaymentLink) { l.Spec.Amount = 24900 })
	type change struct {
		after time.Duration
		apply func(*fakeshop.Shop)
	}
	for name, row := range map[string]struct {
		request *http.Request
		changes []change
		check   func(*testing.T, *httptest.ResponseRecorder)
	}{
		"a slow controller": {asked(t, lifetime), []change{{7*time.Second + time.Millisecond, (*fakeshop.Shop).Reconcile}}, isReady},
		// An order with any other condition can become ready.
		"not ready for a while": {asked(t, lifetime), []change{{time.Second, becomes(unready)}, {time.Second, becomes()}}, isReady},
		"an id that another had first": {asked(t, id), []change{{time.Second, func(s *fakeshop.Shop) {
			s.Put(fakeshop.Order("elder", func(o *v1alpha1.Order) { o.Spec.OrderID = "mine" }))
		}}}, conflicts("orderId: another order has this id: choose another, or leave it out.", false, "orderId")},
		"a link that was repriced": {asked(t, lifetime), []change{{time.Second, repriced}}, conflicts("paymentLink: the PaymentLink has just changed: create another order.", true, "paymentLink")},
		"an order that expired": {asked(t, lifetime), []change{{time.Second, func(s *fakeshop.Shop) {
			o := s.Orders()[0]
			o.Status.ExpiredAt = &metav1.Time{Time: fakeshop.Now}
			check.Must(t, s.API.Status().Update(context.Background(), &o))
			s.Reconcile()
		}}}, conflicts("The order has expired: create another.", true)},
		"a link that was repriced, to a buyer": {bought(t, forSale), []change{{time.Second, repriced}}, func(t *testing.T, answer *httptest.ResponseRecorder) {
			wantNotice(t, answer, http.StatusConflict, checkout.Unavailable)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, fakeshop.Options{})
				s.Away()
				start, total, answer := time.Now(), time.Duration(0), make(chan *httptest.ResponseRecorder)
				go func() { answer <- s.Send(row.request.WithContext(t.Context())) }()
				for _, change := range row.changes {
					<-time.After(change.after)
					change.apply(s)
					total += change.after
				}
				row.check(t, <-answer)
				wantTook(t, start, total, 100*time.Millisecond)
			})
		})
	}
}

func isReady(t *testing.T, answer *httptest.ResponseRecorder) {
	if got := created(t, answer, false); got.CheckoutURL == "" {
		t.Errorf("got %+v, want a checkout URL", got)
	}
}

// conflicts fails the test unless an answer is a conflict, which names the order if one is left.
func conflicts(says string, left bool, fields ...string) func(*testing.T, *httptest.ResponseRecorder) {
	return func(t *testing.T, answer *httptest.ResponseRecorder) {
		p := fakeshop.Refused(t, answer, http.StatusConflict, says)
		check.Equal(t, fields, p.Fields(), "fields")
		check.Equal(t, left, p.OrderID != "", "order %q in the problem", p.OrderID)
	}
}

// TestNoController: after 8 s the answer is 503, with the id of the order and how to repeat the request.
func TestNoController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := newShop(t, fakeshop.Options{}), time.Now()
		s.Away()
		answer := s.Send(asked(t, lifetime, keyHeader, "k1"))
		wantTook(t, start, 8*time.Second, 0)
		p := fakeshop.Unavailable(t, answer, "The order was created, but is not ready to be paid yet. With the same Idempotency-Key, the same request returns it once it is.")
		orders := s.Orders()
		check.Equal(t, 1, len(orders), "orders")
		check.Equal(t, string(orders[0].UID), p.OrderID, "id of the order")
		check.Contains(t, s.Logged.String(), "is the controller running?")
		again := fakeshop.Unavailable(t, s.Send(asked(t, lifetime, keyHeader, "k1")), "not ready to be paid yet")
		check.Equal(t, p.OrderID, again.OrderID, "id of a repeated request")
		s.Reconcile()
		if got := create(t, s, lifetime, "k1", true); got.OrderID != p.OrderID || got.CheckoutURL == "" {
			t.Errorf("got %+v, want the order %s and a checkout URL", got, p.OrderID)
		}

		start = time.Now()
		s.Away()
		wantNotice(t, s.Send(bought(t, forSale)), http.StatusServiceUnavailable, checkout.Unavailable)
		wantTook(t, start, 8*time.Second, 0)
	})
}

// TestCacheBehind: the answer comes when the cache has the created order, and not an earlier one of its name.
func TestCacheBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := newShop(t, cached(interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
			order, ok := into.(*v1alpha1.Order)
			switch passed := time.Since(start); {
			case ok && passed < time.Second:
				return apierrors.NewNotFound(orderResource, key.Name)
			case ok && passed < 2*time.Second: // the one that had the name before
				order.UID, order.Status.CheckoutURL = "another", "https://buy.stripe.com/another"
				return nil
			}
			return c.Get(ctx, key, into, opts...)
		}}))
		got := created(t, s.Send(asked(t, lifetime)), false)
		wantTook(t, start, 2*time.Second, 100*time.Millisecond)
		check.Equal(t, "https://buy.stripe.com/test_a?client_reference_id="+got.OrderID, got.CheckoutURL, "checkout URL")
	})
}

// TestClientGone: a client that closes its connection leaves the order, and no error in the log.
func TestClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := newShop(t, fakeshop.Options{}), time.Now()
		s.Away()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		p := fakeshop.Refused(t, s.Send(asked(t, lifetime).WithContext(ctx)), http.StatusServiceUnavailable, "not ready to be paid yet")
		wantTook(t, start, time.Second, 0)
		check.Equal(t, true, p.OrderID != "", "id of the order in %+v", p)
		check.Lacks(t, s.Logged.String(), "is the controller running?")
	})
}

// TestCannotCreate: any error of the API server is answered 503 without the error.
func TestCannotCreate(t *testing.T) {
	for name, err := range map[string]error{
		"away": errUnreachable, "no quota": apierrors.NewForbidden(orderResource, "", errors.New("exceeded quota: 10.0.0.1")),
		"older CRDs": apierrors.NewInvalid(schema.GroupKind{Kind: "Order"}, "10.0.0.1", nil), "a generated name that exists": apierrors.NewAlreadyExists(orderResource, "10.0.0.1"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, live(fakeapi.FailCreate(err)))
			p := fakeshop.Unavailable(t, s.Send(asked(t, lifetime)), "The order could not be created: try again later.")
			check.Equal(t, "", p.OrderID, "id of the order")
			check.Contains(t, s.Logged.String(), "create order: ")
			check.Equal(t, 0, s.Counted()[`orders_created_total{checkout="api"}`], "orders counted")
		})
	}
}

// TestKeyedOrderCannotBeRead: if the order of a key exists and cannot be read, the answer is 503.
func TestKeyedOrderCannotBeRead(t *testing.T) {
	s := newShop(t, fakeshop.Options{Cached: fakeapi.FailList(nil), Failures: fakeapi.FailGet(errUnreachable)})
	create(t, s, lifetime, "k1", false)
	fakeshop.Unavailable(t, s.Send(asked(t, lifetime, keyHeader, "k1")), "The order could not be read: try again later.")
}

// TestMaxCreating: the number of orders that are created at once is limited. Any further request is answered 503 at once.
func TestMaxCreating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newShop(t, live(interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			<-release
			return c.Create(ctx, o, opts...)
		}}))
		answers := make(chan int)
		for range 64 {
			go func() { answers <- s.Send(asked(t, lifetime)).Code }()
		}
		synctest.Wait()
		fakeshop.Unavailable(t, s.Send(asked(t, lifetime)), "Too many orders are being created at once: try again.")
		check.Equal(t, map[string]float64{"in_flight": 1}, s.Limited(), "refusals by limit")
		close(release)
		for range 64 {
			check.Equal(t, http.StatusCreated, <-answers, "status")
		}
		created(t, s.Send(asked(t, lifetime)), false) // every place was released
	})
}

// TestCreateRetry: while the API server is unavailable after its start, creation is retried for 5 s.
func TestCreateRetry(t *testing.T) {
	for away, want := range map[time.Duration]time.Duration{3 * time.Second: 3 * time.Second, time.Hour: 5 * time.Second} {
		t.Run(fmt.Sprint(away), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				s := newShop(t, live(interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
					if time.Since(start) < away {
						return apierrors.NewServiceUnavailable("the policies are not there yet")
					}
					return c.Create(ctx, o, opts...)
				}}))
				answer := s.Send(asked(t, lifetime))
				wantTook(t, start, want, 0)
				if away == time.Hour {
					fakeshop.Unavailable(t, answer, "The order could not be created: try again later.")
					return
				}
				created(t, answer, false)
			})
		})
	}
}
