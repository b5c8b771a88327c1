package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// rounds is how many rounds each side has at one concurrency, so that neither profits from the time of its run.
const rounds = 8

// webhookPath compares signed events to the webhook server with the same patches by a client that only patches.
func (w *environment) webhookPath(ctx context.Context, orders int) ([]WebhookRow, error) {
	var rows []WebhookRow
	if _, err := w.compare(ctx, 8, rounds*50); err != nil { // both are warm then
		return nil, err
	}
	for _, concurrency := range []int{1, 8, 32, 128} {
		row, err := w.compare(ctx, concurrency, orders)
		if err != nil {
			return nil, fmt.Errorf("webhooks at concurrency %d: %w", concurrency, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// side makes what one side does for each order.
type side func(orders []v1alpha1.Order, bodies [][]byte) (func(context.Context, int) error, error)

// compare runs both sides by turns. Rates are those of the median round, so that one disturbed round does not decide.
func (w *environment) compare(ctx context.Context, concurrency, orders int) (WebhookRow, error) {
	var webhook, bare, ratios []float64
	var all [2]timings
	for round := range rounds {
		var both [2]timings
		order := []int{0, 1}
		if round%2 == 1 { // neither has the better moment
			order = []int{1, 0}
		}
		for _, i := range order {
			var err error
			if both[i], err = w.turn(ctx, orders/rounds, concurrency, []side{w.webhooks, w.patches}[i]); err != nil {
				return WebhookRow{}, err
			}
			all[i].add(both[i])
		}
		webhook, bare = append(webhook, both[0].rate()), append(bare, both[1].rate())
		ratios = append(ratios, both[0].rate()/both[1].rate())
	}
	row := WebhookRow{Concurrency: concurrency, Orders: orders, Paylink: all[0].side(), Ceiling: all[1].side(), RateRatio: median(ratios)}
	row.Paylink.Rate, row.Ceiling.Rate = median(webhook), median(bare)
	row.P50Ratio = float64(row.Paylink.P50) / float64(row.Ceiling.P50)
	return row, nil
}

// turn makes orders, and has one side pay them.
func (w *environment) turn(ctx context.Context, n, concurrency int, makes side) (timings, error) {
	orders, bodies, err := w.sales(ctx, n)
	if err != nil {
		return timings{}, err
	}
	call, err := makes(orders, bodies)
	if err != nil {
		return timings{}, err
	}
	return w.measured(ctx, n, concurrency, call)
}

// sales stocks orders, and makes the webhook by which each is paid.
func (w *environment) sales(ctx context.Context, n int) ([]v1alpha1.Order, [][]byte, error) {
	seeded, err := w.seed(ctx, w.templates.ready, n)
	if err != nil {
		return nil, nil, err
	}
	orders, err := w.read(ctx, seeded)
	if err != nil {
		return nil, nil, err
	}
	bodies, err := payments(ctx, orders)
	if err != nil {
		return nil, nil, err
	}
	return orders, bodies, w.settle(ctx)
}

// payments returns the webhook by which each order is paid.
func payments(ctx context.Context, orders []v1alpha1.Order) ([][]byte, error) {
	event, err := sample(ctx, "checkout.session.completed.paid")
	if err != nil {
		return nil, err
	}
	bodies := make([][]byte, len(orders))
	for i := range orders {
		if bodies[i], err = paid(event, &orders[i]); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// webhooks is the side of the webhook server.
func (w *environment) webhooks(_ []v1alpha1.Order, bodies [][]byte) (func(context.Context, int) error, error) {
	sender := newSender(w.paylink.Endpoint.Secret, bodies)
	return func(ctx context.Context, i int) error {
		for {
			status, err := sender.send(ctx, w.paylink.Endpoint.URL, i)
			switch {
			case err != nil:
				return err
			case status == http.StatusOK:
				return nil
			case status != http.StatusServiceUnavailable:
				return fmt.Errorf("answered %d", status)
			}
			select { // and sent again, as by Stripe, but soon: it all counts as the latency of one event
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}, nil
}

// sender sends webhooks as Stripe does.
type sender struct {
	secret string
	bodies [][]byte
	client *http.Client
}

func newSender(secret string, bodies [][]byte) *sender {
	return &sender{secret: secret, bodies: bodies, client: &http.Client{Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 8192}}}
}

// send signs and sends one, and returns the status of the answer; -503 is a 503 that does not say when to come back.
func (s *sender) send(ctx context.Context, url string, i int) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(s.bodies[i]))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Stripe-Signature", stripesim.SignatureHeader([]string{s.secret}, time.Now(), s.bodies[i]))
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	if answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
		return -answer.StatusCode, nil
	}
	return answer.StatusCode, nil
}

// patches is the side of a client that only patches.
func (w *environment) patches(orders []v1alpha1.Order, bodies [][]byte) (func(context.Context, int) error, error) {
	api, err := bareClient(w.ceiling.Config) // an administrator's requests would cost the API server less
	if err != nil {
		return nil, err
	}
	patches := make([][]byte, len(orders))
	for i := range orders {
		if _, patches[i], err = settled(context.Background(), &orders[i], bodies[i]); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, i int) error {
		return status(api.Patch(types.MergePatchType).SetHeader("Accept", onlyMetadata).Body(patches[i]), orders[i].Name).Do(ctx).Error()
	}, nil
}

// status makes a request one for the status of an order.
func status(r *rest.Request, name string) *rest.Request {
	return r.AbsPath("/apis", v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "namespaces", namespace, resource, name, "status").Param("fieldManager", ledger.FieldOwner)
}

const resource = "orders"

// bareClient is a client of client-go without rate limits. It does not decode answers.
func bareClient(config *rest.Config) (*rest.RESTClient, error) {
	return rest.UnversionedRESTClientFor(&rest.Config{
		Host: config.Host, TLSClientConfig: config.TLSClientConfig, BearerToken: config.BearerToken, QPS: -1,
		ContentConfig: rest.ContentConfig{NegotiatedSerializer: serializer.NewCodecFactory(runtime.NewScheme()).WithoutConversion()},
	})
}
