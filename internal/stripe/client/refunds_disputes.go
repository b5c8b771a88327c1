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

// Disputes returns the facts of a PaymentIntent's disputes in their present state.
func (c *Client) Disputes(ctx context.Context, intent string) ([]payment.Fact, error) {
	return c.refundsOrDisputes(ctx, intent, webhook.TypeDisputeUpdated,
		request{operation: "disputes.list", path: "/v1/disputes", permission: "read access to Disputes"})
}

// FailedRefunds returns the facts of a PaymentIntent's refunds that did not reach the buyer.
func (c *Client) FailedRefunds(ctx context.Context, intent string) ([]payment.Fact, error) {
	return c.refundsOrDisputes(ctx, intent, webhook.TypeRefundFailed,
		request{operation: "refunds.list", path: "/v1/refunds", permission: "read access to Charges and Refunds"})
}

// refundsOrDisputes lists the refunds or disputes of a PaymentIntent as facts of an event type. It reads one page, which
// holds all of them.
func (c *Client) refundsOrDisputes(ctx context.Context, intent, eventType string, r request) ([]payment.Fact, error) {
	r.form = &form.Values{}
	r.form.Add("payment_intent", intent)
	got, date, err := getPage[webhook.Object](ctx, c, r)
	if err != nil {
		return nil, err
	}
	var facts []payment.Fact
	for i := range got.Data {
		item := &got.Data[i]
		if string(item.PaymentIntent) != intent {
			continue // Stripe filters too; a fact must never reach another payment
		}
		reported := date
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
