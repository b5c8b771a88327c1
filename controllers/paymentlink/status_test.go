package paymentlink

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// TestJudgeLink is whether orders can be made from a link.
func TestJudgeLink(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*v1alpha1.PaymentLink)
		ready  bool
		want   v1alpha1.PaymentLinkStatus
	}{
		"as in the Dashboard":         {func(*v1alpha1.PaymentLink) {}, true, v1alpha1.PaymentLinkStatus{URL: "https://buy.stripe.com/b?locale=de", PaymentLinkID: "plink_1", Price: "199.00 USD", ObservedGeneration: 1}},
		"of unknown id":               {func(l *v1alpha1.PaymentLink) { l.Spec.PaymentLinkID = "" }, true, v1alpha1.PaymentLinkStatus{URL: "https://buy.stripe.com/b?locale=de", Price: "199.00 USD", ObservedGeneration: 1}},
		"in yen":                      {sells(19900, "jpy"), true, v1alpha1.PaymentLinkStatus{URL: "https://buy.stripe.com/b?locale=de", PaymentLinkID: "plink_1", Price: "19900 JPY", ObservedGeneration: 1}},
		"changed":                     {func(l *v1alpha1.PaymentLink) { l.Generation = 7 }, true, v1alpha1.PaymentLinkStatus{URL: "https://buy.stripe.com/b?locale=de", PaymentLinkID: "plink_1", Price: "199.00 USD", ObservedGeneration: 7}},
		"without address":             {func(l *v1alpha1.PaymentLink) { l.Spec.URL = "" }, false, v1alpha1.PaymentLinkStatus{PaymentLinkID: "plink_1", Price: "199.00 USD", ObservedGeneration: 1}},
		"an address of no use":        {func(l *v1alpha1.PaymentLink) { l.Spec.URL = "buy.stripe.com/b" }, false, v1alpha1.PaymentLinkStatus{PaymentLinkID: "plink_1", Price: "199.00 USD", ObservedGeneration: 1}},
		"an address that was of some": {func(l *v1alpha1.PaymentLink) { l.Spec.URL, l.Status.URL = "", "https://buy.stripe.com/b" }, false, v1alpha1.PaymentLinkStatus{PaymentLinkID: "plink_1", Price: "199.00 USD", ObservedGeneration: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			l := link("l", row.change)
			c := meta.FindStatusCondition(l.Status.Conditions, v1alpha1.ConditionReady)
			if c == nil || (c.Status == metav1.ConditionTrue) != row.ready || c.ObservedGeneration != l.Generation {
				t.Errorf("Ready is %+v", c)
			}
			if want := map[bool]string{true: v1alpha1.ReasonLinkAvailable, false: v1alpha1.ReasonInvalidSpec}[row.ready]; c.Reason != want {
				t.Errorf("because of %s, not %s", c.Reason, want)
			}
			l.Status.Conditions = nil
			if diff := cmp.Diff(row.want, l.Status); diff != "" {
				t.Error(diff)
			}
		})
	}
}
