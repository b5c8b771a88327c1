package fakeapi

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

// StripeEventBuilder builds a StripeEvent.
type StripeEventBuilder struct{ event v1alpha1.StripeEvent }

// MakeStripeEvent starts the StripeEvent in EventNamespace that the ledger parks a fact as, at Now.
func MakeStripeEvent(fact payment.Fact) *StripeEventBuilder {
	return &StripeEventBuilder{v1alpha1.StripeEvent{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: EventNamespace, Name: ledger.EventName(fact.EventID), UID: types.UID(fact.EventID), CreationTimestamp: metav1.NewTime(Now),
		},
		Spec:   v1alpha1.StripeEventSpec{Fact: v1alpha1.StripeEventFact(fact)},
		Status: v1alpha1.StripeEventStatus{Phase: v1alpha1.StripeEventParked},
	}}
}

// Obj returns the StripeEvent.
func (b *StripeEventBuilder) Obj() *v1alpha1.StripeEvent { return b.event.DeepCopy() }

// With applies changes for which there is no method.
func (b *StripeEventBuilder) With(changes ...func(*v1alpha1.StripeEvent)) *StripeEventBuilder {
	for _, change := range changes {
		change(&b.event)
	}
	return b
}

// Age sets the creation time to so long before Now.
func (b *StripeEventBuilder) Age(age time.Duration) *StripeEventBuilder {
	b.event.CreationTimestamp = metav1.NewTime(Now.Add(-age))
	return b
}

// Phase sets status.phase.
func (b *StripeEventBuilder) Phase(phase v1alpha1.StripeEventPhase) *StripeEventBuilder {
	b.event.Status.Phase = phase
	return b
}

// AssignTo has a person assign the payment to an order.
func (b *StripeEventBuilder) AssignTo(namespace, name string) *StripeEventBuilder {
	b.event.Spec.Resolution.AssignTo = &v1alpha1.OrderReference{Namespace: namespace, Name: name}
	return b
}

// Acknowledged has a person acknowledge the payment.
func (b *StripeEventBuilder) Acknowledged() *StripeEventBuilder {
	b.event.Spec.Resolution.Acknowledged = true
	return b
}
