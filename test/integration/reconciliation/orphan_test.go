package reconciliation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestOrphanPayment: a buyer pays through a link without an order. Events and a metric report it. A person assigns the
// payment to an order, in any namespace, which then settles as usual.
func TestOrphanPayment(t *testing.T) {
	s := newFixture(t, asking)
	session := s.Pay(s.Link.URL)
	orphan := s.awaitStripeEvent(session, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
	s.awaitMetric(s.Stack.Controller, orphans, equals(1))
	check.Contains(t, orphan.Status.Message, "199.00 USD", session.ID, "spec.resolution.assignTo", "names no Order")
	link, where := s.PaymentLink("lifetime"), orphan.Namespace+"/"+orphan.Name
	s.awaitEvent(link, "PaymentLink", "OrphanPayment", where)
	s.awaitEvent(orphan, "StripeEvent", "OrphanPayment", session.ID)
	described := s.Kubectl("describe", "paymentlinks.payments.paylink.dev", "lifetime", "--namespace", s.Namespace)
	if !strings.Contains(described, "OrphanPayment") || !strings.Contains(described, where) {
		t.Errorf("got from kubectl describe\n%s\nwant the orphan %s", described, where)
	}

	o := s.orderInOtherNamespace()
	s.Must(s.decide(orphan, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: o.Name}}))
	s.Await(o, "paid", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && o.Status.ProviderOrderID == session.ID
	})
	applied := s.awaitStripeEvent(session, "applied", inPhase(v1alpha1.StripeEventApplied))
	if to := applied.Status.OrderRef; to == nil || to.Namespace != o.Namespace || to.Name != o.Name {
		t.Errorf("got it applied to %+v, want %s/%s", to, o.Namespace, o.Name)
	}
	s.awaitMetric(s.Stack.Controller, orphans, equals(0))
	if err := s.decide(applied, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: "other"}}); err == nil {
		t.Error("got an applied payment assigned to another order, want an error")
	}
	s.refund(session, 0)
	s.AwaitPhase(o, v1alpha1.OrderRefunded)
	s.AwaitDelivered()
	s.awaitStripeEvent(session, "alone", inPhase(v1alpha1.StripeEventApplied))
}

// TestAssignBeforeOrder: the payment is assigned to an order that is created later. The order is paid once it is ready.
func TestAssignBeforeOrder(t *testing.T) {
	s := newFixture(t, asking)
	o := s.Order("made-for-it")
	for what, url := range map[string]string{"nameless": s.Link.URL, "of an unknown name": s.Link.URL + "?client_reference_id=unknown"} {
		session := s.Pay(url)
		o.Name += "-too"
		kept := s.awaitStripeEvent(session, what, func(e *v1alpha1.StripeEvent) bool { return e.Status.Message != "" })
		s.Must(s.decide(kept, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: o.Name}}))
		s.awaitStripeEvent(session, "waiting for its order", func(e *v1alpha1.StripeEvent) bool {
			return strings.Contains(e.Status.Message, "there is no Order "+o.Namespace+"/"+o.Name)
		})
		made := s.Order(o.Name)
		s.Create(made)
		s.Await(made, "paid", func(o *v1alpha1.Order) bool { return o.Status.ProviderOrderID == session.ID })
		s.awaitStripeEvent(session, "applied", inPhase(v1alpha1.StripeEventApplied))
	}
	s.awaitMetric(s.Stack.Controller, orphans, equals(0))
}

// TestOrphanPaymentWithoutWebhook: backfill and reconciliation each find the payment at Stripe, once.
func TestOrphanPaymentWithoutWebhook(t *testing.T) {
	for by, row := range map[string]struct {
		flags  []string
		metric string
	}{
		"backfill":       {backfilling, foundTotal},
		"reconciliation": {reconciling, missingTotal},
	} {
		t.Run(by, func(t *testing.T) {
			s := newFixture(t, row.flags)
			s.PlanDelivery(stripesim.Plan{Drop: stripesim.DropTypes()})
			session := s.Pay(s.Link.URL)
			orphan := s.awaitStripeEvent(session, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
			s.refund(session, 900)
			s.awaitAll(session, 2, v1alpha1.StripeEventOrphaned)
			want := map[string]float64{sessionCompleted: 1, chargeRefunded: 1}
			s.Eventually("each was found once", func(context.Context) (bool, error) {
				diff := cmp.Diff(want, s.byType(s.Stack.Controller, row.metric))
				return diff == "", errors.New(diff)
			})
			if by == "reconciliation" {
				s.awaitTwoReconciliations()
			} else {
				s.awaitRead()
			}
			check.Equal(t, want, s.byType(s.Stack.Controller, row.metric), "found later on")
			o := s.CreateAllReady(1)[0]
			s.Must(s.decide(orphan, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: o.Name}}))
			s.Await(o, "paid, and refunded in part", func(o *v1alpha1.Order) bool {
				return o.Status.Phase == v1alpha1.OrderPaid && o.Status.AmountRefunded == 900
			})
			s.awaitAll(session, 2, v1alpha1.StripeEventApplied)
		})
	}
}

// TestOrphanPaymentIsClosed: an orphan payment is closed once it is refunded in full, or acknowledged. Its refund and its
// dispute stay with it.
func TestOrphanPaymentIsClosed(t *testing.T) {
	s := newFixture(t, asking)
	s.PlanDelivery(stripesim.Plan{InSequence: true})
	refunded, acknowledged, disputed := s.Pay(s.Link.URL), s.Pay(s.Link.URL), s.Pay(s.Link.URL)
	for _, session := range []stripesim.Session{refunded, acknowledged} {
		s.awaitStripeEvent(session, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
	}
	s.awaitMetric(s.Stack.Controller, orphans, equals(3))

	s.refund(refunded, 900)
	s.awaitAll(refunded, 2, v1alpha1.StripeEventOrphaned)
	s.refund(refunded, 0)
	s.awaitAll(refunded, 3, v1alpha1.StripeEventClosed)
	s.awaitMetric(s.Stack.Controller, orphans, equals(2))

	kept := s.awaitStripeEvent(acknowledged, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
	s.Must(s.decide(kept, v1alpha1.StripeEventResolution{Acknowledged: true}))
	kept = s.awaitStripeEvent(acknowledged, "closed", inPhase(v1alpha1.StripeEventClosed))
	s.awaitMetric(s.Stack.Controller, orphans, equals(1))
	s.Must(s.decide(kept, v1alpha1.StripeEventResolution{}))
	s.awaitStripeEvent(acknowledged, "an orphan again", inPhase(v1alpha1.StripeEventOrphaned))

	s.dispute(disputed)
	s.AwaitDelivered()
	s.awaitAll(disputed, 3, v1alpha1.StripeEventOrphaned)
	s.awaitMetric(s.Stack.Controller, orphans, equals(2))
}

// awaitAll waits until a session's payment has n StripeEvents, all in a phase.
func (s *fixture) awaitAll(session stripesim.Session, n int, phase v1alpha1.StripeEventPhase) {
	s.T.Helper()
	s.Eventually(fmt.Sprintf("%d events are %s", n, phase), func(context.Context) (bool, error) {
		kept := s.StripeEventsOf(session)
		for i := range kept {
			if !inPhase(phase)(&kept[i]) {
				return false, fmt.Errorf("%s is %+v", kept[i].Spec.Fact.Type, kept[i].Status)
			}
		}
		return len(kept) == n, fmt.Errorf("there are %d", len(kept))
	})
}

// orderInOtherNamespace is a ready order in another namespace.
func (s *fixture) orderInOtherNamespace() *v1alpha1.Order {
	s.T.Helper()
	o := s.Order("by-mail")
	o.Namespace = s.MakeNamespace()
	o.Spec.PaymentLinkRef, o.Spec.PaymentLinkURL = nil, s.Link.URL
	s.Create(o)
	return s.Await(o, "ready", testclient.Ready)
}

// decide writes a person's decision about a StripeEvent, with kubectl.
func (s *fixture) decide(event *v1alpha1.StripeEvent, decision v1alpha1.StripeEventResolution) error {
	s.T.Helper()
	resolution := map[string]any{"assignTo": decision.AssignTo, "acknowledged": decision.Acknowledged}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"resolution": resolution}})
	s.Must(err)
	_, err = s.TryKubectl("patch", "stripeevents.payments.paylink.dev", event.Name, "--namespace", event.Namespace, "--type", "merge", "--patch", string(patch))
	return err
}

// awaitEvent waits for a Kubernetes Event about an object, whose note has some words.
func (s *fixture) awaitEvent(about client.Object, kind, reason, words string) {
	s.T.Helper()
	s.Eventually(fmt.Sprintf("there is an Event %s on the %s", reason, kind), func(ctx context.Context) (bool, error) {
		var list eventsv1.EventList
		if err := s.Stack.Client.List(ctx, &list, client.InNamespace(about.GetNamespace())); err != nil {
			return false, err
		}
		for _, e := range list.Items {
			if e.Regarding.Kind == kind && e.Regarding.Name == about.GetName() && e.Reason == reason && strings.Contains(e.Note, words) {
				return true, nil
			}
		}
		return false, fmt.Errorf("there are %+v", list.Items)
	})
}
