// Package gitops_test runs the health checks of config/argocd and config/flux, as Argo CD and Flux do.
package gitops_test

import (
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// health is Argo CD's word for it.
type health string

const (
	healthy     health = "Healthy"
	progressing health = "Progressing"
	degraded    health = "Degraded"
)

// looked is the generation that the objects have.
const looked = 2

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: "The message.", ObservedGeneration: looked}
}

// order is one that Paylink has looked at, with conditions beside Ready and Paid, which replace them.
func order(phase v1alpha1.OrderPhase, paid string, others ...metav1.Condition) *v1alpha1.Order {
	o := &v1alpha1.Order{}
	o.Generation = looked
	o.Status.Phase, o.Status.ObservedGeneration = phase, looked
	byType := map[string]metav1.Condition{v1alpha1.ConditionReady: condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonCheckoutReady)}
	if paid != "" {
		status := metav1.ConditionFalse
		if paid == v1alpha1.ReasonPaymentReceived {
			status = metav1.ConditionTrue
		}
		byType[v1alpha1.ConditionPaid] = condition(v1alpha1.ConditionPaid, status, paid)
	}
	for _, c := range others {
		byType[c.Type] = c
	}
	for _, c := range byType {
		o.Status.Conditions = append(o.Status.Conditions, c)
	}
	return o
}

func unready(reason string) metav1.Condition {
	return condition(v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
}

func attention(status metav1.ConditionStatus, reason string) metav1.Condition {
	return condition(v1alpha1.ConditionNeedsAttention, status, reason)
}

func verified(status metav1.ConditionStatus, reason string) metav1.Condition {
	return condition(v1alpha1.ConditionVerified, status, reason)
}

// link is one that Paylink has looked at.
func link(conditions ...metav1.Condition) *v1alpha1.PaymentLink {
	l := &v1alpha1.PaymentLink{}
	l.Generation = looked
	l.Status.ObservedGeneration, l.Status.Conditions = looked, conditions
	return l
}

func event(phase v1alpha1.StripeEventPhase) *v1alpha1.StripeEvent {
	e := &v1alpha1.StripeEvent{}
	e.Generation = looked
	e.Status.Phase, e.Status.Message = phase, "The message."
	return e
}

// changed is an object whose spec was changed since Paylink looked at it.
func changed[T metav1.Object](object T) T {
	object.SetGeneration(looked + 1)
	return object
}

type row struct {
	object  any
	health  health
	message string // in Argo CD; Flux has none
}

func orders() map[string]row {
	fresh := order(v1alpha1.OrderPending, "")
	fresh.Status.ObservedGeneration, fresh.Status.Conditions = 0, nil
	paidFirst := order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived)
	paidFirst.Status.ObservedGeneration = 0
	unjudged := order(v1alpha1.OrderPending, v1alpha1.ReasonAwaitingPayment)
	unjudged.Status.Conditions = []metav1.Condition{condition(v1alpha1.ConditionPaid, metav1.ConditionFalse, v1alpha1.ReasonAwaitingPayment)}
	const waits = "Paylink has not looked at it yet."
	rows := map[string]row{
		"just created":                {fresh, progressing, waits},
		"changed":                     {changed(order(v1alpha1.OrderPending, "")), progressing, waits},
		"changed, and needs a person": {changed(order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, attention(metav1.ConditionTrue, v1alpha1.ReasonDisputed))), progressing, waits},
		"paid before it was Ready":    {paidFirst, progressing, waits},
		"not judged yet":              {unjudged, progressing, waits},

		"waits for its buyer":    {order(v1alpha1.OrderPending, ""), healthy, "Pending"},
		"paid":                   {order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived), healthy, "Paid"},
		"refunded":               {order(v1alpha1.OrderRefunded, v1alpha1.ReasonRefunded), healthy, "Refunded"},
		"a card that failed":     {order(v1alpha1.OrderFailed, v1alpha1.ReasonPaymentFailed), healthy, "Failed"},
		"a debit on its way":     {order(v1alpha1.OrderFailed, v1alpha1.ReasonAwaitingAsyncPayment), healthy, "Failed"},
		"nobody paid it":         {order(v1alpha1.OrderFailed, v1alpha1.ReasonExpired, unready(v1alpha1.ReasonExpired)), healthy, "Failed"},
		"needed a person before": {order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, attention(metav1.ConditionFalse, "Resolved")), healthy, "Paid"}, // by another program: Paylink removes the condition
		"Stripe agrees again":    {order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, verified(metav1.ConditionTrue, v1alpha1.ReasonStripeAgrees)), healthy, "Paid"},

		"Stripe disagrees": {order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, verified(metav1.ConditionFalse, v1alpha1.ReasonStripeDisagrees)), degraded, "StripeDisagrees: The message."},
		"expired, and paid after all": {
			order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, unready(v1alpha1.ReasonExpired), attention(metav1.ConditionTrue, v1alpha1.ReasonPaidAfterExpiry)),
			degraded, "PaidAfterExpiry: The message.",
		},
	}
	for _, reason := range []string{
		v1alpha1.ReasonPaymentMismatch, v1alpha1.ReasonModeMismatch, v1alpha1.ReasonDuplicatePayment, v1alpha1.ReasonDisputed,
		v1alpha1.ReasonRefundFailed, v1alpha1.ReasonPaidAfterExpiry, v1alpha1.ReasonTooManyPayments,
	} {
		rows["needs a person: "+reason] = row{order(v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived, attention(metav1.ConditionTrue, reason)), degraded, reason + ": The message."}
	}
	for _, reason := range []string{
		v1alpha1.ReasonPaymentLinkNotFound, v1alpha1.ReasonPaymentLinkNotReady, v1alpha1.ReasonPaymentLinkMismatch,
		v1alpha1.ReasonDuplicateOrderID, v1alpha1.ReasonInvalidSpec,
	} {
		rows["not Ready: "+reason] = row{order(v1alpha1.OrderPending, "", unready(reason)), degraded, reason + ": The message."}
	}
	return rows
}

func links() map[string]row {
	available := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonLinkAvailable)
	fresh := link()
	fresh.Status.ObservedGeneration = 0
	const waits = "Paylink has not looked at it yet."
	return map[string]row{
		"just created":   {fresh, progressing, waits},
		"changed":        {changed(link(available)), progressing, waits},
		"not judged yet": {link(), progressing, waits},
		"available":      {link(available), healthy, "The message."},
		"not usable":     {link(unready(v1alpha1.ReasonInvalidSpec)), degraded, "InvalidSpec: The message."},
	}
}

func events() map[string]row {
	return map[string]row{
		"just created": {event(""), progressing, "The message."},
		"parked":       {event(v1alpha1.StripeEventParked), progressing, "The message."},
		"applied":      {event(v1alpha1.StripeEventApplied), healthy, "Applied"},
		"closed":       {event(v1alpha1.StripeEventClosed), healthy, "Closed"},
		"expired":      {event(v1alpha1.StripeEventExpired), degraded, "The message."},
		"orphaned":     {event(v1alpha1.StripeEventOrphaned), degraded, "The message."},
	}
}

// TestHealth: Argo CD and Flux say the same of each object.
func TestHealth(t *testing.T) {
	argoCD, flux := newArgoCD(t), newFlux(t)
	for kind, rows := range map[string]map[string]row{"Order": orders(), "PaymentLink": links(), "StripeEvent": events()} {
		for name, row := range rows {
			t.Run(kind+"/"+name, func(t *testing.T) {
				object := live(t, kind, row.object)
				if health, message := argoCD.look(object); health != row.health || message != row.message {
					t.Errorf("got %s (%s) of Argo CD, want %s (%s)", health, message, row.health, row.message)
				}
				if health := flux.look(object); health != row.health {
					t.Errorf("got %s of Flux, want %s", health, row.health)
				}
			})
		}
		t.Run(kind+"/without a status", func(t *testing.T) {
			object := live(t, kind, &struct{}{})
			object.SetGeneration(1)
			if health, _ := argoCD.look(object); health != progressing {
				t.Errorf("got %s of Argo CD, want %s", health, progressing)
			}
			if health := flux.look(object); health != progressing {
				t.Errorf("got %s of Flux, want %s", health, progressing)
			}
		})
	}
}

// live is an object as it comes out of the API server.
func live(t *testing.T, kind string, object any) *unstructured.Unstructured {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	u.SetNamespace("shop")
	u.SetName("lifetime-7c9e")
	return u
}

// read returns the content of a file of the repository.
func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
