package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/cluster"
)

// sample is an event as Stripe sends it. The events of all orders are copies of it.
func sample(ctx context.Context, name string) (map[string]any, error) {
	dir, err := cluster.Repository(ctx)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(dir, "test/stripeevents/testdata", name+".json"))
	if err != nil {
		return nil, err
	}
	var event map[string]any
	return event, json.Unmarshal(content, &event)
}

// paid returns the webhook's body by which an order is paid.
func paid(event map[string]any, order *v1alpha1.Order) ([]byte, error) {
	session, ok := event["data"].(map[string]any)["object"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the sample has no session: %v", event["data"])
	}
	event["id"] = "evt_" + string(order.UID)
	event["created"] = time.Now().Unix()
	session["id"] = "cs_test_" + string(order.UID)
	session["payment_intent"] = "pi_" + string(order.UID)
	session["client_reference_id"] = order.Status.ClientReferenceID
	session["amount_total"], session["currency"] = order.Spec.Amount, "eur"
	return json.MarshalIndent(event, "", "  ") // as Stripe writes it
}

// refunds returns the webhooks that refund the orders of these uids.
func refunds(ctx context.Context, uids []string) ([][]byte, error) {
	event, err := sample(ctx, "charge.refunded.full")
	if err != nil {
		return nil, err
	}
	charge, ok := event["data"].(map[string]any)["object"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the sample has no charge: %v", event["data"])
	}
	charge["amount"], charge["amount_refunded"], charge["refunded"] = price, price, true
	bodies := make([][]byte, len(uids))
	for i, uid := range uids {
		event["id"], event["created"] = "evt_refund_"+uid, time.Now().Unix()
		charge["id"], charge["payment_intent"] = "ch_"+uid, "pi_"+uid
		if bodies[i], err = json.MarshalIndent(event, "", "  "); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// settled returns the order after an event, and the patch that the ledger writes for it.
func settled(ctx context.Context, order *v1alpha1.Order, body []byte) (*v1alpha1.Order, []byte, error) {
	event, err := webhook.Decode(body)
	if err != nil {
		return nil, nil, err
	}
	c := &patchRecorder{order: order}
	l := &ledger.Ledger{Cache: c, Live: c, Writer: c, Clock: clock.RealClock{}, Metrics: metrics.NewLedger(prometheus.NewRegistry())}
	next, _, err := l.Record(ctx, *event.Fact, nil)
	return next, c.patch, err
}

// patchRecorder is a client of one order that records the patch of its status.
type patchRecorder struct {
	client.Client
	order *v1alpha1.Order
	patch []byte
}

func (c *patchRecorder) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if orders, ok := list.(*v1alpha1.OrderList); ok {
		orders.Items = []v1alpha1.Order{*c.order.DeepCopy()}
	}
	return nil
}

func (c *patchRecorder) Status() client.SubResourceWriter { return statusRecorder{patchRecorder: c} }

type statusRecorder struct {
	client.SubResourceWriter
	patchRecorder *patchRecorder
}

func (s statusRecorder) Patch(_ context.Context, o client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) (err error) {
	s.patchRecorder.patch, err = patch.Data(o)
	o.SetResourceVersion(s.patchRecorder.order.ResourceVersion) // as if nobody had written it
	return err
}
