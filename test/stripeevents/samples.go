// Package stripeevents has webhook bodies for tests: samples as Stripe sends them, and changes of them. A body that claims to be
// from Stripe is checked against Stripe's OpenAPI description, so that no test uses a shape that Stripe would not send.
package stripeevents

import (
	"bytes"
	"embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The samples. All are of one sale, order-7f3c2a10 for 49.99 EUR, in test mode.
const (
	SessionPaid           = "checkout.session.completed.paid"
	SessionUnpaid         = "checkout.session.completed.unpaid"
	SessionOfAnotherPrice = "checkout.session.completed.amount_mismatch"
	SessionAsyncSucceeded = "checkout.session.async_payment_succeeded"
	SessionAsyncFailed    = "checkout.session.async_payment_failed"
	SessionExpired        = "checkout.session.expired"
	ChargeRefunded        = "charge.refunded.full"
	ChargePartlyRefunded  = "charge.refunded.partial"
	RefundFailed          = "refund.failed"
	DisputeCreated        = "charge.dispute.created"
)

//go:embed testdata/*.json
var files embed.FS

// Names returns the names of all samples.
func Names(t testing.TB) []string {
	t.Helper()
	entries, err := files.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}

// Buyer returns the buyer's personal data in the samples, which must not be copied anywhere.
func Buyer() []string {
	return []string{"Erika", "Mustermann", "buyer@example.com", "Musterstrasse", "10115", "Berlin"}
}

// FromStripe returns a sample with changes. The test fails unless Stripe's description allows the result.
func FromStripe(t testing.TB, sample string, changes ...Change) []byte {
	t.Helper()
	body := change(t, sample, changes)
	Check(t, body)
	return body
}

// Newer returns a sample with changes that came to Stripe's API after the description the samples are held to.
func Newer(t testing.TB, sample string, changes ...Change) []byte {
	t.Helper()
	return change(t, sample, changes)
}

// Hostile returns a sample with changes that Stripe would not send.
func Hostile(t testing.TB, sample string, changes ...Change) []byte {
	t.Helper()
	return change(t, sample, changes)
}

// Change alters a decoded event.
type Change func(t testing.TB, event map[string]any)

// Set puts a value at a path such as "data.object.amount_total".
func Set(path string, value any) Change {
	return func(t testing.TB, event map[string]any) {
		t.Helper()
		parent, field := lookUp(t, event, path)
		parent[field] = value
	}
}

// Drop removes the field at a path.
func Drop(path string) Change {
	return func(t testing.TB, event map[string]any) {
		t.Helper()
		parent, field := lookUp(t, event, path)
		if _, ok := parent[field]; !ok {
			t.Fatalf("the sample has no %s to drop; it has %v", path, slices.Sorted(maps.Keys(parent)))
		}
		delete(parent, field)
	}
}

// Expand replaces the id at a path by the object that it is the id of, as Stripe does on request.
func Expand(path, kind string) Change {
	return func(t testing.TB, event map[string]any) {
		t.Helper()
		parent, field := lookUp(t, event, path)
		expanded := fixture(t, kind)
		expanded["id"] = parent[field]
		parent[field] = expanded
	}
}

func lookUp(t testing.TB, event map[string]any, path string) (parent map[string]any, field string) {
	t.Helper()
	steps := strings.Split(path, ".")
	parent = event
	for _, step := range steps[:len(steps)-1] {
		next, ok := parent[step].(map[string]any)
		if !ok {
			t.Fatalf("the sample has no object at %s of %s", step, path)
		}
		parent = next
	}
	return parent, steps[len(steps)-1]
}

// change returns the sample unchanged, to the byte, if there are no changes.
func change(t testing.TB, sample string, changes []Change) []byte {
	t.Helper()
	body, err := files.ReadFile("testdata/" + sample + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) == 0 {
		return body
	}
	var event map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // a float64 would write 1760000061 as 1.760000061e+09
	if err := decoder.Decode(&event); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		c(t, event)
	}
	changed, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}
