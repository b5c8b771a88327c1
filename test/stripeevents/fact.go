package stripeevents

import (
	"encoding/json"
	"regexp"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

// CheckFact fails the test unless a fact is of exactly one kind, and the CRD of StripeEvents takes it and gives it back
// unchanged.
func CheckFact(t testing.TB, fact payment.Fact) {
	t.Helper()
	crd := specSchema(t)
	kinds := 0
	for _, is := range []bool{fact.Session != nil, fact.Refund != nil, fact.FailedRefund != nil, fact.Dispute != nil} {
		if is {
			kinds++
		}
	}
	if kinds != 1 || (fact.Session == nil && fact.PaymentIntentID == "") {
		t.Errorf("%d kinds, of payment %q", kinds, fact.PaymentIntentID)
	}
	if fact.ClientReferenceID != "" && (fact.Session == nil || !regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`).MatchString(fact.ClientReferenceID)) {
		t.Errorf("the reference is %q", fact.ClientReferenceID)
	}
	kept, err := json.Marshal(v1alpha1.StripeEventFact(fact))
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(kept, &value); err != nil {
		t.Fatal(err)
	}
	if err := crd.VisitJSON(value); err != nil {
		t.Errorf("the CRD does not take it: %v\n%s", err, kept)
	}
	var back v1alpha1.StripeEventFact
	if err := json.Unmarshal(kept, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v1alpha1.StripeEventFact(fact), back, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("it comes back as another: %s", diff)
	}
}

var (
	schemaOnce sync.Once
	schema     openapi3.Schema
)

// specSchema returns the schema of a StripeEvent's spec.fact.
func specSchema(t testing.TB) *openapi3.Schema {
	t.Helper()
	schemaOnce.Do(func() {
		fact := fakeapi.CRD(t, "stripeevents").Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["fact"]
		text, err := json.Marshal(fact)
		if err == nil {
			err = json.Unmarshal(text, &schema)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	return &schema
}
