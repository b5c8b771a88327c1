package stripesim_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// contract is Stripe's OpenAPI description of 2023-10-16, made stricter: an object can have only described fields.
type contract struct {
	doc   *openapi3.T
	paths map[string]*openapi3.PathItem
}

// loadContract takes a second or more: the description is 6 MB.
var loadContract = sync.OnceValues(func() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(embedded.OpenAPISpec)
	if err != nil {
		return nil, err
	}
	seen := map[*openapi3.Schema]bool{}
	for _, schema := range doc.Components.Schemas {
		closeSchema(schema, seen)
	}
	c := &contract{doc: doc, paths: map[string]*openapi3.PathItem{}}
	for path, item := range doc.Paths.Map() {
		c.paths[anonymous(path)] = item
	}
	return c, nil
})

func closeSchema(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	seen[ref.Value] = true
	schema := ref.Value
	if len(schema.Properties) > 0 && schema.AdditionalProperties.Has == nil && schema.AdditionalProperties.Schema == nil {
		none := false
		schema.AdditionalProperties.Has = &none
	}
	closeSchema(schema.Items, seen)
	for _, property := range schema.Properties {
		closeSchema(property, seen)
	}
	for _, branch := range slices.Concat(schema.AnyOf, schema.OneOf, schema.AllOf) {
		closeSchema(branch, seen)
	}
}

var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

func anonymous(path string) string { return pathParameter.ReplaceAllString(path, "{}") }

// schemaOf is the schema of a route's good answer.
func (c *contract) schemaOf(pattern string) *openapi3.Schema {
	method, path, _ := strings.Cut(pattern, " ")
	item, ok := c.paths[anonymous(path)]
	if !ok {
		return nil
	}
	operation := item.GetOperation(method)
	if operation == nil {
		return nil
	}
	return operation.Responses.Status(http.StatusOK).Value.Content["application/json"].Schema.Value
}

func (c *contract) check(t *testing.T, what string, schema *openapi3.Schema, content []byte) {
	t.Helper()
	if schema == nil {
		t.Errorf("%s: got something that the description does not have", what)
		return
	}
	var value any
	if err := json.Unmarshal(content, &value); err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if err := schema.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %v\n%s", what, err, content)
	}
}

// tour calls every route of the API once in one mode and checks every answer.
type tour struct {
	*caller
	contract *contract
	visited  map[string]bool
}

func (v *tour) call(pattern, id, form string) map[string]any {
	v.t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	status, content, _ := v.do(method, strings.Replace(path, "{id}", id, 1), form)
	if status != http.StatusOK {
		v.t.Fatalf("%s %s: %d %s", pattern, form, status, content)
	}
	v.visited[pattern] = true
	schema := v.contract.schemaOf(pattern)
	if pattern == "POST /v1/events/{id}/retry" { // real, but not in the public description
		schema = v.contract.doc.Components.Schemas["event"].Value
	}
	v.contract.check(v.t, pattern+" "+form, schema, content)
	return decoded(v.t, content)
}

func TestEveryAnswerIsValid(t *testing.T) {
	description, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	for key, live := range map[string]bool{stripesim.TestKey: false, stripesim.LiveKey: true} {
		t.Run(key, func(t *testing.T) {
			sim := start(t, stripesim.Options{})
			v := &tour{caller: newCaller(t, sim, key), contract: description, visited: map[string]bool{}}
			link := v.catalogue()
			v.payments(sim, link)
			v.endpoints(newShop(t).URL)
			v.events(sim)
			for _, pattern := range sim.Routes() {
				if !v.visited[pattern] {
					t.Errorf("%s: got no answer to check", pattern)
				}
			}
			checkEvents(t, description, sim, live)
		})
	}
}

func (v *tour) catalogue() (linkURL string) {
	product := v.call("POST /v1/products", "", "name=Lifetime&description=For ever&metadata[shop]=a")["id"].(string)
	v.call("GET /v1/products", "", "limit=3&active=true")
	v.call("GET /v1/products/{id}", product, "")
	v.call("POST /v1/products/{id}", product, "name=Life&metadata[shop]=")
	price := v.call("POST /v1/prices", "", "product="+product+"&unit_amount=19900&currency=usd&nickname=x&lookup_key=y")["id"].(string)
	v.call("POST /v1/prices", "", "product_data[name]=New&unit_amount_decimal=5&currency=jpy")
	v.call("GET /v1/prices", "", "product="+product+"&expand[]=data.product")
	v.call("GET /v1/prices/{id}", price, "expand[]=product")
	v.call("POST /v1/prices/{id}", price, "active=true&metadata[a]=b")
	link := v.call("POST /v1/payment_links", "", "line_items[0][price]="+price+"&line_items[0][quantity]=2"+
		"&after_completion[type]=redirect&after_completion[redirect][url]=https://shop.example/return?s={CHECKOUT_SESSION_ID}"+
		"&restrictions[completed_sessions][limit]=9&metadata[order_id]=o1&payment_intent_data[metadata][order_id]=o1"+
		"&payment_method_types[0]=card&payment_method_types[1]=us_bank_account&expand[]=line_items")
	id := link["id"].(string)
	v.call("POST /v1/payment_links", "", "line_items[0][price_data][unit_amount]=5&line_items[0][price_data][currency]=eur"+
		"&line_items[0][price_data][product_data][name]=Inline&line_items[0][quantity]=1")
	v.call("GET /v1/payment_links", "", "active=true&expand[0]=data.line_items")
	v.call("GET /v1/payment_links/{id}", id, "expand[]=line_items.data.price.product")
	v.call("POST /v1/payment_links/{id}", id, "inactive_message=Gone&active=true")
	v.call("GET /v1/payment_links/{id}/line_items", id, "limit=1")
	return link["url"].(string)
}

func (v *tour) payments(sim *stripesim.Simulator, link string) {
	must := func(session stripesim.Session, err error) stripesim.Session {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
		return session
	}
	check := func(err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
	}
	buyer, ctx := sim.Buyer(), v.t.Context()
	open := must(buyer.Visit(ctx, link))
	v.call("GET /v1/checkout/sessions/{id}", open.ID, "")
	v.call("POST /v1/checkout/sessions/{id}/expire", open.ID, "")
	declined, err := buyer.Pay(ctx, link, stripesim.CardDeclined)
	if err == nil {
		v.t.Fatal("the declined card was accepted")
	}
	v.call("GET /v1/payment_intents/{id}", declined.PaymentIntent, "expand[]=latest_charge")
	paid := must(buyer.Pay(ctx, declined.URL, stripesim.Card4242))
	v.call("GET /v1/checkout/sessions", "", "payment_intent="+paid.PaymentIntent+"&expand[]=data.payment_intent.latest_charge")
	v.call("GET /v1/checkout/sessions/{id}", paid.ID, "expand[]=line_items&expand[]=payment_intent&expand[]=payment_link")
	v.call("GET /v1/checkout/sessions/{id}/line_items", paid.ID, "")
	intent := v.call("GET /v1/payment_intents/{id}", paid.PaymentIntent, "")
	v.call("GET /v1/payment_intents", "", "limit=100")
	refund := v.call("POST /v1/refunds", "", "payment_intent="+paid.PaymentIntent+"&amount=900&reason=duplicate&metadata[a]=b")
	v.call("POST /v1/refunds", "", "charge="+intent["latest_charge"].(string)+"&expand[]=charge&expand[]=payment_intent")
	check(sim.FailRefund(refund["id"].(string)))
	v.call("GET /v1/refunds", "", "payment_intent="+paid.PaymentIntent)
	v.call("GET /v1/refunds/{id}", refund["id"].(string), "")
	v.call("GET /v1/charges/{id}", intent["latest_charge"].(string), "expand[]=refunds&expand[]=payment_intent")
	v.call("GET /v1/charges", "", "payment_intent="+paid.PaymentIntent)
	for _, succeed := range []bool{true, false} {
		debit := must(buyer.PayByDebit(ctx, link))
		v.call("GET /v1/payment_intents/{id}", debit.PaymentIntent, "expand[]=latest_charge")
		check(sim.SettleDebit(debit.ID, succeed))
		v.call("GET /v1/payment_intents/{id}", debit.PaymentIntent, "expand[]=latest_charge")
	}
	disputed := must(buyer.Pay(ctx, link, stripesim.CardDisputed))
	dispute := v.call("GET /v1/disputes", "", "payment_intent="+disputed.PaymentIntent)
	check(sim.CloseDispute(ids(dispute)[0], "won"))
	v.call("GET /v1/disputes/{id}", ids(dispute)[0], "expand[]=charge&expand[]=payment_intent")
}

func (v *tour) endpoints(address string) {
	made := v.call("POST /v1/webhook_endpoints", "", "url="+address+
		"&enabled_events[0]=checkout.session.completed&enabled_events[1]=charge.refunded&api_version=2023-10-16&description=d&metadata[a]=b")
	id := made["id"].(string)
	if secret, _ := made["secret"].(string); !strings.HasPrefix(secret, "whsec_") {
		v.t.Errorf("got secret %q of a new endpoint", secret)
	}
	if again := v.call("GET /v1/webhook_endpoints/{id}", id, ""); again["secret"] != nil {
		v.t.Error("got the secret a second time")
	}
	v.call("GET /v1/webhook_endpoints", "", "")
	if changed := v.call("POST /v1/webhook_endpoints/{id}", id, "disabled=true"); changed["status"] != "disabled" {
		v.t.Errorf("got status %v, want disabled", changed["status"])
	}
	v.call("DELETE /v1/webhook_endpoints/{id}", id, "")
}

func (v *tour) events(sim *stripesim.Simulator) {
	list := v.call("GET /v1/events", "", "types[]=checkout.session.completed&types[]=charge.refunded&delivery_success=true&created[gte]=1&limit=100")
	v.call("GET /v1/events/{id}", ids(list)[0], "")
	v.call("POST /v1/events/{id}/retry", ids(list)[0], "")
	delivered(v.t, sim)
}

// checkEvents holds every event, and the object in it, to the description.
func checkEvents(t *testing.T, description *contract, sim *stripesim.Simulator, live bool) {
	schemas := description.doc.Components.Schemas
	seen := map[string]bool{}
	for _, event := range sim.Events() {
		seen[event.Type] = true
		if event.Livemode != live {
			t.Errorf("%s: got livemode %t, want %t", event.Type, event.Livemode, live)
		}
		object := decoded(t, event.Data)
		description.check(t, event.Type, schemas[object["object"].(string)].Value, event.Data)
		if event.PreviousAttributes != nil {
			for name := range decoded(t, event.PreviousAttributes) {
				if _, ok := object[name]; !ok {
					t.Errorf("%s: previous attribute %s is no field of the object", event.Type, name)
				}
			}
		}
	}
	for _, wanted := range strings.Fields(`product.created product.updated price.created price.updated
		payment_link.created payment_link.updated checkout.session.completed checkout.session.expired
		checkout.session.async_payment_succeeded checkout.session.async_payment_failed payment_intent.created
		payment_intent.processing payment_intent.succeeded payment_intent.payment_failed charge.pending
		charge.succeeded charge.failed charge.refunded charge.refund.updated refund.created refund.updated
		refund.failed charge.dispute.created charge.dispute.closed charge.dispute.funds_withdrawn
		charge.dispute.funds_reinstated`) {
		if !seen[wanted] {
			t.Errorf("got %v, want %s among them", slices.Sorted(maps.Keys(seen)), wanted)
		}
	}
}

func TestEveryRefusalIsValid(t *testing.T) {
	description, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	sim := start(t, stripesim.Options{})
	c := newCaller(t, sim, stripesim.TestKey)
	for _, pattern := range sim.Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		status, content, header := c.do(method, strings.Replace(path, "{id}", "none_1", 1), "no_such_parameter=1")
		if status != http.StatusBadRequest && status != http.StatusNotFound {
			t.Errorf("%s with an unknown parameter: got %d %s, want 400 or 404", pattern, status, content)
		}
		if header.Get("Request-Id") == "" {
			t.Errorf("%s: got no Request-Id", pattern)
		}
		description.check(t, pattern, description.doc.Components.Schemas["error"].Value, content)
	}
}
