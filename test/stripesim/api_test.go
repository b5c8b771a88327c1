package stripesim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

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
			t.Errorf("%s %s: got %d %s, want %d", r.route, r.form, status, content, r.status)
			continue
		}
		if status == http.StatusOK {
			continue
		}
		refusal := decoded(t, content)["error"].(map[string]any)
		code, _ := refusal["code"].(string)
		param, _ := refusal["param"].(string)
		if code != r.code || param != r.param || refusal["type"] != "invalid_request_error" || refusal["message"] == "" {
			t.Errorf("%s %s: got %s, want code %q and param %q", r.route, r.form, content, r.code, r.param)
		}
	}
	if links := ids(c.get("/v1/payment_links", "")); len(links) != 0 {
		t.Errorf("refused requests made the links %v", links)
	}
	if n := len(sim.Events()); n != 0 {
		t.Errorf("refused requests made %d events", n)
	}
}

// TestFaults: requests fail as InjectFaults says, and answers have the time of the clock.
func TestFaults(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	sim := start(t, stripesim.Options{Clock: testingclock.NewFakeClock(at)})
	pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000}))
	list := func() (status int, content []byte, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.URL()+"/v1/events?limit=5", nil)
		check.Must(t, err)
		request.Header.Set("Authorization", "Bearer "+stripesim.TestKey)
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			return 0, nil, err
		}
		defer func() { _ = answer.Body.Close() }()
		if date, err := http.ParseTime(answer.Header.Get("Date")); err != nil || !date.Equal(at) {
			t.Errorf("got date %s, want %s", date, at)
		}
		content, err = io.ReadAll(answer.Body)
		return answer.StatusCode, content, err
	}
	_, whole, err := list()
	check.Must(t, err)
	for name, row := range map[string]struct {
		fault  stripesim.Fault
		status int
		err    error
		size   int
	}{
		"none":   {stripesim.Fault{}, 200, nil, len(whole)},
		"status": {stripesim.Fault{Status: http.StatusTooManyRequests}, 429, nil, -1},
		"hang":   {stripesim.Fault{Hang: true}, 0, context.DeadlineExceeded, 0},
		"cut":    {stripesim.Fault{Cut: true}, 200, io.ErrUnexpectedEOF, len(whole) / 2},
	} {
		sim.InjectFaults(func(*http.Request) stripesim.Fault { return row.fault })
		if status, content, err := list(); status != row.status || !errors.Is(err, row.err) || row.size >= 0 && len(content) != row.size {
			t.Errorf("%s: got %d, %d bytes, %v, want %d, %d bytes, %v", name, status, len(content), err, row.status, row.size, row.err)
		}
	}
	sim.InjectFaults(func(*http.Request) stripesim.Fault { return stripesim.Fault{PageLimit: 2} })
	if _, content, err := list(); err != nil || len(ids(decoded(t, content))) != 2 || decoded(t, content)["has_more"] != true {
		t.Errorf("got page %s, %v, want two events and more", content, err)
	}
}
