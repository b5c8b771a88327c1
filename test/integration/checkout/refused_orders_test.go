package checkout_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestInvalidOrderRequests: the problem names the invalid field, and no order is created.
func TestInvalidOrderRequests(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	b.mustCreate(call{body: s.orderBody("lifetime", `"orderId":"`+s.Namespace+`"`)})
	long := strings.Repeat("x", 300)
	full := func(field, value string) string { // the body with one field of another value
		fields := map[string]string{"paymentLink": `"lifetime"`, "namespace": `"` + s.Namespace + `"`, "orderId": `""`, "customerId": `""`}
		fields[field] = value
		return fmt.Sprintf(`{"paymentLink":%s,"namespace":%s,"orderId":%s,"customerId":%s}`,
			fields["paymentLink"], fields["namespace"], fields["orderId"], fields["customerId"])
	}
	before := s.recordDelivered()
	for _, c := range []struct {
		name   string
		call   call
		status int
		fields string
	}{
		// The body as a whole.
		{"no body", call{method: "POST", header: map[string]string{"Content-Type": "application/json"}}, 400, ""},
		{"blank", call{body: " \r\n\t"}, 400, ""},
		{"not JSON", call{body: "paymentLink=lifetime"}, 400, ""},
		{"cut off", call{body: s.orderBody("lifetime")[:20]}, 400, ""},
		{"more after the end", call{body: s.orderBody("lifetime") + "{}"}, 400, ""},
		{"an array", call{body: "[" + s.orderBody("lifetime") + "]"}, 400, ""},
		{"null", call{body: "null"}, 400, ""},
		{"text", call{body: `"lifetime"`}, 400, ""},
		{"a number", call{body: "1"}, 400, ""},
		{"deep", call{body: strings.Repeat(`{"a":`, 2000) + strings.Repeat("}", 2000)}, 400, ""},
		{"a byte order mark", call{body: "\ufeff" + s.orderBody("lifetime")}, 400, ""},
		{"UTF-16", call{body: "{\x00}\x00"}, 400, ""},
		{"compressed", call{body: "\x1f\x8b\x08\x00", header: map[string]string{"Content-Encoding": "gzip"}}, 400, ""},
		{"larger than 16 KiB", call{body: s.orderBody("lifetime", `"customerId":"`+strings.Repeat("x", 17<<10)+`"`)}, 413, ""},
		{"far larger", call{body: s.orderBody("lifetime") + strings.Repeat(" ", 8<<20)}, 413, ""},
		{"a form", call{body: s.orderBody("lifetime"), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "Content-Type"},
		{"no kind", call{body: s.orderBody("lifetime"), header: map[string]string{"Content-Type": ""}}, 415, "Content-Type"},
		{"text by its kind", call{body: s.orderBody("lifetime"), header: map[string]string{"Content-Type": "text/plain"}}, 415, "Content-Type"},
		{"a broken kind", call{body: s.orderBody("lifetime"), header: map[string]string{"Content-Type": "application/json; charset"}}, 415, "Content-Type"},
		{"several kinds", call{body: s.orderBody("lifetime"), header: map[string]string{"Content-Type": "text/plain, application/json"}}, 415, "Content-Type"},
		// Fields that should not be there.
		{"nothing in it", call{body: "{}"}, 400, "paymentLink namespace"},
		{"unknown field", call{body: s.orderBody("lifetime", `"amount":1`)}, 400, "amount"},
		{"unknown fields", call{body: s.orderBody("lifetime", `"amount":1`, `"currency":"USD"`)}, 400, "amount currency"},
		{"a field in other letters", call{body: `{"paymentlink":"lifetime","Namespace":"shop"}`}, 400, "paymentlink Namespace"},
		{"an unknown field that says a lot", call{body: s.orderBody("lifetime", `"<script>alert(1)</script>":1`)}, 400, "?"},
		{"field twice", call{body: s.orderBody("lifetime", `"namespace":"other"`)}, 400, "namespace"},
		// Each field.
		{"no link", call{body: `{"namespace":"` + s.Namespace + `"}`}, 400, "paymentLink"},
		{"link empty", call{body: full("paymentLink", `""`)}, 400, "paymentLink"},
		{"link null", call{body: full("paymentLink", `null`)}, 400, "paymentLink"},
		{"link a number", call{body: full("paymentLink", `7`)}, 400, "paymentLink"},
		{"link an object", call{body: full("paymentLink", `{"name":"lifetime"}`)}, 400, "paymentLink"},
		{"link an array", call{body: full("paymentLink", `["lifetime"]`)}, 400, "paymentLink"},
		{"link too long", call{body: full("paymentLink", `"`+long+`"`)}, 400, "paymentLink"},
		{"link no name", call{body: full("paymentLink", `"Lifetime!"`)}, 400, "paymentLink"},
		{"link a path", call{body: full("paymentLink", `"../secrets/lifetime"`)}, 400, "paymentLink"},
		{"link of another namespace", call{body: full("paymentLink", `"other/lifetime"`)}, 400, "paymentLink"},
		{"link unknown", call{body: full("paymentLink", `"unknown"`)}, 404, "paymentLink"},
		{"no namespace", call{body: `{"paymentLink":"lifetime"}`}, 400, "namespace"},
		{"namespace empty", call{body: full("namespace", `""`)}, 400, "namespace"},
		{"namespace null", call{body: full("namespace", `null`)}, 400, "namespace"},
		{"namespace true", call{body: full("namespace", `true`)}, 400, "namespace"},
		{"namespace too long", call{body: full("namespace", `"`+long[:64]+`"`)}, 400, "namespace"},
		{"namespace no name", call{body: full("namespace", `"*"`)}, 400, "namespace"},
		{"namespace of others", call{body: full("namespace", `"kube-system"`)}, 403, "namespace"},
		{"namespace not there", call{body: full("namespace", `"nowhere"`)}, 403, "namespace"},
		{"id a number", call{body: full("orderId", `1001`)}, 400, "orderId"},
		{"id with a space", call{body: full("orderId", `"order 1"`)}, 400, "orderId"},
		{"id an address", call{body: full("orderId", `"erika@example.com"`)}, 400, "orderId"},
		{"id with a line's end", call{body: full("orderId", `"order-1\n"`)}, 400, "orderId"},
		{"id too long", call{body: full("orderId", `"`+long[:201]+`"`)}, 400, "orderId"},
		{"id of a route", call{body: full("orderId", `"capture"`)}, 400, "orderId"},
		{"id taken", call{body: full("orderId", `"`+s.Namespace+`"`)}, 409, "orderId"},
		{"customer a number", call{body: full("customerId", `7`)}, 400, "customerId"},
		{"customer false", call{body: full("customerId", `false`)}, 400, "customerId"},
		{"customer too long", call{body: full("customerId", `"`+strings.Repeat("ñ", 201)+`"`)}, 400, "customerId"},
		{"all wrong", call{body: `{"paymentLink":"A","namespace":"B","orderId":" ","customerId":"` + long + `"}`}, 400, "paymentLink namespace orderId customerId"},
		// Headers.
		{"key empty", call{header: map[string]string{"Idempotency-Key": " "}}, 400, "Idempotency-Key"},
		{"key too long", call{header: map[string]string{"Idempotency-Key": long}}, 400, "Idempotency-Key"},
		{"key with a space", call{header: map[string]string{"Idempotency-Key": "idem a"}}, 400, "Idempotency-Key"},
		{"key not ASCII", call{header: map[string]string{"Idempotency-Key": "idem-ñ"}}, 400, "Idempotency-Key"},
		{"key with a tab", call{header: map[string]string{"Idempotency-Key": "idem\ta"}}, 400, "Idempotency-Key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.call.method != "" {
				c.call.path, c.call.token = ordersPath, b.token
			} else {
				c.call = b.order(c.call)
			}
			p := s.send(c.call).problem(t, c.status)
			if p.fields() != c.fields {
				t.Errorf("got the fields %q, want %q: %+v", p.fields(), c.fields, p)
			}
			for _, field := range strings.Fields(c.fields)[:min(1, len(strings.Fields(c.fields)))] {
				if !strings.HasPrefix(p.Detail, field+": ") {
					t.Errorf("got the detail %q, want it to begin with %q", p.Detail, field+": ")
				}
			}
			if strings.Contains(fmt.Sprint(p), "xxxx") || strings.Contains(fmt.Sprint(p), "script") {
				t.Errorf("got %+v, want a problem that does not repeat the request", p)
			}
		})
	}
	s.expectUnchanged(before)
}

// TestTwoIdempotencyKeys: two keys in one request are invalid, because readers differ in which one they use.
func TestTwoIdempotencyKeys(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create")
	before := s.recordDelivered()
	body := s.orderBody("lifetime")
	answer := s.raw(fmt.Sprintf("POST /api/orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Idempotency-Key: idem-a\r\nIdempotency-Key: idem-b\r\nContent-Length: %d\r\n\r\n%s", b.token, len(body), body))
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.Contains(answer, `"field":"Idempotency-Key"`) {
		t.Errorf("got %s for two keys, want 400", answer)
	}
	s.expectUnchanged(before)
}
