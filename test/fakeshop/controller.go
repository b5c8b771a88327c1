package fakeshop

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/controllers/order"
	"github.com/paylink-dev/paylink/controllers/paymentlink"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
)

// controller has the real reconcilers, which reconcile an order at once when it is created.
type controller struct {
	api    client.WithWatch
	clock  clock.PassiveClock
	orders *order.Reconciler
	links  *paymentlink.Reconciler
	// instead updates a new order in place of the reconcilers; nil: they do.
	instead func(*v1alpha1.Order)

	mu   sync.Mutex
	away bool
	made int
}

func newController(api client.WithWatch, l *ledger.Ledger, c clock.PassiveClock) *controller {
	return &controller{
		api: api, clock: c,
		orders: &order.Reconciler{
			Client: api, Ledger: l, Clock: c, Recorder: &events.FakeRecorder{}, Metrics: metrics.NewController(prometheus.NewRegistry()),
		},
		links: &paymentlink.Reconciler{Client: api, Clock: c},
	}
}

// create completes a new order as the API server does, and then reconciles it unless the controller is away.
func (c *controller) create(ctx context.Context, api client.WithWatch, o client.Object, opts ...client.CreateOption) error {
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return fmt.Errorf("got a create of a %T, want an Order", o)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	made := order.DeepCopy()
	made.UID = types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012d", c.made+1))
	made.CreationTimestamp = metav1.NewTime(c.clock.Now())
	made.Generation = 1
	made.Status = v1alpha1.OrderStatus{Phase: v1alpha1.OrderPending} // the CRD's default
	if err := api.Create(ctx, made, opts...); err != nil {
		return err
	}
	c.made++
	made.DeepCopyInto(order)
	switch {
	case c.away:
		return nil
	case c.instead != nil:
		c.instead(made)
		return c.api.Status().Update(ctx, made)
	}
	_, err := c.orders.Reconcile(ctx, made)
	return err
}

// reconcile reconciles all links and orders.
func (c *controller) reconcile(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var links v1alpha1.PaymentLinkList
	var orders v1alpha1.OrderList
	if err := errors.Join(c.api.List(ctx, &links), c.api.List(ctx, &orders)); err != nil {
		return err
	}
	var failed []error
	for i := range links.Items {
		_, err := c.links.Reconcile(ctx, &links.Items[i])
		failed = append(failed, err)
	}
	for i := range orders.Items {
		_, err := c.orders.Reconcile(ctx, &orders.Items[i])
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// Away stops the controller: new orders do not become ready.
func (s *Shop) Away() {
	s.controller.mu.Lock()
	defer s.controller.mu.Unlock()
	s.controller.away = true
}

// Reconcile starts the controller, and reconciles all links and orders.
func (s *Shop) Reconcile() {
	s.t.Helper()
	s.controller.mu.Lock()
	s.controller.away = false
	s.controller.mu.Unlock()
	s.must(s.controller.reconcile(s.t.Context()))
}

// Orders returns all orders.
func (s *Shop) Orders() []v1alpha1.Order {
	s.t.Helper()
	var list v1alpha1.OrderList
	s.must(s.API.List(s.t.Context(), &list))
	return list.Items
}

// Put creates or updates an object, and reconciles it.
func (s *Shop) Put(o client.Object) {
	s.t.Helper()
	before := o.DeepCopyObject().(client.Object)
	err := s.API.Get(s.t.Context(), client.ObjectKeyFromObject(o), before)
	switch {
	case apierrors.IsNotFound(err):
		err = s.API.Create(s.t.Context(), o)
	case err == nil:
		o.SetResourceVersion(before.GetResourceVersion())
		o.SetGeneration(before.GetGeneration() + 1)
		err = s.API.Update(s.t.Context(), o)
	}
	s.must(err)
	s.Reconcile()
}
