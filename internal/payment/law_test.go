package payment_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// The endings that most rows share.
var (
	pending  = ending{Phase: v1alpha1.OrderPending, Reason: v1alpha1.ReasonAwaitingPayment}
	awaiting = ending{Phase: v1alpha1.OrderFailed, Reason: v1alpha1.ReasonAwaitingAsyncPayment}
	declined = ending{Phase: v1alpha1.OrderFailed, Reason: v1alpha1.ReasonPaymentFailed}
	lateDead = ending{Phase: v1alpha1.OrderFailed, Reason: v1alpha1.ReasonExpired}
)

// paidBy is the ending of an order that the session paid, refundedBy of one whose money went back again.
func paidBy(session string, at int64) ending {
	return ending{Phase: v1alpha1.OrderPaid, Reason: v1alpha1.ReasonPaymentReceived, Session: session, Intent: "pi_" + session[3:], PaidAt: at}
}

func refundedBy(session string, at int64) ending {
	e := paidBy(session, at)
	e.Phase, e.Reason, e.Refunded = v1alpha1.OrderRefunded, v1alpha1.ReasonRefunded, 19900
	return e
}

func (e ending) back(amount int64) ending        { e.Refunded = amount; return e }
func (e ending) lookAt(reasons ...string) ending { e.Attention = sorted(reasons...); return e }
func (e ending) noIntent() ending                { e.Intent = ""; return e }

// TestLaw has every row of the law of settlement: what each event of Stripe's means for an order that knows of
// nothing else, or of what had to come before.
func TestLaw(t *testing.T) {
	for name, row := range map[string]struct {
		terms  payment.Terms
		events []event
		want   ending
	}{
		"nothing happened":                                  {sold, nil, pending},
		"checkout.session.completed, paid":                  {sold, []event{paid("cs_1")}, paidBy("cs_1", 160)},
		"checkout.session.completed, unpaid":                {sold, []event{unpaid("cs_1")}, awaiting},
		"checkout.session.async_payment_succeeded":          {sold, []event{unpaid("cs_1"), succeeded("cs_1")}, paidBy("cs_1", 500)},
		"checkout.session.async_payment_succeeded, alone":   {sold, []event{succeeded("cs_1")}, paidBy("cs_1", 500)},
		"checkout.session.async_payment_failed":             {sold, []event{unpaid("cs_1"), failed("cs_1")}, declined},
		"checkout.session.async_payment_failed, alone":      {sold, []event{failed("cs_1")}, declined},
		"checkout.session.expired":                          {sold, []event{lapsed("cs_1")}, pending},
		"charge.refunded, a part":                           {sold, []event{paid("cs_1"), refunded("cs_1", 5000)}, paidBy("cs_1", 160).back(5000)},
		"charge.refunded, in full":                          {sold, []event{paid("cs_1"), refundedInFull("cs_1")}, refundedBy("cs_1", 160)},
		"charge.refunded, in full, without an amount":       {sold, []event{paid("cs_1"), refundedInFull("cs_1").of(0)}, refundedBy("cs_1", 160).back(0)},
		"charge.refunded, all but a cent":                   {sold, []event{paid("cs_1"), refunded("cs_1", 19899)}, paidBy("cs_1", 160).back(19899)},
		"charge.refunded of a payment that nobody knows":    {sold, []event{refundedInFull("cs_1")}, pending},
		"charge.refunded of another payment":                {sold, []event{paid("cs_1"), refundedInFull("cs_2")}, paidBy("cs_1", 160)},
		"charge.refunded of a debit still on its way":       {sold, []event{unpaid("cs_1"), refundedInFull("cs_1")}, awaiting},
		"refund.failed":                                     {sold, []event{paid("cs_1"), refundFailed("cs_1", "re_1", 500)}, paidBy("cs_1", 160).lookAt("RefundFailed")},
		"charge.dispute.created":                            {sold, []event{paid("cs_1"), dispute("cs_1", "du_1", "needs_response", 700)}, paidBy("cs_1", 160).lookAt("Disputed")},
		"charge.dispute.closed, won":                        {sold, []event{paid("cs_1"), dispute("cs_1", "du_1", "won", 700)}, paidBy("cs_1", 160)},
		"charge.dispute.closed, lost: not a refund":         {sold, []event{paid("cs_1"), dispute("cs_1", "du_1", "lost", 700)}, paidBy("cs_1", 160).lookAt("Disputed")},
		"the order expired":                                 {sold, []event{expiry()}, lateDead},
		"the order expired after a debit failed":            {sold, []event{failed("cs_1"), expiry()}, lateDead},
		"paid in time, told late":                           {sold, []event{expiry().on(170), paid("cs_1")}, paidBy("cs_1", 160)},
		"paid in the second before expiry":                  {sold, []event{expiry().on(161), paid("cs_1")}, paidBy("cs_1", 160)},
		"paid in the second of expiry":                      {sold, []event{expiry().on(160), paid("cs_1")}, paidBy("cs_1", 160).lookAt("PaidAfterExpiry")},
		"the order expired with a debit on its way":         {sold, []event{unpaid("cs_1"), expiry()}, awaiting},
		"one debit failed, another is on its way":           {sold, []event{failed("cs_1"), unpaid("cs_2")}, awaiting},
		"one debit failed, another session paid":            {sold, []event{failed("cs_1"), paid("cs_2")}, paidBy("cs_2", 260)},
		"failed is reported after paid":                     {sold, []event{succeeded("cs_1"), failed("cs_1")}, paidBy("cs_1", 500)},
		"unpaid is reported after failed":                   {sold, []event{failed("cs_1"), unpaid("cs_1")}, declined},
		"paid twice over: the session opened first counts":  {sold, []event{paid("cs_2"), paid("cs_1").on(999)}, paidBy("cs_1", 999).lookAt("DuplicatePayment")},
		"opened in one second: the lower id counts":         {sold, []event{paid("cs_2").openedAt(7), paid("cs_1").openedAt(7)}, paidBy("cs_1", 160).lookAt("DuplicatePayment")},
		"paid twice, the first refunded":                    {sold, []event{paid("cs_1"), paid("cs_2"), refundedInFull("cs_1")}, paidBy("cs_2", 260)},
		"paid twice, both refunded: the first counts again": {sold, []event{paid("cs_1"), paid("cs_2"), refundedInFull("cs_1"), refundedInFull("cs_2")}, refundedBy("cs_1", 160)},
		"only the counting payment's refund is shown":       {sold, []event{paid("cs_1"), paid("cs_2"), refunded("cs_2", 4000)}, paidBy("cs_1", 160).lookAt("DuplicatePayment")},
		"a twin event of a payment: paid when first told":   {sold, []event{paid("cs_1").twin(), paid("cs_1")}, paidBy("cs_1", 160)},
		"a free order, no_payment_required":                 {free, []event{paid("cs_1").of(0).withoutIntent()}, paidBy("cs_1", 160).noIntent()},
		"a refund that names no payment is nobody's":        {free, []event{paid("cs_1").of(0).withoutIntent(), refundedInFull("cs_1").withoutIntent()}, paidBy("cs_1", 160).noIntent()},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := gocmp.Diff(row.want, keep(row.terms, row.events...).ending()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := gocmp.Diff(row.want, oracle(row.terms, row.events)); diff != "" {
				t.Errorf("the oracle says otherwise (-want +oracle)\n%s", diff)
			}
		})
	}
}

// free is an order that costs nothing.
var free = payment.Terms{Amount: 0, Currency: "USD", Livemode: true}

// TestAcceptance says which payments count for which order, whatever became of them.
func TestAcceptance(t *testing.T) {
	test := payment.Terms{Amount: 19900, Currency: "USD"}
	for name, row := range map[string]struct {
		terms payment.Terms
		this  func(event) event
		want  payment.Evaluation
	}{
		"as asked":                                     {sold, func(e event) event { return e }, payment.Accepted},
		"one cent too little":                          {sold, func(e event) event { return e.of(19899) }, payment.Mismatch},
		"one cent too much":                            {sold, func(e event) event { return e.of(19901) }, payment.Mismatch},
		"nothing for something":                        {sold, func(e event) event { return e.of(0) }, payment.Mismatch},
		"nothing for nothing":                          {free, func(e event) event { return e.of(0) }, payment.Accepted},
		"something for nothing":                        {free, func(e event) event { return e }, payment.Mismatch},
		"currency in upper case":                       {sold, func(e event) event { return e.in("USD") }, payment.Accepted},
		"currency in mixed case":                       {sold, func(e event) event { return e.in("uSd") }, payment.Accepted},
		"another currency":                             {sold, func(e event) event { return e.in("cad") }, payment.Mismatch},
		"no currency":                                  {sold, func(e event) event { return e.in("") }, payment.Mismatch},
		"test money for a live order":                  {sold, func(e event) event { return e.inTestMode() }, payment.WrongMode},
		"test money for a test order":                  {test, func(e event) event { return e.inTestMode() }, payment.Accepted},
		"real money for a test order":                  {test, func(e event) event { return e }, payment.WrongMode},
		"test money and too little: the mode is named": {sold, func(e event) event { return e.inTestMode().of(1) }, payment.WrongMode},
		"any link, where none is known":                {sold, func(e event) event { return e.through("plink_9") }, payment.Accepted},
		"no link, where none is known":                 {sold, func(e event) event { return e.through("") }, payment.Accepted},
		"the order's link":                             {tied, func(e event) event { return e.through("plink_1") }, payment.Accepted},
		"another link":                                 {tied, func(e event) event { return e.through("plink_2") }, payment.Mismatch},
		"the order's link in another case":             {tied, func(e event) event { return e.through("PLINK_1") }, payment.Mismatch},
		"no link, where the order has one":             {tied, func(e event) event { return e.through("") }, payment.Mismatch},
	} {
		t.Run(name, func(t *testing.T) {
			for _, one := range []event{unpaid("cs_1"), failed("cs_1"), paid("cs_1")} {
				b := keep(row.terms, row.this(one))
				if got := row.terms.Evaluate(b.facts.Payments[0]); got != row.want {
					t.Errorf("%s: verdict %v, want %v", one.kind, got, row.want)
				}
				if counts := b.settle().Phase != v1alpha1.OrderPending; counts != (row.want == payment.Accepted) {
					t.Errorf("%s: phase %s for verdict %v", one.kind, b.settle().Phase, row.want)
				}
				b.check(t, []event{row.this(one)})
			}
		})
	}
}

// TestOfAnOrder says where an order's terms and facts are read from.
func TestOfAnOrder(t *testing.T) {
	no, now := false, second(9)
	order := &v1alpha1.Order{
		Spec: v1alpha1.OrderSpec{Amount: 19900, Currency: "USD", Livemode: &no},
		Status: v1alpha1.OrderStatus{
			PaymentLinkID: "plink_1", Payments: []v1alpha1.Payment{{SessionID: "cs_1"}}, ExpiredAt: &now, PaymentsDropped: true,
		},
	}
	wantTerms := payment.Terms{Amount: 19900, Currency: "USD", PaymentLinkID: "plink_1"}
	wantFacts := payment.Facts{Payments: []v1alpha1.Payment{{SessionID: "cs_1"}}, ExpiredAt: &now, Dropped: true}
	if diff := gocmp.Diff(wantTerms, payment.TermsOf(order)); diff != "" {
		t.Errorf("terms (-want +got)\n%s", diff)
	}
	if diff := gocmp.Diff(wantFacts, payment.FactsOf(order)); diff != "" {
		t.Errorf("facts (-want +got)\n%s", diff)
	}
	if fresh := new(v1alpha1.Order); !payment.TermsOf(fresh).Livemode {
		t.Error("an order that does not say livemode is a live one")
	} else if f := payment.FactsOf(fresh); f.ExpiredAt != nil || f.Dropped || len(f.Payments) > 0 {
		t.Errorf("a new order has no facts, got %+v", f)
	}
}
