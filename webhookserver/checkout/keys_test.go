package checkout_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

const keyHeader = "Idempotency-Key"

// TestSameKey: requests with the same key and body return the same order, in its present state.
func TestSameKey(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
	const body = `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine","customerId":"c1"}`
	first := created(t, s.Send(asked(t, body, keyHeader, "k1")), false)
	for range 3 {
		check.Equal(t, first, created(t, s.Send(asked(t, body, keyHeader, "k1")), true), "result")
	}
	if _, err := s.Ledger.Apply(t.Context(), payment.Fact{
		EventID: "evt_1", Type: "checkout.session.completed", Created: metav1.NewTime(fakeshop.Now), ClientReferenceID: "mine", PaymentIntentID: "pi_1",
		Session: &v1alpha1.SessionFact{ID: "cs_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", PaymentLinkID: "plink_1", Created: metav1.NewTime(fakeshop.Now)},
	}); err != nil {
		t.Fatal(err)
	}
	want := first
	want.Status, want.PaidAt = "paid", "2026-11-23T12:00:00Z"
	check.Equal(t, want, created(t, s.Send(asked(t, body, keyHeader, "k1")), true), "result")
	check.Equal(t, 1, len(s.Orders()), "orders")
	check.Equal(t, 1, s.Counted()[`orders_created_total{checkout="api"}`], "orders counted")
}

// TestKeyOutlivesTheLink: the order of a key is returned, even after its PaymentLink is deleted.
func TestKeyOutlivesTheLink(t *testing.T) {
	link := fakeshop.Link("lifetime")
	s := fakeshop.New(t, fakeshop.Options{}, link)
	first := created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), false)
	check.Must(t, s.API.Delete(t.Context(), link))
	check.Equal(t, first, created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), true), "result")
}

// TestKeyOfAnExpiredOrder: the expired order is returned, without a checkout URL.
func TestKeyOfAnExpiredOrder(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
	created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), false)
	o := s.Orders()[0]
	o.Status.Phase, o.Status.ExpiredAt, o.Status.CheckoutURL = v1alpha1.OrderFailed, &metav1.Time{Time: fakeshop.Now}, ""
	check.Must(t, s.API.Status().Update(t.Context(), &o))
	if again := created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), true); again.Status != "failed" || again.CheckoutURL != "" {
		t.Errorf("got %+v", again)
	}
}

// TestKeyOfAnotherBody: a key that was used with another body is a conflict, and creates nothing.
func TestKeyOfAnotherBody(t *testing.T) {
	for name, body := range map[string]string{
		"another link":      `{"paymentLink":"other","namespace":"shop","orderId":"mine","customerId":"c1"}`,
		"no such link":      `{"paymentLink":"none","namespace":"shop","orderId":"mine","customerId":"c1"}`,
		"another namespace": `{"paymentLink":"lifetime","namespace":"annex","orderId":"mine","customerId":"c1"}`,
		"another id":        `{"paymentLink":"lifetime","namespace":"shop","orderId":"yours","customerId":"c1"}`,
		"no id":             `{"paymentLink":"lifetime","namespace":"shop","customerId":"c1"}`,
		"another customer":  `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine","customerId":"c2"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"), fakeshop.Link("other"))
			s.Users.Allow(func(authorizationv1.SubjectAccessReviewSpec) bool { return true })
			created(t, s.Send(asked(t, `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine","customerId":"c1"}`, keyHeader, "k1")), false)
			fakeshop.Refused(t, s.Send(asked(t, body, keyHeader, "k1")), http.StatusConflict, "Idempotency-Key: was used with another body: use a new key for a new order.")
			check.Equal(t, 1, len(s.Orders()), "orders")
		})
	}
}

// TestKeys: another key, or the same key of another caller, is another order. No key finds an order without a key.
func TestKeys(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
	s.Users.Allow(func(authorizationv1.SubjectAccessReviewSpec) bool { return true })
	// Of two callers whose name and key are the same in one piece, each has his own.
	s.Users.Know("a", authenticationv1.UserInfo{Username: "shop"})
	s.Users.Know("b", authenticationv1.UserInfo{Username: "shop-"})
	ids := map[string]bool{}
	for _, row := range [][2]string{{fakeshop.Backend, "first-key"}, {fakeshop.Backend, "First-Key"}, {fakeshop.Backend, "second-key"}, {fakeshop.Stranger, "first-key"}, {"a", "-k"}, {"b", "k"}, {fakeshop.Backend, ""}, {fakeshop.Backend, ""}} {
		r := fakeshop.Post(t, "/api/orders", lifetime, "Authorization", "Bearer "+row[0])
		if row[1] != "" {
			r.Header.Set(keyHeader, row[1])
		}
		ids[created(t, s.Send(r), false).OrderID] = true
	}
	check.Equal(t, 8, len(ids), "orders")
	for _, o := range s.Orders() {
		for _, word := range []string{"first-key", "second-key", "backend", "stranger"} {
			check.Lacks(t, o.Name, word)
		}
	}
}

// TestInvalidKey: an ambiguous key is invalid, and nothing is created.
func TestInvalidKey(t *testing.T) {
	for name, keys := range map[string][]string{
		"empty": {""}, "with a space": {"a b"}, "beyond ASCII": {"schlüssel"}, "with a tab": {"a\tb"}, "too long": {strings.Repeat("k", 256)}, "two": {"a", "b"}, "the same twice": {"a", "a"}, "control": {"a\x7f"},
	} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, fakeshop.Options{Trouble: fakeshop.ReadOnly(t)}, fakeshop.Link("lifetime"))
			r := asked(t, lifetime)
			r.Header[keyHeader] = keys
			p := fakeshop.Refused(t, s.Send(r), http.StatusBadRequest, "Idempotency-Key: must be one key of visible ASCII characters without spaces, 255 at most, such as a UUID.")
			if len(p.Errors) != 1 || p.Errors[0].Field != keyHeader {
				t.Errorf("got fields %+v", p.Errors)
			}
		})
	}
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
	for _, key := range []string{"!", "~", strings.Repeat("k", 255), `"quoted"`} {
		created(t, s.Send(asked(t, lifetime, keyHeader, key)), false)
	}
}

// TestConcurrentKey: of concurrent requests with one key, one creates the order, and all return it.
func TestConcurrentKey(t *testing.T) {
	const body = `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine"}`
	for name, behind := range map[string]bool{"the cache is there": false, "the cache is behind": true} {
		t.Run(name, func(t *testing.T) {
			o, seen := fakeshop.Options{}, make(chan struct{})
			if behind { // for lists, until the first has its order
				o.Cached.List = func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					select {
					case <-seen:
						return c.List(ctx, list, opts...)
					default:
						return nil
					}
				}
			}
			s := fakeshop.New(t, o, fakeshop.Link("lifetime"))
			var crowd sync.WaitGroup
			var mu sync.Mutex
			answers, fresh := map[order]int{}, 0
			for range 40 {
				crowd.Go(func() {
					answer := s.Send(asked(t, body, keyHeader, "k1"))
					replayed := answer.Header().Get("Idempotent-Replayed") == "true"
					got := created(t, answer, replayed)
					mu.Lock()
					defer mu.Unlock()
					answers[got]++
					if !replayed {
						fresh++
					}
				})
			}
			crowd.Wait()
			close(seen)
			if len(answers) != 1 || fresh != 1 || len(s.Orders()) != 1 {
				t.Errorf("got %d creations, %d orders, answers %v, want one order for all", fresh, len(s.Orders()), answers)
			}
		})
	}
}

// TestKeyInOtherNamespace: a stranger's order with the name of a key does not block its owner. The same key in another
// namespace of the owner is another body.
func TestKeyInOtherNamespace(t *testing.T) {
	for name, row := range map[string]struct {
		mayElsewhere bool
		want         int
	}{"a neighbour's": {false, http.StatusCreated}, "his own": {true, http.StatusConflict}} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
			s.Users.Allow(func(spec authorizationv1.SubjectAccessReviewSpec) bool {
				return spec.ResourceAttributes.Namespace == "shop" || row.mayElsewhere
			})
			created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), false)
			made := s.Orders()[0]
			check.Must(t, s.API.Delete(t.Context(), &made))
			s.Put(fakeshop.Order("foreign", func(o *v1alpha1.Order) { o.Namespace, o.Name = "annex", made.Name }))
			answer := s.Send(asked(t, lifetime, keyHeader, "k1"))
			if row.want == http.StatusConflict {
				fakeshop.Refused(t, answer, row.want, "Idempotency-Key: was used with another body")
				return
			}
			if first, again := created(t, answer, false), created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), true); first != again {
				t.Errorf("got %+v, want %+v", again, first)
			}
		})
	}
}

// TestKeyTakenByAnother: where an order of the key's name is another's, which only somebody can have made by hand, the
// caller is told, and nothing is overwritten.
func TestKeyTakenByAnother(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
	created(t, s.Send(asked(t, lifetime, keyHeader, "k1")), false)
	made := s.Orders()[0]
	check.Must(t, s.API.Delete(t.Context(), &made))
	s.Put(fakeshop.Order("foreign", func(o *v1alpha1.Order) {
		o.Name, o.CreationTimestamp = made.Name, metav1.NewTime(fakeshop.Now.Add(-time.Minute))
	}))
	fakeshop.Refused(t, s.Send(asked(t, lifetime, keyHeader, "k1")), http.StatusConflict, "Idempotency-Key: was used with another body")
}
