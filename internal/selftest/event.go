package selftest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// sendPayment sends the event that pays the order. As Stripe does, it repeats the event while the server fails.
func (o *Options) sendPayment(ctx context.Context, order *v1alpha1.Order) error {
	body, err := o.newEvent(order)
	if err != nil {
		return err
	}
	var failure error
	err = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		status, err := o.post(ctx, body)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				failure = err
			}
			return false, nil
		case status == http.StatusOK:
			return true, nil
		case status == http.StatusBadRequest:
			return false, errors.New("it refused the signature or its time: does it mount the same Secret, and do the clocks agree? A changed Secret reaches it after about a minute")
		case status < http.StatusInternalServerError:
			return false, fmt.Errorf("it answers %d: is %s the webhook server's route?", status, o.URL)
		}
		failure = fmt.Errorf("it answers %d", status)
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("send the webhook server an event: %w", errors.Join(failure, err))
	}
	return nil
}

// newEvent returns the event of the order's payment, with the fields that the webhook server reads.
func (o *Options) newEvent(order *v1alpha1.Order) ([]byte, error) {
	id, now := rand.Text(), o.Clock.Now().Unix()
	body, err := json.Marshal(map[string]any{
		"id": "evt_selftest_" + id, "object": "event", "type": "checkout.session.completed", "created": now, "livemode": false,
		"data": map[string]any{"object": map[string]any{
			"id": "cs_test_selftest_" + id, "object": "checkout.session", "created": now, "livemode": false,
			"client_reference_id": order.Status.ClientReferenceID, "payment_intent": "pi_selftest_" + id,
			"amount_total": order.Spec.Amount, "currency": "usd", "mode": "payment", "status": "complete", "payment_status": "paid",
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	return body, nil
}

// post sends a body with a fresh signature. It returns the status of the response.
func (o *Options) post(ctx context.Context, body []byte) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", webhook.Sign(body, o.Clock.Now(), o.Secrets))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
