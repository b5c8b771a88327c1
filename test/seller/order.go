package seller

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// Order returns an Order, not yet created, for the PaymentLink "lifetime".
func (s *Seller) Order(name string) *v1alpha1.Order {
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
		Spec: v1alpha1.OrderSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: Price, Currency: "USD", Livemode: ptr.To(false),
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
		},
	}
}

// Sell creates an Order and returns it once it can be paid.
func (s *Seller) Sell(name string) *v1alpha1.Order {
	s.T.Helper()
	o := s.Order(name)
	s.Create(o)
	return s.Await(o, "ready", Ready)
}

// Await reads the order until it is as wanted.
func (s *Seller) Await(o *v1alpha1.Order, what string, is func(*v1alpha1.Order) bool) *v1alpha1.Order {
	s.T.Helper()
	current := &v1alpha1.Order{}
	s.Eventually(fmt.Sprintf("order %s is %s", o.Name, what), func(ctx context.Context) (bool, error) {
		if err := s.Paylink.Client.Get(ctx, client.ObjectKeyFromObject(o), current); err != nil || is(current) {
			return err == nil, err
		}
		return false, fmt.Errorf("it is %+v", current.Status)
	})
	return current
}

// Read returns the order as the API server has it now.
func (s *Seller) Read(o *v1alpha1.Order) *v1alpha1.Order {
	s.T.Helper()
	current := &v1alpha1.Order{}
	if err := s.Paylink.Client.Get(s.Ctx, client.ObjectKeyFromObject(o), current); err != nil {
		s.T.Fatal(err)
	}
	return current
}

// Intent returns the PaymentIntent of a session.
func (s *Seller) Intent(sessionID string) string {
	s.T.Helper()
	session, ok := s.Stripe.Session(sessionID)
	if !ok || session.PaymentIntent == "" {
		s.T.Fatalf("session %s has no payment", sessionID)
	}
	return session.PaymentIntent
}

// Kept returns the StripeEvents that speak of a session or of its payment.
func (s *Seller) Kept(session stripesim.Session) []v1alpha1.StripeEvent {
	s.T.Helper()
	intent := s.Intent(session.ID)
	return s.KeptThat(func(e v1alpha1.StripeEventFact) bool { return e.PaymentIntentID == intent })
}

// KeptThat returns the StripeEvents that speak of what is wanted.
func (s *Seller) KeptThat(is func(v1alpha1.StripeEventFact) bool) []v1alpha1.StripeEvent {
	s.T.Helper()
	var list v1alpha1.StripeEventList
	if err := s.Paylink.Client.List(s.Ctx, &list, client.InNamespace(s.Paylink.Namespace)); err != nil {
		s.T.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(e v1alpha1.StripeEvent) bool { return !is(e.Spec.Fact) })
}

// Ready says that the buyer can be sent to pay.
func Ready(o *v1alpha1.Order) bool {
	return meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.ConditionReady)
}

// Unready says that the buyer cannot be sent to pay, for this reason.
func Unready(reason string) func(*v1alpha1.Order) bool {
	return condition(v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
}

// NeedsAttention says that a person must look, for this reason above all.
func NeedsAttention(reason string) func(*v1alpha1.Order) bool {
	return condition(v1alpha1.ConditionNeedsAttention, metav1.ConditionTrue, reason)
}

// NeedsNobody says that no person must look.
func NeedsNobody(o *v1alpha1.Order) bool {
	return meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionNeedsAttention) == nil
}

func condition(kind string, status metav1.ConditionStatus, reason string) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool {
		c := meta.FindStatusCondition(o.Status.Conditions, kind)
		return c != nil && c.Status == status && c.Reason == reason
	}
}

// InPhase says that the order is in a phase.
func InPhase(phase v1alpha1.OrderPhase) func(*v1alpha1.Order) bool {
	return func(o *v1alpha1.Order) bool { return o.Status.Phase == phase }
}
