package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
)

// scale measures the servers with growing numbers of orders, half of which are paid.
func (w *environment) scale(ctx context.Context, sizes []int, batchSize int, rest time.Duration) ([]ScaleRow, error) {
	var rows []ScaleRow
	there := 0
	empty, err := w.restartAll(ctx)
	if err != nil {
		return nil, err
	}
	for _, size := range sizes {
		if err := w.stopServers(); err != nil {
			return nil, err
		}
		unpaid, paid := (size-there)/2, size-there-(size-there)/2
		ready, err := w.seed(ctx, w.templates.ready, unpaid)
		if err != nil {
			return nil, err
		}
		if _, err := w.seed(ctx, w.templates.paid, paid); err != nil {
			return nil, err
		}
		there = size
		if err := w.settleOf(ctx, "kube-apiserver", "etcd"); err != nil {
			return nil, err
		}
		row, err := w.restartAll(ctx)
		if err != nil {
			return nil, err
		}
		row.Orders, row.ObjectBytes = size, w.templates.bytes
		if err := w.measureScale(ctx, &row, ready, min(batchSize, unpaid), rest); err != nil {
			return nil, fmt.Errorf("with %d orders: %w", size, err)
		}
		row.WebhookPerOrder = float64(row.WebhookResident-empty.WebhookResident) / float64(size)
		row.ControllerPerOrder = float64(row.ControllerResident-empty.ControllerResident) / float64(size)
		rows = append(rows, row)
	}
	return rows, nil
}

// stopServers stops the servers.
func (w *environment) stopServers() error {
	delete(w.processes, "webhookserver")
	delete(w.processes, "controller")
	return errors.Join(w.paylink.Webhook.Stop(), w.paylink.Controller.Stop())
}

// restartAll restarts the servers, and returns the times of their starts and their memory at rest.
func (w *environment) restartAll(ctx context.Context) (row ScaleRow, err error) {
	if err := w.stopServers(); err != nil {
		return row, err
	}
	for _, s := range []struct {
		name   string
		server *stack.Server
		took   *time.Duration
	}{{"webhookserver", w.paylink.Webhook, &row.WebhookReady}, {"controller", w.paylink.Controller, &row.ControllerReady}} {
		begin := time.Now()
		if err := s.server.Start(ctx); err != nil {
			return row, err
		}
		*s.took = time.Since(begin)
		if err := w.find(s.name); err != nil {
			return row, err
		}
		if err := w.settleOf(ctx, s.name, "kube-apiserver", "etcd"); err != nil {
			return row, err
		}
	}
	return row, w.resident(&row)
}

// resident reads the memory that each program uses.
func (w *environment) resident(row *ScaleRow) error {
	for name, into := range map[string]*int64{
		"webhookserver": &row.WebhookResident, "controller": &row.ControllerResident,
		"kube-apiserver": &row.APIServerResident, "etcd": &row.EtcdResident,
	} {
		u, err := w.processes[name].usage()
		if err != nil {
			return err
		}
		*into = u.Resident
	}
	return nil
}

// measureScale measures all but what a start tells. ready are orders that can be paid.
func (w *environment) measureScale(ctx context.Context, row *ScaleRow, ready seeded, batchSize int, rest time.Duration) (err error) {
	if row.ControllerIdle, err = w.idle(ctx, "controller", rest); err != nil {
		return err
	}
	if err := w.list(ctx, row); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	ready.names, ready.uids = ready.names[:batchSize], ready.uids[:batchSize]
	orders, err := w.read(ctx, ready)
	if err != nil {
		return err
	}
	if err := w.payAndRefund(ctx, row, orders); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	if err := w.resident(row); err != nil { // after work, when what the start took may be given back
		return err
	}
	size, err := w.etcd.size(ctx)
	row.EtcdPerOrder = float64(size) / float64(row.Orders)
	return err
}

// payAndRefund pays one half of the orders by webhooks and the other half as the ceiling does, and then gives the money of the
// first back by webhooks that name the PaymentIntent alone.
func (w *environment) payAndRefund(ctx context.Context, row *ScaleRow, orders []v1alpha1.Order) error {
	bodies, err := payments(ctx, orders)
	if err != nil {
		return err
	}
	var webhook, bare timings
	const quarters = 4
	quarter := len(orders) / quarters
	for i := range quarters {
		from := i * quarter
		total, makes := &webhook, side(w.webhooks)
		if i == 1 || i == 2 { // in the order in which neither has the better moment
			total, makes = &bare, w.patches
		}
		call, err := makes(orders[from:from+quarter], bodies[from:from+quarter])
		if err != nil {
			return err
		}
		l, err := w.measured(ctx, quarter, 32, call)
		if err != nil {
			return err
		}
		total.add(l)
		if err := w.settle(ctx); err != nil {
			return err
		}
	}
	row.Paylink, row.Ceiling = webhook.side(), bare.side()
	return w.refund(ctx, row, orders[:min(quarter, 500)])
}

// refund gives the money of orders back.
func (w *environment) refund(ctx context.Context, row *ScaleRow, orders []v1alpha1.Order) error {
	uids := make([]string, len(orders))
	for i := range orders {
		uids[i] = string(orders[i].UID)
	}
	bodies, err := refunds(ctx, uids)
	if err != nil {
		return err
	}
	before, err := w.liveReads(ctx)
	if err != nil {
		return err
	}
	refund, err := w.webhooks(orders, bodies)
	if err != nil {
		return err
	}
	l, err := timed(ctx, len(bodies), 1, refund)
	if err != nil {
		return err
	}
	row.RefundP50 = l.quantile(.5)
	after, err := w.liveReads(ctx)
	row.LiveReads = after - before
	return err
}

// idle returns the part of a core that a program uses while it is only scraped.
func (w *environment) idle(ctx context.Context, name string, span time.Duration) (float64, error) {
	period := min(15*time.Second, span) // as Prometheus comes, or nearly so
	before, err := w.processes[name].usage()
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	for time.Since(begin) < span {
		if _, err := fetch(ctx, http.DefaultClient, w.paylink.Controller.Metrics); err != nil {
			return 0, err
		}
		select {
		case <-time.After(period):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	after, err := w.processes[name].usage()
	return float64(after.CPU-before.CPU) / float64(time.Since(begin)), err
}

// list lists all orders from the API server's cache, as a server does at its start without streaming.
func (w *environment) list(ctx context.Context, row *ScaleRow) error {
	api, err := rest.HTTPClientFor(w.cluster.Config())
	if err != nil {
		return err
	}
	url := w.apiServer() + "/apis/" + v1alpha1.GroupVersion.String() + "/orders?resourceVersion=0"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept-Encoding", "identity")
	before, err := w.processes["kube-apiserver"].usage()
	if err != nil {
		return err
	}
	begin := time.Now()
	answer, err := api.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if row.ListBytes, err = io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	row.ListTime = time.Since(begin)
	after, err := w.processes["kube-apiserver"].usage()
	row.ListCPU = after.CPU - before.CPU
	return err
}

// liveReads returns how often the webhook server read an order from the API server.
func (w *environment) liveReads(ctx context.Context) (float64, error) {
	text, err := fetch(ctx, http.DefaultClient, w.paylink.Webhook.Metrics)
	if err != nil {
		return 0, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, m := range families["paylink_ledger_live_reads_total"].GetMetric() {
		sum += m.GetCounter().GetValue()
	}
	return sum, nil
}
