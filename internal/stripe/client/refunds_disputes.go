package client

import (
	"context"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v76/form"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// Disputes returns what webhooks would state of the disputes of a PaymentIntent as they are now.
func (c *Client) Disputes(ctx context.Context, intent string) ([]payment.Fact, error) {
	return c.refundsOrDisputes(ctx, intent, webhook.TypeDisputeUpdated,
		call{operation: "disputes.list", path: "/v1/disputes", needs: "read access to Disputes"})
}

// FailedRefunds returns what webhooks would state of those refunds of a PaymentIntent that did not reach the buyer.
func (c *Client) FailedRefunds(ctx context.Context, intent string) ([]payment.Fact, error) {
	return c.refundsOrDisputes(ctx, intent, webhook.TypeRefundFailed,
		call{operation: "refunds.list", path: "/v1/refunds", needs: "read access to Charges and Refunds"})
}

// refundsOrDisputes asks for what came after a payment, of which there is little: one page holds all.
func (c *Client) refundsOrDisputes(ctx context.Context, intent, eventType string, one call) ([]payment.Fact, error) {
	one.form = &form.Values{}
	one.form.Add("payment_intent", intent)
	got, answered, err := askPage[webhook.Object](ctx, c, one)
	if err != nil {
		return nil, err
	}
	var facts []payment.Fact
	for i := range got.Data {
		item := &got.Data[i]
		if string(item.PaymentIntent) != intent {
			continue // whatever else an answer holds
		}
		reported := answered
		if reported.IsZero() {
			reported = time.Time(item.Created)
		}
		fact := payment.Fact{
			EventID: fmt.Sprintf("%s:%s", item.ID, item.Status), Type: eventType,
			Created: metav1.NewTime(reported.UTC()), Livemode: c.Live(), PaymentIntentID: intent,
		}
		if !webhook.ReadFact(eventType, item, &fact) {
			continue
		}
		if err := validate(&fact); err != nil {
			return nil, err
		}
		facts = append(facts, fact)
	}
	return facts, nil
}
