package sale_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestReferenceLostOrForeign: the reference is a part of an address, which buyers, mail programs and campaigns can change.
func TestReferenceLostOrForeign(t *testing.T) {
	ours, theirs := newClient(t), newClient(t)
	unknown := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Something else", Amount: testclient.Price, Currency: "usd"})
	order, foreign := ours.CreateReady("waiting"), theirs.CreateReady("of-another-namespace")
	withReference := func(link, reference string) string { return link + "?client_reference_id=" + reference }
	for name, row := range map[string]struct {
		address string
		kept    bool
		// mismatch is the order that the payment names and does not fit.
		mismatch *v1alpha1.Order
	}{
		"missing":                               {address: ours.Link.URL, kept: true},
		"empty":                                 {address: withReference(ours.Link.URL, ""), kept: true},
		"dropped by Stripe for its form":        {address: withReference(ours.Link.URL, "shop%2Fwaiting"), kept: true},
		"cut by a mail program":                 {address: withReference(ours.Link.URL, order.Status.ClientReferenceID[:35]), kept: true},
		"of no order":                           {address: withReference(ours.Link.URL, "nobody-"+ours.Namespace), kept: true},
		"of another namespace's order":          {address: withReference(ours.Link.URL, foreign.Status.ClientReferenceID), mismatch: foreign},
		"missing, through an unknown link":      {address: unknown.URL},
		"of our order, through an unknown link": {address: withReference(unknown.URL, order.Status.ClientReferenceID), mismatch: order},
	} {
		t.Run(name, func(t *testing.T) {
			s := *ours
			s.T = t
			session := s.Pay(row.address)
			s.AwaitDelivered()
			if made := attempts(&s, eventOf(&s, session.ID, sessionCompleted)); len(made) != 1 || made[0].Status != 200 {
				t.Errorf("got the attempts %+v, want one with status 200", made)
			}
			for _, o := range []*v1alpha1.Order{order, foreign} {
				if now := s.Read(o); now.Status.Phase != v1alpha1.OrderPending || now.Status.PaidAt != nil {
					t.Errorf("order %s: got %+v, want Pending", o.Name, now.Status)
				}
			}
			kept := s.StripeEvents(func(e v1alpha1.StripeEventFact) bool { return e.Session != nil && e.Session.ID == session.ID })
			if row.kept != (len(kept) == 1) {
				t.Errorf("got the StripeEvents %+v, want one: %t", kept, row.kept)
			}
			for _, e := range kept {
				if e.Spec.Fact.PaymentIntentID != s.PaymentIntent(session.ID) || e.Spec.Fact.Session.Amount != testclient.Price || e.Status.Phase == v1alpha1.StripeEventApplied {
					t.Errorf("got the StripeEvent %+v, want the payment, not applied", e)
				}
			}
			if row.mismatch != nil {
				now := s.Read(row.mismatch)
				if !hasPayment(session.ID, v1alpha1.OutcomePaid)(now) || !testclient.NeedsAttention(v1alpha1.ReasonPaymentMismatch)(now) {
					t.Errorf("got %+v, want the payment and NeedsAttention", now.Status)
				}
			}
		})
	}
	// A buyer with the right address still pays the order.
	for s, o := range map[*testclient.Client]*v1alpha1.Order{ours: order, theirs: foreign} {
		session := s.Pay(o.Status.CheckoutURL)
		if now := s.AwaitPhase(o, v1alpha1.OrderPaid); now.Status.ProviderOrderID != session.ID {
			t.Errorf("order %s: got session %s, want %s", o.Name, now.Status.ProviderOrderID, session.ID)
		}
	}
}
