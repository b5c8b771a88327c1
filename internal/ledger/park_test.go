package ledger_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

func through(linkID string, fact payment.Fact) payment.Fact {
	session := *fact.Session
	session.PaymentLinkID = linkID
	fact.Session = &session
	return fact
}

func paymentLink(namespace, id string) *v1alpha1.PaymentLink {
	return &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "lifetime"},
		Spec:       v1alpha1.PaymentLinkSpec{ProductID: "lifetime", Amount: 19900, Currency: "USD", URL: "https://buy.stripe.com/a", PaymentLinkID: id},
	}
}

// TestPark: what may be ours is kept, word for word; what is somebody else's is not.
func TestPark(t *testing.T) {
	dispute := payment.Fact{
		EventID: "evt_dispute", Type: "charge.dispute.created", Created: metav1.NewTime(now), Livemode: true, PaymentIntentID: "pi_1",
		Dispute: &v1alpha1.Dispute{ID: "du_1", Status: "needs_response", Reason: "fraudulent", Amount: 19900, ReportedAt: metav1.NewTime(now)},
	}
	failed := payment.Fact{
		EventID: "evt_failed", Type: "refund.failed", Created: metav1.NewTime(now), Livemode: true, PaymentIntentID: "pi_1",
		FailedRefund: &v1alpha1.FailedRefund{ID: "re_1", Amount: 19900},
	}
	for name, row := range map[string]struct {
		links  []client.Object
		served []string
		fact   payment.Fact
		want   ledger.Result
	}{
		"session of an unknown order":            {nil, nil, sessionOf("unknown", "1", v1alpha1.OutcomePaid), ledger.Parked},
		"refund of an unknown payment":           {nil, nil, refundOf("1", 100, false), ledger.Parked},
		"failed refund of an unknown payment":    {nil, nil, failed, ledger.Parked},
		"dispute of an unknown payment":          {nil, nil, dispute, ledger.Parked},
		"nameless session through our link":      {[]client.Object{paymentLink("shop", "plink_1")}, nil, through("plink_1", sessionOf("", "1", v1alpha1.OutcomePaid)), ledger.Parked},
		"nameless session through another link":  {[]client.Object{paymentLink("shop", "plink_1")}, nil, through("plink_2", sessionOf("", "1", v1alpha1.OutcomePaid)), ledger.NotOurs},
		"nameless session through no link":       {[]client.Object{paymentLink("shop", "")}, nil, sessionOf("", "1", v1alpha1.OutcomePaid), ledger.NotOurs},
		"nameless, our link, but not served":     {[]client.Object{paymentLink("shop", "plink_1")}, []string{"other"}, through("plink_1", sessionOf("", "1", v1alpha1.OutcomePaid)), ledger.NotOurs},
		"nameless, our link in a served of two":  {[]client.Object{paymentLink("shop", "plink_1")}, []string{"other", "shop"}, through("plink_1", sessionOf("", "1", v1alpha1.OutcomePaid)), ledger.Parked},
		"session of an unknown order, with link": {nil, nil, through("plink_2", sessionOf("unknown", "1", v1alpha1.OutcomePaid)), ledger.Parked},
	} {
		for _, cached := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				s := newFixture(t, interceptor.Funcs{}, append(row.links, order("o1", ready))...)
				s.ledger.Namespaces = row.served
				if !cached {
					s.ledger.Cache = fakeapi.Builder(t).Build()
				}
				s.apply(row.fact, row.want)
				again := row.want
				if again == ledger.Parked { // kept once, however often it comes
					again = ledger.Unchanged
				}
				s.apply(row.fact, again)
				kept := s.StripeEvents()
				if row.want != ledger.Parked {
					if len(kept) != 0 {
						t.Errorf("kept: %+v", kept)
					}
					return
				}
				if len(kept) != 1 {
					t.Fatalf("%d are kept", len(kept))
				}
				if diff := cmp.Diff(v1alpha1.StripeEventSpec{Fact: v1alpha1.StripeEventFact(row.fact)}, kept[0].Spec); diff != "" {
					t.Error(diff)
				}
				if kept[0].Namespace != fakeapi.EventNamespace || kept[0].Name != ledger.EventName(row.fact.EventID) {
					t.Errorf("kept as %s/%s", kept[0].Namespace, kept[0].Name)
				}
				if len(s.Calls().StatusPatches) != 0 {
					t.Error("an order was patched")
				}
			})
		}
	}
}

// TestEventName: Stripe's ids are no legal names, and two may differ by case alone.
func TestEventName(t *testing.T) {
	names := map[string]string{}
	for _, id := range []string{"evt_1ExampleA", "evt_1examplea", "EVT_1EXAMPLEA", "evt_1ExampleB", "evt_", "", strings.Repeat("x", 255), "evt_1/../..", "evt_ü"} {
		name := ledger.EventName(id)
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 || len(name) > 63 {
			t.Errorf("%q is kept as %q: %v", id, name, problems)
		}
		if other, taken := names[name]; taken {
			t.Errorf("%q and %q are both kept as %s", id, other, name)
		}
		names[name] = id
		if again := ledger.EventName(id); again != name {
			t.Errorf("%q is kept as %s and as %s", id, name, again)
		}
	}
}
