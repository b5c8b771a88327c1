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

// TestSameKey: requests with the same key and body return the same order in its present state, even after its PaymentLink is deleted.
func TestSameKey(t *testing.T) {
	const body = `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine","customerId":"c1"}`
	at := metav1.NewTime(fakeshop.Now)
	for name, row := range map[string]struct {
		change func(*fakeshop.Shop, v1alpha1.Order)
		want   func(*order)
	}{
		"as before": {func(*fakeshop.Shop, v1alpha1.Order) {}, func(*order) {}},
		"paid": {func(s *fakeshop.Shop, _ v1alpha1.Order) {
			_, err := s.Ledger.Apply(t.Context(), payment.Fact{
				EventID: "evt_1", Type: "checkout.session.completed", Created: at, ClientReferenceID: "mine", PaymentIntentID: "pi_1",
				Session: &v1alpha1.SessionFact{ID: "cs_1", Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd", PaymentLinkID: "plink_1", Created: at},
			})
			check.Must(t, err)
		}, func(o *order) { o.Status, o.PaidAt = "paid", "2026-11-23T12:00:00Z" }},
		"its link is deleted": {func(s *fakeshop.Shop, _ v1alpha1.Order) {
			check.Must(t, s.API.Delete(t.Context(), fakeshop.Link("lifetime")))
		}, func(*order) {}},
		"expired": {func(s *fakeshop.Shop, o v1alpha1.Order) {
			o.Status.Phase, o.Status.ExpiredAt, o.Status.CheckoutURL = v1alpha1.OrderFailed, &at, ""
			check.Must(t, s.API.Status().Update(t.Context(), &o))
		}, func(o *order) { o.Status, o.CheckoutURL = "failed", "" }},
	} {
		s := newShop(t, fakeshop.Options{})
		want := create(t, s, body, "k1", false)
		row.change(s, s.Orders()[0])
		row.want(&want)
		for range 3 {
			check.Equal(t, want, create(t, s, body, "k1", true), "%s: order", name)
		}
		check.Equal(t, 1, len(s.Orders()), "%s: orders", name)
		check.Equal(t, 1, s.Counted()[`orders_created_total{checkout="api"}`], "%s: orders counted", name)
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
			s := newShop(t, fakeshop.Options{}, fakeshop.Link("other"))
			s.Users.Allow(func(authorizationv1.SubjectAccessReviewSpec) bool { return true })
			create(t, s, `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine","customerId":"c1"}`, "k1", false)
			fakeshop.Refused(t, s.Send(asked(t, body, keyHeader, "k1")), http.StatusConflict, "Idempotency-Key: was used with another body: use a new key for a new order.")
			check.Equal(t, 1, len(s.Orders()), "orders")
		})
	}
}

// TestKeys: another key, or the same key of another caller, is another order. No key finds an order without a key.
func TestKeys(t *testing.T) {
	s := newShop(t, fakeshop.Options{})
	s.Users.Allow(func(authorizationv1.SubjectAccessReviewSpec) bool { return true })
	// Of two callers whose name and key are the same in one piece, each has his own.
	s.Users.Know("a", authenticationv1.UserInfo{Username: "shop"})
	s.Users.Know("b", authenticationv1.UserInfo{Username: "shop-"})
	ids := map[string]bool{}
	for _, row := range [][2]string{{fakeshop.Backend, "first-key"}, {fakeshop.Backend, "First-Key"}, {fakeshop.Backend, "second-key"}, {fakeshop.OtherUser, "first-key"}, {"a", "-k"}, {"b", "k"}, {fakeshop.Backend, ""}, {fakeshop.Backend, ""}} {
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
			s := newShop(t, readOnly(t))
			r := asked(t, lifetime)
			r.Header[keyHeader] = keys
			p := fakeshop.Refused(t, s.Send(r), http.StatusBadRequest, "Idempotency-Key: must be one key of visible ASCII characters without spaces, 255 at most, such as a UUID.")
			check.Equal(t, []string{keyHeader}, p.Fields(), "fields")
		})
	}
	s := newShop(t, fakeshop.Options{})
	for _, key := range []string{"!", "~", strings.Repeat("k", 255), `"quoted"`} {
		create(t, s, lifetime, key, false)
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
			s := newShop(t, o)
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

// TestKeyTaken: another's order with the name of a key, which only somebody can have made by hand, does not block its owner if it
// is in another namespace. In one where the owner may get it, it is one of another body, and nothing is overwritten.
func TestKeyTaken(t *testing.T) {
	for name, row := range map[string]struct {
		namespace    string
		mayElsewhere bool
		conflict     bool
	}{"in a neighbour's namespace": {"annex", false, false}, "in another of his own": {"annex", true, true}, "in the same": {"shop", false, true}} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, fakeshop.Options{})
			s.Users.Allow(func(spec authorizationv1.SubjectAccessReviewSpec) bool {
				return spec.ResourceAttributes.Namespace == "shop" || row.mayElsewhere
			})
			create(t, s, lifetime, "k1", false)
			made := s.Orders()[0]
			check.Must(t, s.API.Delete(t.Context(), &made))
			s.Put(fakeshop.Order("foreign", func(o *v1alpha1.Order) {
				o.Namespace, o.Name, o.CreationTimestamp = row.namespace, made.Name, metav1.NewTime(fakeshop.Now.Add(-time.Minute))
			}))
			if row.conflict {
				fakeshop.Refused(t, s.Send(asked(t, lifetime, keyHeader, "k1")), http.StatusConflict, "Idempotency-Key: was used with another body")
				return
			}
			check.Equal(t, create(t, s, lifetime, "k1", false), create(t, s, lifetime, "k1", true), "order")
		})
	}
}
