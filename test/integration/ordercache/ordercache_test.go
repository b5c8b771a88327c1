package ordercache_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/ordercache"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
)

// world counts the changes that shops make to their orders.
type world struct {
	*testing.T
	done atomic.Int64
}

// shop makes random changes to orders until the context ends.
func (w *world) shop(ctx context.Context, seed int64) {
	r := rand.New(rand.NewSource(seed))
	for n := 0; ctx.Err() == nil; n++ {
		o := &v1alpha1.Order{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespaces[r.Intn(len(namespaces))], Name: fmt.Sprint("order-", r.Intn(25)),
		}}
		do := w.create
		switch r.Intn(10) {
		case 0, 1, 2:
			do = w.pay
		case 3:
			do = w.label
		case 4, 5:
			do = w.remove
		}
		// A change that the API server refuses is done. A change that does not reach it is tried again.
		err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			err := do(ctx, o.DeepCopy(), fmt.Sprintf("%d-%d", seed, n))
			return err == nil || !transient(err), nil
		})
		if err == nil {
			w.done.Add(1)
		}
	}
}

func (w *world) create(ctx context.Context, o *v1alpha1.Order, id string) error {
	o.Spec = v1alpha1.OrderSpec{ProductID: "lifetime", Amount: 19900, Currency: "USD", PaymentLinkURL: "https://buy.stripe.com/abc123"}
	o.Annotations = map[string]string{"said": "by " + id}
	if len(id)%2 == 0 {
		o.Spec.OrderID = "id-" + id
		o.Finalizers = []string{"paylink.dev/books"}
	}
	return api.Create(ctx, o)
}

func (w *world) pay(ctx context.Context, o *v1alpha1.Order, id string) error {
	at := metav1.Unix(1_760_000_000, 0)
	status, err := json.Marshal(map[string]any{"status": v1alpha1.OrderStatus{
		Phase: v1alpha1.OrderPaid, ClientReferenceID: "ref-" + o.Name, PaidAt: &at,
		Payments: []v1alpha1.Payment{{
			SessionID: "cs_" + id, Outcome: v1alpha1.OutcomePaid, PaymentIntentID: "pi_" + o.Name, Amount: 19900, Currency: "usd", Livemode: true, Created: at,
		}},
	}})
	if err != nil {
		w.Error(err)
	}
	return api.Status().Patch(ctx, o, client.RawPatch(types.MergePatchType, status))
}

func (w *world) label(ctx context.Context, o *v1alpha1.Order, id string) error {
	return api.Patch(ctx, o, client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"labels":{"by":"shop-%s",%q:"public"}}}`, id, v1alpha1.LabelCheckout)))
}

// remove deletes an order, or removes the finalizer of an order that is being deleted.
func (w *world) remove(ctx context.Context, o *v1alpha1.Order, _ string) error {
	if err := api.Delete(ctx, o); err != nil {
		return err
	}
	if rand.Intn(2) == 0 {
		return nil
	}
	return api.Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))
}

// more waits until the shops have made n more changes.
func (w *world) more(n int64) {
	w.Helper()
	from := w.done.Load()
	eventually(w.T, "the shops go on", func() (bool, string) { return w.done.Load() >= from+n, fmt.Sprint(w.done.Load() - from) })
}

// TestCachesAgree compares the caches with the API server, after changes to orders while the API server restarts and crashes.
func TestCachesAgree(t *testing.T) {
	outages := map[string]func(*cluster.Cluster) error{
		"restart": (*cluster.Cluster).RestartAPIServer,
		"crash": func(c *cluster.Cluster) error {
			if err := c.KillAPIServer(); err != nil {
				return err
			}
			return c.StartAPIServer()
		},
	}
	w := &world{T: t}
	subjects := []*subject{
		open(t, "all namespaces", ordercache.New),
		open(t, "two namespaces", ordercache.New, namespaces[:2]...),
		open(t, "controller-runtime's own", cache.New),
	}
	ctx, cancel := context.WithCancel(t.Context())
	var shops sync.WaitGroup
	for seed := range 4 {
		shops.Go(func() { w.shop(ctx, int64(seed)) })
	}
	defer shops.Wait()
	defer cancel()
	for range 2 {
		for name, outage := range outages {
			w.more(150)
			for _, s := range subjects {
				s.addSource(t)
			}
			if err := outage(shared); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	w.more(150)
	cancel()
	shops.Wait()

	var live v1alpha1.OrderList
	check.Must(t, api.List(t.Context(), &live))
	t.Logf("%d changes, %d orders in the end", w.done.Load(), len(live.Items))
	for _, s := range subjects {
		s.compare(t, live.Items)
	}
}

// compare waits until a cache has all orders, and then finds each order in every way.
func (s *subject) compare(t *testing.T, live []v1alpha1.Order) {
	t.Helper()
	want := map[types.NamespacedName]*v1alpha1.Order{}
	for i := range live {
		o := &live[i]
		if _, err := ordercache.StripMetadata(o); err != nil {
			t.Fatal(err)
		}
		o.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Order"))
		if len(s.watches) == 0 || slices.Contains(s.watches, o.Namespace) {
			want[client.ObjectKeyFromObject(o)] = o
		}
	}
	eventually(t, s.name+" has all orders", func() (bool, string) { return s.knows(t, want) })
	for key, o := range want {
		var got v1alpha1.Order
		if err := s.Get(t.Context(), key, &got); err != nil || !equality.Semantic.DeepEqual(&got, o) {
			t.Errorf("%s has %s, %v: %s", s.name, key, err, cmp.Diff(o, &got))
		}
		for index, values := range map[string][]string{
			ledger.IndexReference: ledger.ByReference(o), ledger.IndexSession: ledger.BySession(o), ledger.IndexPaymentIntent: ledger.ByPaymentIntent(o),
		} {
			for _, value := range values {
				s.finds(t, o, index, value)
			}
		}
	}
	for _, o := range s.sources {
		eventually(t, "a source of "+s.name+" has all changes", func() (bool, string) { return o.knows(want) })
		for _, problem := range o.problems {
			t.Errorf("%s: %s", s.name, problem)
		}
	}
}

// knows reports whether the cache has these orders in their current versions, and no others.
func (s *subject) knows(t *testing.T, want map[types.NamespacedName]*v1alpha1.Order) (bool, string) {
	var list v1alpha1.OrderList
	if err := s.List(t.Context(), &list); err != nil {
		return false, err.Error()
	}
	for i := range list.Items {
		o := &list.Items[i]
		if is := want[client.ObjectKeyFromObject(o)]; is == nil || is.ResourceVersion != o.ResourceVersion {
			return false, fmt.Sprintf("%s/%s at %s is not there", o.Namespace, o.Name, o.ResourceVersion)
		}
	}
	return len(list.Items) == len(want), fmt.Sprintf("%d of %d", len(list.Items), len(want))
}

// finds checks that an index finds an order in its namespace.
func (s *subject) finds(t *testing.T, o *v1alpha1.Order, index, value string) {
	t.Helper()
	var found v1alpha1.OrderList
	check.Must(t, s.List(t.Context(), &found, client.InNamespace(o.Namespace), client.MatchingFields{index: value}))
	if !slices.ContainsFunc(found.Items, func(f v1alpha1.Order) bool { return equality.Semantic.DeepEqual(&f, o) }) {
		t.Errorf("%s does not find %s/%s by %s=%s", s.name, o.Namespace, o.Name, index, value)
	}
}
