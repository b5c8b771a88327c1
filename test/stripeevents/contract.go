package stripeevents

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"
)

// description is Stripe's OpenAPI description of version 2023-10-16. It is 6 MB, so it is read once.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromData(embedded.OpenAPISpec)
})

// Check fails the test unless the body is an event, with an object in it, that Stripe's description allows.
func Check(t testing.TB, body []byte) {
	t.Helper()
	if err := check(body); err != nil {
		t.Fatalf("not what Stripe sends: %.2000v", err)
	}
}

func check(body []byte) error {
	doc, err := description()
	if err != nil {
		return fmt.Errorf("read Stripe's description: %w", err)
	}
	var event map[string]any
	if err := json.Unmarshal(body, &event); err != nil {
		return err
	}
	if err := doc.Components.Schemas["event"].Value.VisitJSON(event, openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("the event: %w", err)
	}
	data, _ := event["data"].(map[string]any)
	object, _ := data["object"].(map[string]any)
	kind, _ := object["object"].(string)
	schema, ok := doc.Components.Schemas[kind]
	if !ok {
		return fmt.Errorf("the description has no object %q", kind)
	}
	if err := schema.Value.VisitJSON(object, openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("the %s: %w", kind, err)
	}
	return nil
}

// fixture is one of the objects that come with Stripe's description.
func fixture(t testing.TB, kind string) map[string]any {
	t.Helper()
	var fixtures struct {
		Resources map[string]map[string]any `json:"resources"`
	}
	if err := json.Unmarshal(embedded.OpenAPIFixtures, &fixtures); err != nil {
		t.Fatal(err)
	}
	object, ok := fixtures.Resources[kind]
	if !ok {
		t.Fatalf("Stripe's fixtures have no %s", kind)
	}
	return object
}
