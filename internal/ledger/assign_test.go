package ledger_test

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/payment"
)

// assigned is a fact and the order that a person chose for it; to is empty where nobody did.
type assigned struct {
	fact payment.Fact
	to   string
}

func (a assigned) record(s *fixture) (wrote bool, err error) {
	var to *v1alpha1.OrderReference
	if a.to != "" {
		to = &v1alpha1.OrderReference{Namespace: "shop", Name: a.to}
	}
	_, wrote, err = s.ledger.Record(s.t.Context(), a.fact, to)
	return wrote, err
}

// TestAssign: a person's choice goes before the session's own, but not before an order that has the session already.
func TestAssign(t *testing.T) {
	ofNone := sessionOf("", "1", v1alpha1.OutcomePaid)
	ofUnknown := sessionOf("unknown", "1", v1alpha1.OutcomePaid)
	ofO2 := sessionOf("o2-uid", "1", v1alpha1.OutcomePaid)
	for name, row := range map[string]struct {
		known  []assigned
		given  assigned
		served []string
		err    error
		holder string
	}{
		"names none":              {nil, assigned{ofNone, "o1"}, nil, nil, "o1"},
		"names one that is not":   {nil, assigned{ofUnknown, "o1"}, nil, nil, "o1"},
		"names another":           {nil, assigned{ofO2, "o1"}, nil, nil, "o1"},
		"another has it already":  {[]assigned{{ofO2, ""}}, assigned{ofO2, "o1"}, nil, nil, "o2"},
		"it has it already":       {[]assigned{{ofNone, "o1"}}, assigned{ofO2, ""}, nil, nil, "o1"},
		"to none that is there":   {nil, assigned{ofO2, "o9"}, nil, ledger.ErrUnknown, ""},
		"to one that is unready":  {nil, assigned{ofO2, "o3"}, nil, ledger.ErrUnknown, ""},
		"to a namespace unserved": {nil, assigned{ofO2, "o1"}, []string{"other"}, ledger.ErrUnknown, ""},
		"to a namespace served":   {nil, assigned{ofO2, "o1"}, []string{"other", "shop"}, nil, "o1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, interceptor.Funcs{}, order("o1", ready), order("o2", ready), order("o3"))
			s.ledger.Namespaces = row.served
			for _, known := range row.known {
				if wrote, err := known.record(s); err != nil || !wrote {
					t.Fatalf("recorded before: wrote %t, %v", wrote, err)
				}
			}
			if _, err := row.given.record(s); !errors.Is(err, row.err) {
				t.Fatal(err)
			}
			for _, o := range []string{"o1", "o2", "o3"} {
				want := 0
				if o == row.holder {
					want = 1
				}
				if got := s.Order(o).Status; len(got.Payments) != want || (want == 1 && got.Phase != v1alpha1.OrderPaid) {
					t.Errorf("%s: %+v", o, got)
				}
			}
		})
	}
}

// TestPreview says what Apply would do, and does nothing.
func TestPreview(t *testing.T) {
	session, refund := sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), refundOf("1", 100, false)
	for name, row := range map[string]struct {
		known []payment.Fact
		fact  payment.Fact
	}{
		"a session":                    {nil, session},
		"a session that is known":      {[]payment.Fact{session}, session},
		"a session that got further":   {[]payment.Fact{sessionOf("o1-uid", "1", v1alpha1.OutcomeUnpaid)}, session},
		"of an unknown order":          {nil, sessionOf("unknown", "1", v1alpha1.OutcomePaid)},
		"of an unknown order, kept":    {[]payment.Fact{sessionOf("unknown", "1", v1alpha1.OutcomePaid)}, sessionOf("unknown", "1", v1alpha1.OutcomePaid)},
		"of somebody else":             {nil, sessionOf("", "1", v1alpha1.OutcomePaid)},
		"of a link of ours":            {nil, through("plink_1", sessionOf("", "1", v1alpha1.OutcomePaid))},
		"a refund":                     {[]payment.Fact{session}, refund},
		"a refund that is known":       {[]payment.Fact{session, refund}, refund},
		"a refund of an unknown":       {nil, refund},
		"a refund of an unknown, kept": {[]payment.Fact{refund}, refund},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, interceptor.Funcs{}, order("o1", ready), paymentLink("shop", "plink_1"))
			for _, fact := range row.known {
				if _, err := s.ledger.Apply(t.Context(), fact); err != nil {
					t.Fatal(err)
				}
			}
			patches, kept := len(s.Calls().StatusPatches), len(s.StripeEvents())
			foreseen, err := s.ledger.Preview(t.Context(), row.fact)
			if err != nil || len(s.Calls().StatusPatches) != patches || len(s.StripeEvents()) != kept {
				t.Errorf("%v, and something was written", err)
			}
			if came, err := s.ledger.Apply(t.Context(), row.fact); err != nil || came != foreseen {
				t.Errorf("foreseen %s, and it was %s: %v", foreseen, came, err)
			}
		})
	}
}

// TestOurs: a session is ours by its link, by an order that has it, or by one that it names, ready or not.
func TestOurs(t *testing.T) {
	for name, row := range map[string]struct {
		fact payment.Fact
		want bool
	}{
		"by its order":             {sessionOf("o1-uid", "1", v1alpha1.OutcomePaid), true},
		"by its order, not ready":  {sessionOf("o2-uid", "1", v1alpha1.OutcomePaid), true},
		"by its link":              {through("plink_1", sessionOf("", "1", v1alpha1.OutcomePaid)), true},
		"by its link, no order":    {through("plink_1", sessionOf("unknown", "1", v1alpha1.OutcomePaid)), true},
		"by the order that has it": {sessionOf("", "held", v1alpha1.OutcomePaid), true},
		"another link's":           {through("plink_2", sessionOf("unknown", "1", v1alpha1.OutcomePaid)), false},
		"nobody's":                 {sessionOf("", "1", v1alpha1.OutcomePaid), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, interceptor.Funcs{}, order("o1", ready), order("o2"), order("o3", ready), paymentLink("shop", "plink_1"))
			s.apply(sessionOf("o3-uid", "held", v1alpha1.OutcomePaid), ledger.Applied)
			if got, err := s.ledger.OwnsSession(t.Context(), row.fact); err != nil || got != row.want {
				t.Errorf("%t, %v", got, err)
			}
		})
	}
}

// TestUncertain: where the API server cannot be asked, nothing is called unknown or somebody else's.
func TestUncertain(t *testing.T) {
	away := apierrors.NewServiceUnavailable("away")
	s := newFixture(t, interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return away
		},
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return away },
	}, order("o1", ready))
	unknown := sessionOf("unknown", "1", v1alpha1.OutcomePaid)
	for _, fact := range []payment.Fact{unknown, refundOf("1", 1, false)} {
		if _, err := s.ledger.Preview(t.Context(), fact); !errors.Is(err, away) {
			t.Errorf("preview: %v", err)
		}
	}
	if _, err := (assigned{sessionOf("", "1", v1alpha1.OutcomePaid), "o1"}).record(s); !errors.Is(err, away) {
		t.Errorf("record, assigned: %v", err)
	}
	if _, err := s.ledger.OwnsSession(t.Context(), unknown); !errors.Is(err, away) {
		t.Errorf("ours: %v", err)
	}
}
