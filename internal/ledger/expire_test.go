package ledger_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

// TestExpire: an order expires only where no money is held, was given back, or is on its way.
func TestExpire(t *testing.T) {
	otherPrice := sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)
	otherPrice.Session.Amount = 1
	for name, row := range map[string]struct {
		before []payment.Fact
		wrote  bool
		phase  v1alpha1.OrderPhase
		reason string
	}{
		"nothing was paid":   {nil, true, v1alpha1.OrderFailed, v1alpha1.ReasonExpired},
		"the payment failed": {[]payment.Fact{sessionOf("o1-uid", "1", v1alpha1.OutcomeFailed)}, true, v1alpha1.OrderFailed, v1alpha1.ReasonExpired},
		"another price":      {[]payment.Fact{otherPrice}, true, v1alpha1.OrderFailed, v1alpha1.ReasonExpired},
		"paid":               {[]payment.Fact{sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)}, false, v1alpha1.OrderPaid, v1alpha1.ReasonPaymentReceived},
		"a debit is on its way": {
			[]payment.Fact{sessionOf("o1-uid", "1", v1alpha1.OutcomeUnpaid)}, false, v1alpha1.OrderFailed, v1alpha1.ReasonAwaitingAsyncPayment,
		},
		"a debit is on its way after one that failed": {
			[]payment.Fact{sessionOf("o1-uid", "1", v1alpha1.OutcomeFailed), sessionOf("o1-uid", "2", v1alpha1.OutcomeUnpaid)},
			false, v1alpha1.OrderFailed, v1alpha1.ReasonAwaitingAsyncPayment,
		},
		"refunded": {
			[]payment.Fact{sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), refundOf("1", 19900, true)}, false, v1alpha1.OrderRefunded, v1alpha1.ReasonRefunded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
			for _, fact := range row.before {
				s.apply(fact, ledger.Applied)
			}
			if is := ledger.Expirable(s.Order("o1")); is != row.wrote {
				t.Errorf("expirable: %t", is)
			}
			wrote, err := s.ledger.Expire(t.Context(), s.Order("o1"))
			if err != nil || wrote != row.wrote {
				t.Errorf("%t, %v", wrote, err)
			}
			got := s.Order("o1")
			paid := meta.FindStatusCondition(got.Status.Conditions, v1alpha1.ConditionPaid)
			if got.Status.Phase != row.phase || paid == nil || paid.Reason != row.reason || (got.Status.ExpiredAt != nil) != row.wrote {
				t.Errorf("the order is %+v", got.Status)
			}
			if again, err := s.ledger.Expire(t.Context(), got); err != nil || again {
				t.Errorf("again: %t, %v", again, err)
			}
		})
	}
}

// TestExpireStale: money that came while the cache was behind is not overlooked.
func TestExpireStale(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	stale := s.Order("o1")
	s.apply(sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), ledger.Applied)
	if wrote, err := s.ledger.Expire(t.Context(), stale); err != nil || wrote {
		t.Errorf("%t, %v", wrote, err)
	}
	if got := s.Order("o1"); got.Status.ExpiredAt != nil || got.Status.Phase != v1alpha1.OrderPaid {
		t.Errorf("the order is %+v", got.Status)
	}
}

// TestExpireGone: an order that was deleted, or made anew, has nothing left to expire.
func TestExpireGone(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	gone := s.Order("o1")
	s.must(s.Direct.Delete(t.Context(), gone.DeepCopy()))
	if wrote, err := s.ledger.Expire(t.Context(), gone); err != nil || wrote {
		t.Errorf("deleted: %t, %v", wrote, err)
	}
	anew := order("o1", ready, func(o *v1alpha1.Order) { o.UID = "another-uid" })
	s.must(s.Direct.Create(t.Context(), anew))
	if wrote, err := s.ledger.Expire(t.Context(), gone); err != nil || wrote {
		t.Errorf("made anew: %t, %v", wrote, err)
	}
	if got := s.Order("o1"); got.Status.ExpiredAt != nil {
		t.Error("the new order expired")
	}
}

// TestLateMoney still counts, and asks for a person.
func TestLateMoney(t *testing.T) {
	s := newFixture(t, interceptor.Funcs{}, order("o1", ready))
	if wrote, err := s.ledger.Expire(t.Context(), s.Order("o1")); err != nil || !wrote {
		t.Fatalf("%t, %v", wrote, err)
	}
	if at := s.Order("o1").Status.ExpiredAt; at == nil || !at.Time.Equal(now) {
		t.Errorf("expired at %v", at)
	}
	s.clock.SetTime(now.Add(24 * time.Hour))
	late := sessionOf("o1-uid", "1", v1alpha1.OutcomePaid)
	late.Created = metav1.NewTime(now.Add(time.Hour))
	s.apply(late, ledger.Applied)
	got := s.Order("o1")
	c := meta.FindStatusCondition(got.Status.Conditions, v1alpha1.ConditionNeedsAttention)
	if got.Status.Phase != v1alpha1.OrderPaid || c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonPaidAfterExpiry {
		t.Errorf("the order is %+v", got.Status)
	}
	if !got.Status.ExpiredAt.Time.Equal(now) {
		t.Errorf("the time of expiry changed to %v", got.Status.ExpiredAt)
	}
}
