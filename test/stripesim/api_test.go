package stripesim_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

func TestKeys(t *testing.T) {
	sim := start(t, stripesim.Options{})
	for key, want := range map[string]int{
		"": 401, "whsec_abc": 401, "pk_test_abc": 401, "sk_test_": 401, "sk_other_abc": 401,
		"sk_test_abc": 200, "rk_test_abc": 200, "sk_live_abc": 200, "rk_live_abc": 200,
	} {
		c := newCaller(t, sim, key)
		status, content, _ := c.do(http.MethodGet, "/v1/events", "")
		if status != want {
			t.Errorf("key %q: %d %s", key, status, content)
		}
		if key != "" && status == 401 && strings.Contains(string(content), key) {
			t.Errorf("the refusal repeats the key: %s", content)
		}
	}
	basic := newCaller(t, sim, "")
	if status, _, _ := basic.do(http.MethodGet, "/v1/events", "", "Authorization", "Basic c2tfdGVzdF9hYmM6"); status != http.StatusOK {
		t.Errorf("basic auth: %d", status)
	}
}

func TestRefusals(t *testing.T) {
	sim := start(t, stripesim.Options{})
	c := newCaller(t, sim, stripesim.TestKey)
	const item = "line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=100&line_items[0][price_data][product_data][name]=A"
	for _, r := range []struct {
		route, form string
		status      int
		code, param string
	}{
		{"GET /v1/nothing", "", 404, "", ""},
		{"PUT /v1/events", "", 404, "", ""},
		{"GET /v1/payment_links/plink_none", "", 404, "resource_missing", "payment_link"},
		{"GET /v1/payment_intents/pi_none", "", 404, "resource_missing", "intent"},
		{"GET /v1/checkout/sessions/cs_none", "", 404, "resource_missing", "session"},
		{"POST /v1/payment_links", "", 400, "parameter_missing", "line_items"},
		{"POST /v1/payment_links", "line_items[0][price]=price_none", 404, "resource_missing", "line_items[0][price]"},
		{"POST /v1/payment_links", item + "&colour=red", 400, "parameter_unknown", "colour"},
		{"POST /v1/payment_links", item + "&line_items[0][size]=9", 400, "parameter_unknown", "line_items[0][size]"},
		{"POST /v1/payment_links", item + "&allow_promotion_codes=true", 400, "", "allow_promotion_codes"},
		{"POST /v1/payment_links", item + "&after_completion[type]=redirect", 400, "parameter_missing", "after_completion[redirect][url]"},
		{"POST /v1/payment_links", item + "&after_completion[type]=redirect&after_completion[redirect][url]=shop", 400, "url_invalid", "after_completion[redirect][url]"},
		{"POST /v1/payment_links", strings.Replace(item, "=usd", "=USD", 1), 400, "", "line_items[0][price_data][currency]"},
		{"POST /v1/payment_links", strings.Replace(item, "=100", "=-1", 1), 400, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"},
		{"POST /v1/prices", "currency=usd&unit_amount=1.5&product_data[name]=A", 400, "parameter_invalid_integer", "unit_amount"},
		{"POST /v1/prices", "currency=usd&unit_amount=1&product=prod_none", 404, "resource_missing", "product"},
		{"POST /v1/products", "", 400, "parameter_missing", "name"},
		{"POST /v1/refunds", "amount=1", 400, "parameter_missing", ""},
		{"POST /v1/refunds", "payment_intent=pi_none", 404, "resource_missing", "payment_intent"},
		{"POST /v1/refunds", "charge=ch_none&reason=mood", 400, "", "reason"},
		{"GET /v1/events", "limit=0", 400, "parameter_invalid_integer", "limit"},
		{"GET /v1/events", "limit=101", 400, "parameter_invalid_integer", "limit"},
		{"GET /v1/events", "type=a.b&types[]=a.c", 400, "", "types"},
		{"GET /v1/events", strings.TrimSuffix(strings.Repeat("types[]=a.b&", 21), "&"), 400, "", "types"},
		{"GET /v1/events", "starting_after=evt_none", 404, "resource_missing", "starting_after"},
		{"GET /v1/events", "delivery_success=maybe", 400, "", "delivery_success"},
		{"GET /v1/events", "created[since]=1", 400, "parameter_unknown", "created[since]"},
		{"GET /v1/events", "expand[]=data.type", 200, "", ""},
		{"POST /v1/webhook_endpoints", "url=http://a.example", 400, "parameter_missing", "enabled_events"},
		{"POST /v1/webhook_endpoints", "url=a.example&enabled_events[]=*", 400, "url_invalid", "url"},
		{"POST /v1/webhook_endpoints", "url=http://a.example&enabled_events[]=*&api_version=new", 400, "", "api_version"},
	} {
		method, path, _ := strings.Cut(r.route, " ")
		status, content, _ := c.do(method, path, r.form)
		if status != r.status {
			t.Errorf("%s %s: %d %s", r.route, r.form, status, content)
			continue
		}
		if status == http.StatusOK {
			continue
		}
		refusal := decoded(t, content)["error"].(map[string]any)
		code, _ := refusal["code"].(string)
		param, _ := refusal["param"].(string)
		if code != r.code || param != r.param || refusal["type"] != "invalid_request_error" || refusal["message"] == "" {
			t.Errorf("%s %s: %s", r.route, r.form, content)
		}
	}
	if links := ids(c.get("/v1/payment_links", "")); len(links) != 0 {
		t.Errorf("refused requests made the links %v", links)
	}
	if n := len(sim.Events()); n != 0 {
		t.Errorf("refused requests made %d events", n)
	}
}

func TestPagination(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	other := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	var made []string
	for range 5 {
		made = append(made, pay(t, sim, link).ID)
		pay(t, sim, other)
	}
	slices.Reverse(made)
	c := newCaller(t, sim, stripesim.TestKey)
	for _, p := range []struct {
		query string
		want  []string
		more  bool
	}{
		{"", made, false},
		{"limit=2", made[:2], true},
		{"limit=2&starting_after=" + made[1], made[2:4], true},
		{"limit=2&starting_after=" + made[2], made[3:], false},
		{"limit=2&starting_after=" + made[4], nil, false},
		{"limit=2&ending_before=" + made[4], made[2:4], true},
		{"limit=2&ending_before=" + made[2], made[:2], false},
		{"limit=2&ending_before=" + made[0], nil, false},
	} {
		list := c.get("/v1/checkout/sessions", strings.Trim("payment_link="+link.ID+"&"+p.query, "&"))
		if got := ids(list); !slices.Equal(got, p.want) || list["has_more"] != p.more {
			t.Errorf("%s: %v, has_more %v", p.query, got, list["has_more"])
		}
	}
}

func TestEventFilters(t *testing.T) {
	fake := testingclock.NewFakeClock(time.Unix(1760000000, 0))
	sim := start(t, stripesim.Options{Clock: fake})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 100})
	fake.Step(time.Minute)
	pay(t, sim, link)
	fake.Step(time.Minute)
	pay(t, sim, link)
	c := newCaller(t, sim, stripesim.TestKey)
	second := func(n int) string { return strconv.Itoa(1760000000 + n) }
	for query, want := range map[string]int{
		"":                                11,
		"type=checkout.session.completed": 2,
		"type=charge.*":                   2,
		"types[]=charge.succeeded&types[]=price.created":   3,
		"types[0]=charge.succeeded&types[1]=price.created": 3,
		"created[gte]=" + second(60):                       8,
		"created[gt]=" + second(60):                        4,
		"created[lt]=" + second(60):                        3,
		"created[lte]=" + second(60):                       7,
		"created=" + second(60):                            4,
		"created[gte]=" + second(60) + "&created[lt]=" + second(120) + "&type=charge.succeeded": 1,
		"delivery_success=true":  11, // nobody listens, so nothing is undelivered
		"delivery_success=false": 0,
	} {
		if n := len(ids(c.get("/v1/events", strings.Trim(query+"&limit=100", "&")))); n != want {
			t.Errorf("%q lists %d events, not %d", query, n, want)
		}
	}
}

func TestDisturbedAPI(t *testing.T) {
	sim := start(t, stripesim.Options{})
	c := newCaller(t, sim, stripesim.TestKey)
	sim.DisturbAPI(func(r *http.Request) int {
		if r.URL.Path == "/v1/events" {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	if status, _, _ := c.do(http.MethodGet, "/v1/events", ""); status != http.StatusServiceUnavailable {
		t.Errorf("a disturbed route: %d", status)
	}
	c.get("/v1/charges", "")
	sim.DisturbAPI(nil)
	c.get("/v1/events", "")
}
