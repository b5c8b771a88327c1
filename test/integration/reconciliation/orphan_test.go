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
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestMoneyWithoutAnOrder: a buyer pays through a link that somebody mailed him, without an order. Everybody who may look is
// told; a person gives the payment to an order, in whatever namespace, and from then on it is like any other.
func TestMoneyWithoutAnOrder(t *testing.T) {
	s := openShop(t, asking)
	session := s.Pay(s.Link.URL)
	orphan := s.awaitKept(session, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
	s.awaitMetric(s.Paylink.Controller, orphans, equals(1))
	for _, word := range []string{"199.00 USD", session.ID, "spec.resolution.assignTo", "names no Order"} {
		if !strings.Contains(orphan.Status.Message, word) {
			t.Errorf("the message does not say %q: %s", word, orphan.Status.Message)
		}
	}
	link, where := s.PaymentLink("lifetime"), orphan.Namespace+"/"+orphan.Name
	s.awaitEvent(link, "PaymentLink", "OrphanPayment", where)
	s.awaitEvent(orphan, "StripeEvent", "OrphanPayment", session.ID)
	described, err := s.kubectl("describe", "paymentlinks.payments.paylink.dev", "lifetime", "--namespace", s.Namespace)
	s.must(err)
	if !strings.Contains(described, "OrphanPayment") || !strings.Contains(described, where) {
		t.Errorf("kubectl describe does not tell of the orphan\n%s", described)
	}

	o := s.orderElsewhere()
	s.must(s.decide(orphan, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: o.Name}}))
	s.Await(o, "paid", func(o *v1alpha1.Order) bool {
		return o.Status.Phase == v1alpha1.OrderPaid && o.Status.ProviderOrderID == session.ID
	})
	applied := s.awaitKept(session, "applied", inPhase(v1alpha1.StripeEventApplied))
	if to := applied.Status.OrderRef; to == nil || to.Namespace != o.Namespace || to.Name != o.Name {
		t.Errorf("it is applied to %+v", to)
	}
	s.awaitMetric(s.Paylink.Controller, orphans, equals(0))
	if err := s.decide(applied, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: "other"}}); err == nil {
		t.Error("the payment can be assigned to another order, though one has it")
	}
	s.refund(session, 0)
	s.Await(o, "refunded", seller.InPhase(v1alpha1.OrderRefunded))
	s.Settled()
	s.awaitKept(session, "alone", inPhase(v1alpha1.StripeEventApplied))
}

// TestAnOrderForMoneyThatCameBefore: the order is made for the payment, and assigned at once, or even before it is there:
// nobody knows when it is ready. It is paid as soon as it is.
func TestAnOrderForMoneyThatCameBefore(t *testing.T) {
	s := openShop(t, asking)
	o := s.Order("made-for-it")
	for what, url := range map[string]string{"nameless": s.Link.URL, "of an unknown name": s.Link.URL + "?client_reference_id=unknown"} {
		session := s.Pay(url)
		o.Name += "-too"
		kept := s.awaitKept(session, what, func(e *v1alpha1.StripeEvent) bool { return e.Status.Message != "" })
		s.must(s.decide(kept, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: o.Name}}))
		s.awaitKept(session, "waiting for its order", func(e *v1alpha1.StripeEvent) bool {
			return strings.Contains(e.Status.Message, "there is no Order "+o.Namespace+"/"+o.Name)
		})
		made := s.Order(o.Name)
		s.Create(made)
		s.Await(made, "paid", func(o *v1alpha1.Order) bool { return o.Status.ProviderOrderID == session.ID })
		s.awaitKept(session, "applied", inPhase(v1alpha1.StripeEventApplied))
	}
	s.awaitMetric(s.Paylink.Controller, orphans, equals(0))
}

// TestMoneyWithoutAnOrderThatNobodyToldOf: no webhook came either. Whoever finds the payment at Stripe keeps it, once.
func TestMoneyWithoutAnOrderThatNobodyToldOf(t *testing.T) {
	for by, row := range map[string]struct {
		flags  []string
		metric string
	}{
		"backfill": {backfilling, foundTotal},
		"audit":    {auditing, missingTotal},
	} {
		t.Run(by, func(t *testing.T) {
			s := openShop(t, row.flags)
			s.Deliver(stripesim.Plan{Drop: stripesim.DropTypes()})
			session := s.Pay(s.Link.URL)
			orphan := s.awaitKept(session, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
			s.refund(session, 900)
			s.awaitAll(session, 2, v1alpha1.StripeEventOrphaned)
			want := map[string]float64{sessionCompleted: 1, chargeRefunded: 1}
			s.Eventually("each was found once", func(context.Context) (bool, error) {
				diff := cmp.Diff(want, s.byType(s.Paylink.Controller, row.metric))
				return diff == "", errors.New(diff)
			})
			if by == "audit" {
				s.auditTwice()
			} else {
				s.awaitRead()
			}
			if diff := cmp.Diff(want, s.byType(s.Paylink.Controller, row.metric)); diff != "" {
				t.Errorf("found later on (-want +got)\n%s", diff)
			}
			o := s.sell(1)[0]
			s.must(s.decide(orphan, v1alpha1.StripeEventResolution{AssignTo: &v1alpha1.OrderReference{Namespace: o.Namespace, Name: o.Name}}))
			s.Await(o, "paid, and refunded in part", func(o *v1alpha1.Order) bool {
				return o.Status.Phase == v1alpha1.OrderPaid && o.Status.AmountRefunded == 900
			})
			s.awaitAll(session, 2, v1alpha1.StripeEventApplied)
		})
	}
}

// TestMoneyThatIsSentBack: an orphan payment is over when it was refunded in full, or when a person says so. Its refund and
// its dispute wait for nothing else.
func TestMoneyThatIsSentBack(t *testing.T) {
	s := openShop(t, asking)
	s.Deliver(stripesim.Plan{InSequence: true})
	refunded, acknowledged, disputed := s.Pay(s.Link.URL), s.Pay(s.Link.URL), s.Pay(s.Link.URL)
	for _, session := range []stripesim.Session{refunded, acknowledged} {
		s.awaitKept(session, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
	}
	s.awaitMetric(s.Paylink.Controller, orphans, equals(3))

	s.refund(refunded, 900)
	s.awaitAll(refunded, 2, v1alpha1.StripeEventOrphaned)
	s.refund(refunded, 0)
	s.awaitAll(refunded, 3, v1alpha1.StripeEventClosed)
	s.awaitMetric(s.Paylink.Controller, orphans, equals(2))

	kept := s.awaitKept(acknowledged, "an orphan", inPhase(v1alpha1.StripeEventOrphaned))
	s.must(s.decide(kept, v1alpha1.StripeEventResolution{Acknowledged: true}))
	kept = s.awaitKept(acknowledged, "closed", inPhase(v1alpha1.StripeEventClosed))
	s.awaitMetric(s.Paylink.Controller, orphans, equals(1))
	s.must(s.decide(kept, v1alpha1.StripeEventResolution{}))
	s.awaitKept(acknowledged, "an orphan again", inPhase(v1alpha1.StripeEventOrphaned))

	s.dispute(disputed)
	s.Settled()
	s.awaitAll(disputed, 3, v1alpha1.StripeEventOrphaned)
	s.awaitMetric(s.Paylink.Controller, orphans, equals(2))
}

// awaitAll waits until so many events are kept of a session's payment, and all are in a phase.
func (s *shop) awaitAll(session stripesim.Session, n int, phase v1alpha1.StripeEventPhase) {
	s.T.Helper()
	s.Eventually(fmt.Sprintf("%d events are %s", n, phase), func(context.Context) (bool, error) {
		kept := s.Kept(session)
		for i := range kept {
			if !inPhase(phase)(&kept[i]) {
				return false, fmt.Errorf("%s is %+v", kept[i].Spec.Fact.Type, kept[i].Status)
			}
		}
		return len(kept) == n, fmt.Errorf("there are %d", len(kept))
	})
}

// orderElsewhere is one in another namespace that can be paid.
func (s *shop) orderElsewhere() *v1alpha1.Order {
	s.T.Helper()
	o := s.Order("by-mail")
	o.Namespace = s.MakeNamespace()
	o.Spec.PaymentLinkRef, o.Spec.PaymentLinkURL = nil, s.Link.URL
	s.Create(o)
	return s.Await(o, "ready", seller.Ready)
}

// decide writes what a person decides of a StripeEvent, as a person does.
func (s *shop) decide(event *v1alpha1.StripeEvent, decision v1alpha1.StripeEventResolution) error {
	s.T.Helper()
	resolution := map[string]any{"assignTo": decision.AssignTo, "acknowledged": decision.Acknowledged}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"resolution": resolution}})
	s.must(err)
	_, err = s.kubectl("patch", "stripeevents.payments.paylink.dev", event.Name, "--namespace", event.Namespace, "--type", "merge", "--patch", string(patch))
	return err
}

// awaitEvent waits for an Event of Kubernetes about an object, whose note has some words.
func (s *shop) awaitEvent(about client.Object, kind, reason, words string) {
	s.T.Helper()
	s.Eventually(fmt.Sprintf("there is an Event %s on the %s", reason, kind), func(ctx context.Context) (bool, error) {
		var list eventsv1.EventList
		if err := s.Paylink.Client.List(ctx, &list, client.InNamespace(about.GetNamespace())); err != nil {
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
