package checkout_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
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
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// TestSlowController: the answer comes as soon as the order is ready, and not before.
func TestSlowController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
		s.Away()
		start := time.Now()
		answer := make(chan *httptest.ResponseRecorder)
		go func() { answer <- s.Send(asked(t, lifetime)) }()
		<-time.After(7*time.Second + time.Millisecond)
		s.Reconcile()
		if got := created(t, <-answer, false); got.CheckoutURL == "" {
			t.Errorf("got %+v", got)
		}
		if took := time.Since(start); took > 7100*time.Millisecond {
			t.Errorf("got the answer after %s", took)
		}
	})
}

// TestNoController: after 8 s the answer is 503, with the id of the order and how to repeat the request.
func TestNoController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
		s.Away()
		start := time.Now()
		answer := s.Send(asked(t, lifetime, keyHeader, "k1"))
		check.Equal(t, 8*time.Second, time.Since(start), "time to the answer")
		p := fakeshop.Refused(t, answer, http.StatusServiceUnavailable, "The order was created, but is not ready to be paid yet. With the same Idempotency-Key, the same request returns it once it is.")
		if orders := s.Orders(); len(orders) != 1 || p.OrderID != string(orders[0].UID) || answer.Header().Get("Retry-After") != "5" {
			t.Errorf("got %d orders and id %q, want one order and its id", len(orders), p.OrderID)
		}
		check.Contains(t, s.Logged.String(), "is the controller running?")
		// It is still not there.
		check.Equal(t, p.OrderID, fakeshop.Refused(t, s.Send(asked(t, lifetime, keyHeader, "k1")), http.StatusServiceUnavailable, "not ready to be paid yet").OrderID, "id of a repeated request")
		s.Reconcile()
		if got := created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), true); got.OrderID != p.OrderID || got.CheckoutURL == "" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestCacheBehind: the answer comes when the cache has the created order, and not an earlier one of its name.
func TestCacheBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, o := time.Now(), fakeshop.Options{}
		o.Cached.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
			order, ok := into.(*v1alpha1.Order)
			if !ok {
				return c.Get(ctx, key, into, opts...)
			}
			switch passed := time.Since(start); {
			case passed < time.Second:
				return apierrors.NewNotFound(schema.GroupResource{Resource: "orders"}, key.Name)
			case passed < 2*time.Second: // the one that had the name before
				order.UID, order.Status.CheckoutURL = "another", "https://buy.stripe.com/another"
				return nil
			}
			return c.Get(ctx, key, into, opts...)
		}
		s := fakeshop.New(t, o, fakeshop.Link("lifetime"))
		got := created(t, s.Send(asked(t, lifetime)), false)
		if took := time.Since(start); took < 2*time.Second || took > 2100*time.Millisecond || !strings.HasSuffix(got.CheckoutURL, got.OrderID) {
			t.Errorf("got the answer after %s: %+v", took, got)
		}
	})
}

// TestClientGone: a client that closes its connection leaves the order, and no error in the log.
func TestClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
		s.Away()
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		start := time.Now()
		p := fakeshop.Refused(t, s.Send(asked(t, lifetime).WithContext(ctx)), http.StatusServiceUnavailable, "not ready to be paid yet")
		if took := time.Since(start); took != time.Second || p.OrderID == "" {
			t.Errorf("got the answer after %s: %+v", took, p)
		}
		check.Lacks(t, s.Logged.String(), "is the controller running?")
	})
}

// TestTerminalReason: the answer comes at once if the order cannot become ready.
func TestTerminalReason(t *testing.T) {
	const link, id = `{"paymentLink":"lifetime","namespace":"shop","customerId":"c1"}`, `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine"}`
	for name, row := range map[string]struct {
		body    string
		becomes func(*fakeshop.Shop)
		says    string
		field   string
		// left says that the answer names the order that is left.
		left bool
	}{
		"an id that another had first": {id, func(s *fakeshop.Shop) {
			s.Put(fakeshop.Order("elder", func(o *v1alpha1.Order) { o.Spec.OrderID = "mine" }))
		}, "orderId: another order has this id: choose another, or leave it out.", "orderId", false},
		"a link that was repriced": {link, func(s *fakeshop.Shop) {
			s.Put(fakeshop.Link("lifetime", func(l *v1alpha1.PaymentLink) { l.Spec.Amount = 24900 }))
		}, "paymentLink: the PaymentLink has just changed: create another order.", "paymentLink", true},
		"an order that expired": {link, func(s *fakeshop.Shop) {
			o := s.Orders()[0]
			o.Status.ExpiredAt = &metav1.Time{Time: fakeshop.Now}
			if err := s.API.Status().Update(context.Background(), &o); err != nil {
				panic(err)
			}
			s.Reconcile()
		}, "The order has expired: create another.", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
				s.Away()
				start := time.Now()
				answer := make(chan *httptest.ResponseRecorder)
				go func() { answer <- s.Send(asked(t, row.body)) }()
				<-time.After(time.Second)
				row.becomes(s)
				p := fakeshop.Refused(t, <-answer, http.StatusConflict, row.says)
				if took := time.Since(start); took > 1100*time.Millisecond {
					t.Errorf("got the answer after %s", took)
				}
				if field := len(p.Errors) == 1 && p.Errors[0].Field == row.field; field != (row.field != "") || (p.OrderID != "") != row.left {
					t.Errorf("got problem %+v", p)
				}
			})
		})
	}
}

// TestNotReadyYet: an order with any other condition can become ready, so the request waits.
func TestNotReadyYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
		s.Away()
		answer := make(chan *httptest.ResponseRecorder)
		go func() { answer <- s.Send(asked(t, lifetime)) }()
		<-time.After(time.Second)
		s.Put(fakeshop.Link("lifetime", unready)) // and the order with it
		<-time.After(time.Second)
		s.Put(fakeshop.Link("lifetime"))
		created(t, <-answer, false)
	})
}

// TestCannotCreate: any error of the API server is answered 503 without the error.
func TestCannotCreate(t *testing.T) {
	resource := schema.GroupResource{Group: "payments.paylink.dev", Resource: "orders"}
	for name, err := range map[string]error{
		"away": errors.New("dial tcp 10.0.0.1:443: connection refused"), "no quota": apierrors.NewForbidden(resource, "", errors.New("exceeded quota: 10.0.0.1")),
		"older CRDs": apierrors.NewInvalid(schema.GroupKind{Kind: "Order"}, "10.0.0.1", nil), "a made-up name that is there": apierrors.NewAlreadyExists(resource, "10.0.0.1"),
	} {
		t.Run(name, func(t *testing.T) {
			o := fakeshop.Options{}
			o.Trouble.Create = func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return err }
			s := fakeshop.New(t, o, fakeshop.Link("lifetime"))
			answer := s.Send(asked(t, lifetime))
			p := fakeshop.Refused(t, answer, http.StatusServiceUnavailable, "The order could not be created: try again later.")
			if p.OrderID != "" || strings.Contains(answer.Body.String(), "10.0.0.1") || answer.Header().Get("Retry-After") != "5" {
				t.Errorf("got %v %s, want Retry-After and nothing of the cluster", answer.Header(), answer.Body)
			}
			check.Contains(t, s.Logged.String(), "create order: ")
			check.Equal(t, 0, s.Counted()[`orders_created_total{checkout="api"}`], "orders counted")
		})
	}
}

// TestKeyedOrderCannotBeRead: if the order of a key exists and cannot be read, the answer is 503.
func TestKeyedOrderCannotBeRead(t *testing.T) {
	o := fakeshop.Options{}
	o.Cached.List = func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return nil }
	o.Trouble.Get = func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return errors.New("dial tcp 10.0.0.1:443: connection refused")
	}
	s := fakeshop.New(t, o, fakeshop.Link("lifetime"))
	created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), false)
	fakeshop.Refused(t, s.Send(asked(t, lifetime, keyHeader, "k1")), http.StatusServiceUnavailable, "The order could not be read: try again later.")
}

// TestMaxCreating: the number of orders that are created at once is limited. Any further request is answered 503 at once.
func TestMaxCreating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let, o := make(chan struct{}), fakeshop.Options{}
		o.Trouble.Create = func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			<-let
			return c.Create(ctx, o, opts...)
		}
		s := fakeshop.New(t, o, fakeshop.Link("lifetime"))
		answers := make(chan int)
		for range 64 {
			go func() { answers <- s.Send(asked(t, lifetime)).Code }()
		}
		synctest.Wait()
		answer := s.Send(asked(t, lifetime))
		fakeshop.Refused(t, answer, http.StatusServiceUnavailable, "Too many orders are being created at once: try again.")
		if after := answer.Header().Get("Retry-After"); after != "5" || s.Limited()["in_flight"] != 1 {
			t.Errorf("got Retry-After %q, limits %v", after, s.Limited())
		}
		close(let)
		for range 64 {
			check.Equal(t, http.StatusCreated, <-answers, "status")
		}
		created(t, s.Send(asked(t, lifetime)), false) // the places were given back
	})
}

// TestCreateRetry: while the API server is unavailable after its start, creation is retried.
func TestCreateRetry(t *testing.T) {
	for name, row := range map[string]struct{ away, took time.Duration }{
		"for some seconds": {3 * time.Second, 3 * time.Second},
		"for long":         {time.Hour, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				s := fakeshop.New(t, fakeshop.Options{Trouble: interceptor.Funcs{
					Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
						if time.Since(start) < row.away {
							return apierrors.NewServiceUnavailable("the policies are not there yet")
						}
						return c.Create(ctx, o, opts...)
					},
				}}, fakeshop.Link("lifetime"))
				answer := s.Send(asked(t, lifetime))
				if row.away == time.Hour {
					fakeshop.Refused(t, answer, http.StatusServiceUnavailable, "The order could not be created: try again later.")
				} else {
					created(t, answer, false)
				}
				check.Equal(t, row.took, time.Since(start), "time to the answer")
			})
		})
	}
}
