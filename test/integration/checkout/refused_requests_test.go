package checkout_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestInvalidRequests: the problem names the invalid field, and nothing is written. These are the requests for which the HTTP
// server or the API server matters.
func TestInvalidRequests(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	body := s.orderBody("lifetime")
	create := func(body string, header map[string]string) call { return b.order(call{body: body, header: header}) }
	in := func(namespace string) call {
		return create(`{"paymentLink":"lifetime","namespace":"`+namespace+`"}`, nil)
	}
	read := func(id string) call { return call{path: ordersPath + "/" + id, token: b.token} }
	buy := func(namespace, link string) call { return call{method: "POST", path: buyPath(namespace, link)} }
	before := s.recordDelivered()
	for _, c := range []struct {
		name   string
		call   call
		status int
		fields string
	}{
		{"create: no body", call{method: "POST", path: ordersPath, token: b.token, header: map[string]string{"Content-Type": "application/json"}}, 400, ""},
		{"create: deep", create(strings.Repeat(`{"a":`, 2000)+strings.Repeat("}", 2000), nil), 400, ""},
		{"create: a byte order mark", create("\ufeff"+body, nil), 400, ""},
		{"create: UTF-16", create("{\x00}\x00", nil), 400, ""},
		{"create: compressed", create("\x1f\x8b\x08\x00", map[string]string{"Content-Encoding": "gzip"}), 400, ""},
		{"create: far larger than 16 KiB", create(body+strings.Repeat(" ", 8<<20), nil), 413, ""},
		{"create: several kinds", create(body, map[string]string{"Content-Type": "text/plain, application/json"}), 415, "Content-Type"},
		{"create: two unknown fields", create(s.orderBody("lifetime", `"amount":1`, `"currency":"USD"`), nil), 400, "amount currency"},
		{"create: namespace null", create(`{"paymentLink":"lifetime","namespace":null}`, nil), 400, "namespace"},
		{"create: namespace of others", in("kube-system"), 403, "namespace"},
		{"create: namespace not there", in("nowhere"), 403, "namespace"},
		{"create: any namespace", in("*"), 400, "namespace"},
		{"create: id an address", create(s.orderBody("lifetime", `"orderId":"erika@example.com"`), nil), 400, "orderId"},
		{"create: key blank", create(body, idempotencyKey(" ")), 400, "Idempotency-Key"},

		{"capture: a line's end", call{path: capturePath, body: `{"provider":"stripe","session_id":"cs_test_a\n"}`}, 400, "session_id"},
		{"billing: session too long", call{path: billingPath + "?session_id=cs_test_" + strings.Repeat("a", 248)}, 400, "session_id"},
		{"billing: a bad percent sign", call{path: billingPath + "?session_id=%zz"}, 400, "session_id"},
		{"billing: a semicolon", call{path: billingPath + "?provider=stripe;session_id=cs_test_a"}, 400, "session_id"},
		{"billing: no such file", call{path: billingPath + "/page.css%00"}, 404, ""},
		{"billing: a file above", call{path: billingPath + "/%2e%2e/texts.go"}, 404, ""},

		{"order: no bytes of text", read("%ff%fe"), 400, "orderId"},
		{"order: a field selector", read("a,metadata.name=b"), 400, "orderId"},

		{"buy: too long a link", buy(s.Namespace, strings.Repeat("a", 254)), 404, "paymentLink"},
		{"buy: a link of another namespace", buy("unknown", "..%2F"+s.Namespace+"%2Flifetime"), 404, "paymentLink"},
		{"buy: no bytes of text", buy(s.Namespace, "%ff"), 404, "paymentLink"},
		{"buy: from another site, without saying which", call{method: "POST", path: buyPath(s.Namespace, "lifetime"), header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403, "Origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p := s.send(c.call).problem(t, c.status); p.fields() != c.fields {
				t.Errorf("got the fields %q, want %q: %+v", p.fields(), c.fields, p)
			}
		})
	}
	s.expectUnchanged(before)
}

// TestInvalidHTTP: Go's server refuses invalid HTTP before any route.
func TestInvalidHTTP(t *testing.T) {
	s := newFixture(t)
	before := s.recordDelivered()
	for what, c := range map[string]struct{ request, status string }{
		"a bad percent sign in a path": {"POST /buy/%zz/lifetime HTTP/1.1\r\nHost: shop\r\n\r\n", "400"},
		"an encoded sign cut off":      {"POST /buy/" + s.Namespace + "/lifetime%2 HTTP/1.1\r\nHost: shop\r\n\r\n", "400"},
		"a space in a path":            {"POST /buy/a b HTTP/1.1\r\nHost: shop\r\n\r\n", "400"},
		"a huge header":                {"POST /buy/" + s.Namespace + "/lifetime HTTP/1.1\r\nHost: shop\r\nCookie: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", "431"},
		"many headers":                 {"POST /buy/" + s.Namespace + "/lifetime HTTP/1.1\r\nHost: shop\r\n" + strings.Repeat("A: b\r\n", 8<<10) + "\r\n", "431"},
		"no host":                      {"POST /buy/" + s.Namespace + "/lifetime HTTP/1.1\r\n\r\n", "400"},
		"two lengths":                  {"POST /buy/" + s.Namespace + "/lifetime HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\naa", "400"},
		"no HTTP":                      {"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 hello over TLS\r\n\r\n", "400"},
	} {
		t.Run(what, func(t *testing.T) {
			if answer := s.raw(c.request); !strings.HasPrefix(answer, "HTTP/1.1 "+c.status+" ") {
				t.Errorf("got %.200s, want %s", answer, c.status)
			}
		})
	}
	s.expectUnchanged(before)
}

// raw sends bytes, and returns the answer until the server closes the connection.
func (s *fixture) raw(request string) string {
	s.T.Helper()
	answer, err := s.tryRaw(request)
	check.NoError(s.T, err)
	return answer
}

func (s *fixture) tryRaw(request string) (string, error) {
	connection, err := (&net.Dialer{}).DialContext(s.Ctx, "tcp", strings.TrimPrefix(paylink.Webhook.URL, "http://"))
	if err != nil {
		return "", err
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(testclient.Timeout)); err != nil {
		return "", err
	}
	// The server may close the connection before it has read everything.
	_, _ = io.WriteString(connection, request)
	answer, err := io.ReadAll(bufio.NewReader(connection))
	if len(answer) > 0 {
		return string(answer), nil
	}
	return "", err
}

// TestStalledRequests: the server closes a connection whose request stalls, and serves others meanwhile.
func TestStalledRequests(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create")
	before := s.recordDelivered()
	head := "Host: shop\r\nContent-Type: application/json\r\nContent-Length: 1000\r\nAuthorization: Bearer " + b.token + "\r\nX-Forwarded-For: " + newAddress() + "\r\n"
	var stalled sync.WaitGroup
	for what, c := range map[string]struct{ request, want string }{
		"the body of an order":         {"POST /api/orders HTTP/1.1\r\n" + head + "\r\n{\"paymentLink\":", "408"},
		"the body of a capture":        {"POST /api/orders/capture HTTP/1.1\r\n" + head + "\r\n{", "408"},
		"the head of an order":         {"POST /api/orders HTTP/1.1\r\n" + head, ""},
		"the first line":               {"POST /buy/" + s.Namespace, ""},
		"nothing but a connection":     {"", ""},
		"the body of a webhook":        {"POST /api/webhooks/stripe HTTP/1.1\r\nStripe-Signature: t=1,v1=a\r\n" + head + "\r\n{", "400"},
		"a chunk of an order":          {"POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nAuthorization: Bearer " + b.token + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"pay", "408"},
		"an order that goes on slowly": {"POST /api/orders HTTP/1.1\r\n" + head + "Expect: 100-continue\r\n\r\n{\"paymentLink\":", "408"},
	} {
		stalled.Go(func() {
			answer, err := s.tryRaw(c.request)
			answer = strings.TrimPrefix(answer, "HTTP/1.1 100 Continue\r\n\r\n")
			if err != nil || (c.want != "" && !strings.HasPrefix(answer, "HTTP/1.1 "+c.want+" ")) || (c.want == "" && strings.Contains(answer, "HTTP/1.1 2")) {
				t.Errorf("%s: got %v %.300s, want %s", what, err, answer, c.want)
			}
		})
	}
	o := b.mustCreate(call{}) // meanwhile
	stalled.Wait()
	s.expectCreatedOnly(before, 1)
	s.Pay(o.CheckoutURL)
	s.AwaitDelivered()
}
