package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// writes measures what a status write costs in each variant, and then in clusters that run otherwise. A quick run leaves out
// those that take long to set up.
func (w *environment) writes(ctx context.Context, n int, quick bool) ([]WriteRow, error) {
	all := variants()
	if quick {
		all = slices.DeleteFunc(all, func(v variant) bool { return v.stopped || v.crd != nil })
	}
	if _, err := w.write(ctx, all[0], n); err != nil { // all is warm then
		return nil, err
	}
	var rows []WriteRow
	for _, v := range all {
		row, err := w.write(ctx, v, n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		rows = append(rows, row)
	}
	others := []struct {
		name, gogc string
		flags      []string
	}{
		{"merge patch, API server with GOGC=400", "400", nil},
		{"merge patch, API server that keeps CBOR in etcd (alpha)", "", []string{"--feature-gates=CBORServingAndStorage=true"}},
	}
	if quick {
		others = nil
	}
	for _, c := range others {
		row, err := inOtherCluster(ctx, all[0], n, c.gogc, c.flags)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		row.Variant = c.name
		rows = append(rows, row)
	}
	sale, err := w.sale(ctx, n)
	if err != nil {
		return nil, err
	}
	rows = append(rows, sale)
	for i := range rows {
		rows[i].Ratio = float64(rows[i].APIServer) / float64(rows[0].APIServer)
	}
	return rows, nil
}

// sale measures the three writes of a sale: creation, checkout URL and payment.
func (w *environment) sale(ctx context.Context, n int) (WriteRow, error) {
	before, err := w.cpu()
	if err != nil {
		return WriteRow{}, err
	}
	orders, err := w.orders(ctx, n)
	if err != nil {
		return WriteRow{}, err
	}
	bodies, err := payments(ctx, orders)
	if err != nil {
		return WriteRow{}, err
	}
	pay, err := w.webhooks(orders, bodies)
	if err != nil {
		return WriteRow{}, err
	}
	if _, err := timed(ctx, n, 8, pay); err != nil {
		return WriteRow{}, err
	}
	if err := w.settle(ctx); err != nil {
		return WriteRow{}, err
	}
	after, err := w.cpu()
	of := func(program string) time.Duration { return (after[program] - before[program]) / time.Duration(n) }
	return WriteRow{
		Variant: "a whole sale: created, checkout URL, paid", APIServer: of("kube-apiserver"), Etcd: of("etcd"), Bytes: w.templates.bytes,
	}, err
}

// inOtherCluster measures a variant in another cluster, with another GOGC unless that is empty.
func inOtherCluster(ctx context.Context, v variant, n int, gogc string, flags []string) (row WriteRow, err error) {
	if gogc != "" {
		before, was := os.LookupEnv("GOGC")
		if err := os.Setenv("GOGC", gogc); err != nil { // which the cluster's processes inherit
			return row, err
		}
		defer func() {
			if was {
				_ = os.Setenv("GOGC", before)
			} else {
				_ = os.Unsetenv("GOGC")
			}
		}()
	}
	w, err := startEnvironment(ctx, flags...)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if _, err := w.write(ctx, v, n); err != nil { // all is warm then
		return row, err
	}
	return w.write(ctx, v, n)
}

// write measures one variant.
func (w *environment) write(ctx context.Context, v variant, n int) (row WriteRow, err error) {
	if v.crd != nil {
		if err := w.define(ctx, v.crd); err != nil {
			return row, err
		}
		defer func() {
			if e := w.define(ctx, func(*apiextensionsv1.CustomResourceDefinition) {}); err == nil {
				err = e
			}
		}()
	}
	from := w.templates.ready
	if v.tracked {
		from = w.templates.tracked
	}
	seeded, err := w.seed(ctx, from, n)
	if err != nil {
		return row, err
	}
	orders, err := w.read(ctx, seeded)
	if err != nil {
		return row, err
	}
	call, err := w.writer(ctx, v, orders)
	if err != nil {
		return row, err
	}
	programs := []string{"kube-apiserver", "etcd", "webhookserver", "controller"}
	if v.stopped {
		if err := w.stopServers(); err != nil {
			return row, err
		}
		defer func() {
			if _, e := w.restartAll(ctx); err == nil {
				err = e
			}
		}()
		programs = programs[:2]
	}
	if err := w.settleOf(ctx, programs...); err != nil {
		return row, err
	}
	l, err := w.measured(ctx, n, 8, call)
	if err != nil {
		return row, err
	}
	var after v1alpha1.Order
	if err := w.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: seeded.names[0]}, &after); err != nil {
		return row, err
	}
	if after.Status.Phase != v1alpha1.OrderPaid {
		return row, fmt.Errorf("wrote nothing: the order is %s", after.Status.Phase)
	}
	content, err := json.Marshal(after)
	cpu := l.side().CPU
	return WriteRow{Variant: v.name, APIServer: cpu["kube-apiserver"], Etcd: cpu["etcd"], Bytes: len(content)}, err
}

// writer makes the requests of a variant.
func (w *environment) writer(ctx context.Context, v variant, orders []v1alpha1.Order) (func(context.Context, int) error, error) {
	api, err := bareClient(w.cluster.Config())
	if err != nil {
		return nil, err
	}
	bodies, err := payments(ctx, orders)
	if err != nil {
		return nil, err
	}
	patches, wholes := make([][]byte, len(orders)), make([][]byte, len(orders))
	for i := range orders {
		next, patch, err := settled(ctx, &orders[i], bodies[i])
		if err != nil {
			return nil, err
		}
		next.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Order"}
		patches[i] = patch
		if wholes[i], err = json.Marshal(next); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, i int) error {
		return status(v.request(api, patches[i], wholes[i]), orders[i].Name).Do(ctx).Error()
	}, nil
}
