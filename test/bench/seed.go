package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/testclient"
)

// price of what is sold, in minor units.
const price = 4999

// templates are orders as the API server stores them in etcd: a paid one and one that waits for its payment. A hundred thousand
// orders are copies of them, written to etcd. Through the API server they would take an hour.
type templates struct {
	ready, paid template
	tracked     template // ready, and created where no policy keeps managedFields out
	bytes       int      // of a paid order as the API server sends it
}

// template is an order's value in etcd, and the values that differ in each copy.
type template struct {
	value     []byte
	name, uid []byte
}

// newTemplates pays one order, and creates others that wait.
func (w *environment) newTemplates(ctx context.Context) error {
	tracked, err := w.orders(ctx, 1)
	if err != nil {
		return err
	}
	if err := w.admit(ctx); err != nil {
		return err
	}
	orders, err := w.orders(ctx, 2)
	if err != nil {
		return err
	}
	bodies, err := payments(ctx, orders)
	if err != nil {
		return err
	}
	call, err := w.webhooks(orders, bodies)
	if err != nil {
		return err
	}
	if err := call(ctx, 0); err != nil {
		return err
	}
	for o, into := range map[*v1alpha1.Order]*template{&orders[0]: &w.templates.paid, &orders[1]: &w.templates.ready, &tracked[0]: &w.templates.tracked} {
		value, err := w.etcd.get(ctx, etcdKey(o.Name))
		if err != nil {
			return err
		}
		*into = template{value: value, name: []byte(o.Name), uid: []byte(o.UID)}
	}
	var sold v1alpha1.Order
	if err := w.client.Get(ctx, client.ObjectKeyFromObject(&orders[0]), &sold); err != nil {
		return err
	}
	if sold.Status.Phase != v1alpha1.OrderPaid {
		return fmt.Errorf("the template is %s, not Paid", sold.Status.Phase)
	}
	content, err := json.Marshal(sold)
	w.templates.bytes = len(content)
	return err
}

// admit installs the chart's policy that orders are created without managedFields.
func (w *environment) admit(ctx context.Context) error {
	dir, err := cluster.Repository(ctx)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(dir, "config/admission/untracked_orders.yaml"))
	if err != nil {
		return err
	}
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, object); err != nil {
			return err
		}
		if err := w.client.Create(ctx, object); err != nil {
			return err
		}
	}
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		o := newOrder("probe")
		err := w.client.Create(ctx, o, client.DryRunAll)
		return len(o.ManagedFields) == 0, err // a policy is in force some time after it was created
	})
}

// newOrder returns a new order.
func newOrder(name string) *v1alpha1.Order {
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: price, Currency: "EUR", Livemode: ptr.To(false),
			PaymentLinkURL: "https://buy.stripe.com/test_1",
		},
	}
}

func etcdKey(name string) string {
	return "/registry/" + v1alpha1.GroupVersion.Group + "/orders/" + namespace + "/" + name
}

// copied is a copy of a template: an order, and its value in etcd.
func (t template) copied(name, uid string) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(t.value, t.name, []byte(name)), t.uid, []byte(uid))
}

// seeded are orders that were written to etcd.
type seeded struct {
	names, uids []string
}

// seed writes n copies of a template to etcd.
func (w *environment) seed(ctx context.Context, t template, n int) (seeded, error) {
	w.batches++
	s := seeded{make([]string, n), make([]string, n)}
	for i := range n {
		s.names[i], s.uids[i] = fmt.Sprintf("batch-%03d-%06d", w.batches, i), newUID()
	}
	err := w.etcd.put(ctx, n, func(i int) (string, []byte) { return etcdKey(s.names[i]), t.copied(s.names[i], s.uids[i]) })
	return s, err
}

// newUID returns a UID as the API server makes them.
func newUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// read returns the parts of seeded orders that the bench needs.
func (w *environment) read(ctx context.Context, s seeded) ([]v1alpha1.Order, error) {
	orders := make([]v1alpha1.Order, len(s.names))
	_, err := timed(ctx, len(orders), 8, func(ctx context.Context, i int) error {
		return w.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: s.names[i]}, &orders[i])
	})
	return orders, err
}

// orders creates orders through the API, and returns them when each can be paid.
func (w *environment) orders(ctx context.Context, n int) ([]v1alpha1.Order, error) {
	w.batches++
	prefix := fmt.Sprintf("batch-%03d", w.batches)
	_, err := timed(ctx, n, 8, func(ctx context.Context, i int) error {
		o := newOrder(fmt.Sprintf("%s-%06d", prefix, i))
		o.Labels = map[string]string{"batch": prefix}
		return w.client.Create(ctx, o)
	})
	if err != nil {
		return nil, err
	}
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	var list v1alpha1.OrderList
	if err := w.client.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{"batch": prefix}); err != nil {
		return nil, err
	}
	for i := range list.Items {
		if !testclient.Ready(&list.Items[i]) {
			return nil, fmt.Errorf("the order %s cannot be paid: %+v", list.Items[i].Name, list.Items[i].Status)
		}
	}
	return list.Items, nil
}
