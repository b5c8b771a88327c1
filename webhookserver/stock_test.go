package webhookserver_test

import (
	"context"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/internal/stripeapi"
)

// stock is what a store has: links of each kind, and orders of each phase.
func stock() []client.Object {
	return []client.Object{
		link("lifetime", true, true), link("backstage", false, true), link("soon", true, false), link("later", false, false),
		known("pending", v1alpha1.OrderPending, v1alpha1.Payment{}),
		known("paid", v1alpha1.OrderPaid, v1alpha1.Payment{Outcome: v1alpha1.OutcomePaid}),
		known("failed", v1alpha1.OrderFailed, v1alpha1.Payment{Outcome: v1alpha1.OutcomeFailed}),
		known("refunded", v1alpha1.OrderRefunded, v1alpha1.Payment{Outcome: v1alpha1.OutcomePaid, FullyRefunded: true, AmountRefunded: 19900}),
	}
}

func link(name string, public, isReady bool) *v1alpha1.PaymentLink {
	live, status := false, metav1.ConditionFalse
	if isReady {
		status = metav1.ConditionTrue
	}
	return &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("link-" + name)},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: name, ProductName: "Lifetime", Amount: 19900, Currency: "USD", Livemode: &live, URL: "https://buy.stripe.com/" + name,
			PublicCheckout: public,
		},
		Status: v1alpha1.PaymentLinkStatus{Price: "199.00 USD", Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status}}},
	}
}

// sessionOf is the id of the session that paid an order.
func sessionOf(name string) string { return "cs_test_" + name }

// known is an order of the namespace shop, which goes by its name, with the payment of its session where there is one.
func known(name string, phase v1alpha1.OrderPhase, p v1alpha1.Payment) *v1alpha1.Order {
	live := false
	o := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "order-" + name, UID: types.UID("uid-" + name), CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", Amount: 19900, Currency: "USD", Livemode: &live, OrderID: name,
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
		},
		Status: v1alpha1.OrderStatus{Phase: phase, AmountRefunded: p.AmountRefunded, Total: "199.00 USD"},
	}
	ready(o)
	if p.Outcome == "" {
		return o
	}
	p.SessionID, p.Amount, p.Currency, p.PaymentIntentID = sessionOf(name), 19900, "usd", "pi_"+name
	o.Status.Payments = []v1alpha1.Payment{p}
	if p.Outcome == v1alpha1.OutcomePaid {
		o.Status.PaidAt = &metav1.Time{Time: now}
	}
	return o
}

// stripeSays answers for Stripe: of a session named after its state, which is for the order "pending".
type stripeSays struct{}

func (stripeSays) Session(_ context.Context, id string) (stripeapi.Session, error) {
	state := strings.TrimPrefix(id, "cs_test_")
	session := stripeapi.Session{Status: state, Fact: payment.Fact{ClientReferenceID: "pending", PaymentIntentID: "pi_1", Session: &v1alpha1.SessionFact{
		ID: id, Outcome: v1alpha1.OutcomePaid, Amount: 19900, Currency: "usd",
	}}}
	switch state {
	case stripeapi.SessionOpen, stripeapi.SessionComplete, stripeapi.SessionExpired:
		return session, nil
	case "elsewhere":
		session.Fact.ClientReferenceID = "another shop's"
		return session, nil
	case "silence":
		return stripeapi.Session{}, stripeapi.ErrUnanswered
	default:
		return stripeapi.Session{}, stripeapi.ErrNoSuchSession
	}
}
