package stories_test

import (
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestReferenceLostOrForeign: the reference is a part of an address that the buyer can change, and that mail programs
// and campaigns do change.
func TestReferenceLostOrForeign(t *testing.T) {
	ours, theirs := openShop(t, paylink.Stripe), openShop(t, paylink.Stripe)
	nobodys := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Something else", Amount: seller.Price, Currency: "usd"})
	order, foreign := ours.Sell("waiting"), theirs.Sell("of-another-shop")
	withReference := func(link, reference string) string { return link + "?client_reference_id=" + reference }
	for name, row := range map[string]struct {
		address string
		kept    bool
		// mismatch names the order that money came for which is not what it asks for.
		mismatch *v1alpha1.Order
	}{
		"missing":                             {address: ours.Link.URL, kept: true},
		"empty":                               {address: withReference(ours.Link.URL, ""), kept: true},
		"dropped by Stripe for its form":      {address: withReference(ours.Link.URL, "shop%2Fwaiting"), kept: true},
		"cut by a mail program":               {address: withReference(ours.Link.URL, order.Status.ClientReferenceID[:35]), kept: true},
		"of no order":                         {address: withReference(ours.Link.URL, "nobody-"+ours.Namespace), kept: true},
		"of another shop's order, at ours":    {address: withReference(ours.Link.URL, foreign.Status.ClientReferenceID), mismatch: foreign},
		"missing, through nobody's link":      {address: nobodys.URL},
		"of our order, through nobody's link": {address: withReference(nobodys.URL, order.Status.ClientReferenceID), mismatch: order},
	} {
		t.Run(name, func(t *testing.T) {
			s := *ours
			s.T = t
			session := s.Pay(row.address)
			s.Settled()
			if made := attempts(&s, event(&s, session.ID, sessionCompleted)); len(made) != 1 || made[0].Status != 200 {
				t.Errorf("the event was answered %+v", made)
			}
			for _, o := range []*v1alpha1.Order{order, foreign} {
				if now := s.Read(o); now.Status.Phase != v1alpha1.OrderPending || now.Status.PaidAt != nil {
					t.Errorf("order %s is paid by it: %+v", o.Name, now.Status)
				}
			}
			kept := s.KeptThat(func(e v1alpha1.StripeEventFact) bool { return e.Session != nil && e.Session.ID == session.ID })
			if row.kept != (len(kept) == 1) {
				t.Errorf("want it kept: %t; there is %+v", row.kept, kept)
			}
			for _, e := range kept {
				if e.Spec.Fact.PaymentIntentID != s.Intent(session.ID) || e.Spec.Fact.Session.Amount != seller.Price || e.Status.Phase == v1alpha1.StripeEventApplied {
					t.Errorf("the money is kept as %+v", e)
				}
			}
			if row.mismatch != nil {
				now := s.Read(row.mismatch)
				if !knows(session.ID, v1alpha1.OutcomePaid)(now) || !seller.NeedsAttention(v1alpha1.ReasonPaymentMismatch)(now) {
					t.Errorf("nobody is told of the money: %+v", now.Status)
				}
			}
		})
	}
	// None of it is in the way of the buyer who comes by the right address.
	for s, o := range map[*seller.Seller]*v1alpha1.Order{ours: order, theirs: foreign} {
		session := s.Pay(o.Status.CheckoutURL)
		if now := s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid)); now.Status.ProviderOrderID != session.ID {
			t.Errorf("order %s is paid by %s, want %s", o.Name, now.Status.ProviderOrderID, session.ID)
		}
	}
}
