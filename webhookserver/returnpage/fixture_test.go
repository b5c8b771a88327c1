package returnpage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// orderWith is an order with a payment from a webhook.
func orderWith(id string, outcome v1alpha1.Outcome, changes ...func(*v1alpha1.Payment)) *v1alpha1.Order {
	p := v1alpha1.Payment{
		SessionID: "cs_test_" + id, Outcome: outcome, PaymentIntentID: "pi_" + id, Amount: 19900, Currency: "usd", PaymentLinkID: "plink_1", Created: metav1.NewTime(fakeshop.Now),
	}
	for _, change := range changes {
		change(&p)
	}
	return fakeshop.Order(id, func(o *v1alpha1.Order) { o.Status.Payments = []v1alpha1.Payment{p} })
}

func refunded(p *v1alpha1.Payment) { p.FullyRefunded, p.AmountRefunded = true, p.Amount }
func refundFailed(p *v1alpha1.Payment) {
	p.FailedRefunds = []v1alpha1.FailedRefund{{ID: "re_1", Amount: p.Amount}}
}
func wrongAmount(p *v1alpha1.Payment) { p.Amount = 100 }

// newShop is a read-only shop with the orders of newObjects.
func newShop(t testing.TB, o fakeshop.Options) *fakeshop.Shop {
	t.Helper()
	o.Cached, o.Failures = fakeshop.ReadOnly(t), fakeshop.ReadOnly(t)
	return fakeshop.New(t, o, newObjects()...)
}

func newObjects() []client.Object {
	waits := func(o *v1alpha1.Order) { o.Spec.ExpiresAfter = &metav1.Duration{Duration: time.Minute} }
	return []client.Object{
		fakeshop.Link("lifetime"),
		orderWith("paid", v1alpha1.OutcomePaid), orderWith("refunded", v1alpha1.OutcomePaid, refunded), orderWith("refundFailed", v1alpha1.OutcomePaid, refunded, refundFailed), orderWith("failed", v1alpha1.OutcomeFailed),
		orderWith("underway", v1alpha1.OutcomeUnpaid), orderWith("mismatch", v1alpha1.OutcomePaid, wrongAmount), fakeshop.Order("new"), fakeshop.Order("late", waits),
	}
}

// stripe is a fake Stripe. It has sessions of the orders new and late in every state, with ids such as cs_test_newopen.
func stripe(_ context.Context, id string) (stripeclient.Session, error) {
	fact := payment.Fact{Type: "checkout.session.completed", Session: &v1alpha1.SessionFact{
		ID: id, Outcome: v1alpha1.OutcomeUnpaid, Amount: 19900, Currency: "usd", PaymentLinkID: "plink_1", Created: metav1.NewTime(fakeshop.Now),
	}}
	for _, order := range []string{"new", "late", "theirs", "none"} {
		state, ok := strings.CutPrefix(id, "cs_test_"+order)
		if !ok {
			continue
		}
		if order != "none" {
			fact.ClientReferenceID = order
		}
		switch state {
		case "open":
			return stripeclient.Session{Status: stripeclient.SessionOpen, Fact: fact}, nil
		case "ended":
			return stripeclient.Session{Status: stripeclient.SessionExpired, Fact: fact}, nil
		case "mismatch":
			fact.Session.Amount = 100
			fallthrough
		case "paid":
			fact.Session.Outcome = v1alpha1.OutcomePaid
		}
		return stripeclient.Session{Status: stripeclient.SessionComplete, Fact: fact}, nil
	}
	if id == "cs_test_away" {
		return stripeclient.Session{}, fmt.Errorf("%w: status 500", stripeclient.ErrCallFailed)
	}
	return stripeclient.Session{}, stripeclient.ErrNoSuchObject
}
