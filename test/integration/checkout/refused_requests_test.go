package checkout_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/testclient"
)

// TestInvalidRequests: the problem names the invalid field, and nothing is written.
func TestInvalidRequests(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	paid := s.Pay(b.mustCreate(call{}).CheckoutURL).ID
	s.AwaitDelivered()
	long := "cs_test_" + strings.Repeat("a", 248)
	page := func(query string) call { return call{path: billingPath + query} }
	capture := func(body string) call { return call{path: capturePath, body: body} }
	before := s.recordDelivered()
	for _, c := range []struct {
		name   string
		call   call
		status int
		fields string
	}{
		{"capture: not JSON", capture("session_id=" + paid), 400, ""},
		{"capture: an array", capture(`[{"provider":"stripe"}]`), 400, ""},
		{"capture: null", capture(`null`), 400, ""},
		{"capture: no body", call{method: "POST", path: capturePath, header: map[string]string{"Content-Type": "application/json"}}, 400, ""},
		{"capture: a form", call{path: capturePath, body: "a=b", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "Content-Type"},
		{"capture: larger than 16 KiB", capture(`{"provider":"stripe","session_id":"` + strings.Repeat("a", 17<<10) + `"}`), 413, ""},
		{"capture: nothing in it", capture(`{}`), 400, "provider"},
		{"capture: provider empty", capture(`{"provider":"","session_id":"` + paid + `"}`), 400, "provider"},
		{"capture: provider null", capture(`{"provider":null,"session_id":"` + paid + `"}`), 400, "provider"},
		{"capture: provider a number", capture(`{"provider":1,"session_id":"` + paid + `"}`), 400, "provider"},
		{"capture: another provider", capture(`{"provider":"paypal","session_id":"` + paid + `"}`), 400, "provider"},
		{"capture: provider in other letters", capture(`{"provider":"Stripe","session_id":"` + paid + `"}`), 400, "provider"},
		{"capture: no session", capture(`{"provider":"stripe"}`), 400, "session_id"},
		{"capture: session empty", capture(`{"provider":"stripe","session_id":""}`), 400, "session_id"},
		{"capture: session null", capture(`{"provider":"stripe","session_id":null}`), 400, "session_id"},
		{"capture: session an array", capture(`{"provider":"stripe","session_id":["` + paid + `"]}`), 400, "session_id"},
		{"capture: session too long", capture(`{"provider":"stripe","session_id":"` + long + `"}`), 400, "session_id"},
		{"capture: the placeholder of Stripe's", capture(`{"provider":"stripe","session_id":"{CHECKOUT_SESSION_ID}"}`), 400, "session_id"},
		{"capture: a payment intent", capture(`{"provider":"stripe","session_id":"pi_3Abc"}`), 400, "session_id"},
		{"capture: a path", capture(`{"provider":"stripe","session_id":"cs_test_a/../../accounts"}`), 400, "session_id"},
		{"capture: a line's end", capture(`{"provider":"stripe","session_id":"` + paid + `\n"}`), 400, "session_id"},
		{"capture: unknown field", capture(`{"provider":"stripe","session_id":"` + paid + `","status":"paid"}`), 400, "status"},
		{"capture: camel case", capture(`{"provider":"stripe","sessionId":"` + paid + `"}`), 400, "sessionId"},
		{"capture: session twice", capture(`{"provider":"stripe","session_id":"` + paid + `","session_id":"` + paid + `"}`), 400, "session_id"},

		{"billing: no session", page(""), 400, "session_id"},
		{"billing: session empty", page("?provider=stripe&session_id="), 400, "session_id"},
		{"billing: another provider", page("?provider=paypal&session_id=" + paid), 400, "provider"},
		{"billing: session too long", page("?session_id=" + long), 400, "session_id"},
		{"billing: a bad percent sign", page("?session_id=%zz"), 400, "session_id"},
		{"billing: a semicolon", page("?provider=stripe;session_id=" + paid), 400, "session_id"},
		{"billing: no such file", call{path: billingPath + "/page.css%00"}, 404, ""},
		{"billing: a file of the server's", call{path: billingPath + "/files/page.css"}, 404, ""},
		{"billing: a file above", call{path: billingPath + "/%2e%2e/texts.go"}, 404, ""},

		{"order: a space in the id", call{path: ordersPath + "/a%20b", token: b.token}, 400, "orderId"},
		{"order: a slash in the id", call{path: ordersPath + "/a%2Fb", token: b.token}, 400, "orderId"},
		{"order: no bytes of text", call{path: ordersPath + "/%ff%fe", token: b.token}, 400, "orderId"},
		{"order: a field selector", call{path: ordersPath + "/a,metadata.name=b", token: b.token}, 400, "orderId"},
		{"order: too long an id", call{path: ordersPath + "/" + strings.Repeat("a", 201), token: b.token}, 400, "orderId"},
		{"order: unknown", call{path: ordersPath + "/unknown", token: b.token}, 404, "orderId"},
		{"order: no id", call{path: ordersPath + "/", token: b.token}, 404, ""},
		{"order: below an order", call{path: ordersPath + "/a/refund", token: b.token}, 404, ""},

		{"buy: no link", call{method: "POST", path: "/buy/" + s.Namespace}, 404, ""},
		{"buy: unknown link", call{method: "POST", path: buyPath(s.Namespace, "unknown")}, 404, "paymentLink"},
		{"buy: unknown namespace", call{method: "POST", path: buyPath("unknown", "lifetime")}, 404, "paymentLink"},
		{"buy: too long a namespace", call{method: "POST", path: buyPath(strings.Repeat("a", 64), "lifetime")}, 404, "paymentLink"},
		{"buy: too long a link", call{method: "POST", path: buyPath(s.Namespace, strings.Repeat("a", 254))}, 404, "paymentLink"},
		{"buy: a slash in the link", call{method: "POST", path: buyPath(s.Namespace, "a%2Flifetime")}, 404, "paymentLink"},
		{"buy: a link of another namespace", call{method: "POST", path: buyPath("unknown", "..%2F"+s.Namespace+"%2Flifetime")}, 404, "paymentLink"},
		{"buy: in capital letters", call{method: "POST", path: buyPath(s.Namespace, "Lifetime")}, 404, "paymentLink"},
		{"buy: no bytes of text", call{method: "POST", path: buyPath(s.Namespace, "%ff")}, 404, "paymentLink"},
		{"buy: below a link", call{method: "POST", path: buyPath(s.Namespace, "lifetime") + "/confirm"}, 404, ""},
		{"buy: from another web site", call{method: "POST", path: buyPath(s.Namespace, "lifetime"), header: map[string]string{"Origin": "https://elsewhere.example.com"}}, 403, "Origin"},
		{"buy: from a page without an origin", call{method: "POST", path: buyPath(s.Namespace, "lifetime"), header: map[string]string{"Origin": "null"}}, 403, "Origin"},
		{"buy: from another site, without saying which", call{method: "POST", path: buyPath(s.Namespace, "lifetime"), header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403, "Origin"},
		{"buy: from the shop's, but not encrypted", call{method: "POST", path: buyPath(s.Namespace, "lifetime"), header: map[string]string{"Origin": strings.Replace(appURL, "https", "http", 1)}}, 403, "Origin"},

		{"nothing", call{path: "/"}, 404, ""},
		{"nothing there", call{method: "POST", path: "/api/order"}, 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p := s.send(c.call).problem(t, c.status); p.fields() != c.fields {
				t.Errorf("got the fields %q, want %q: %+v", p.fields(), c.fields, p)
			}
		})
	}
	s.expectUnchanged(before)
}

// TestAllowedOrigins: the shop's pages, the server's own, and clients that are no browsers may send the form.
func TestAllowedOrigins(t *testing.T) {
	s := newFixture(t)
	for who, header := range map[string]map[string]string{
		"the shop's page":                          {"Origin": appURL, "Sec-Fetch-Site": "cross-site"},
		"a page of the server's own":               {"Origin": paylink.Webhook.URL},
		"a page of the server's own, in a browser": {"Origin": paylink.Webhook.URL, "Sec-Fetch-Site": "same-origin"},
		"an address that is typed":                 {"Sec-Fetch-Site": "none"},
		"no browser":                               {},
	} {
		t.Run(who, func(t *testing.T) {
			if a := s.send(call{method: "POST", path: buyPath(s.Namespace, "lifetime"), header: header}); a.status != 303 {
				t.Errorf("got %d %s, want 303", a.status, a.body)
			}
		})
	}
}

func TestAllowedMethods(t *testing.T) {
	s := newFixture(t)
	token := s.newBackend("backend", "create", "get").token
	before := s.recordDelivered()
	for path, allowed := range map[string]string{
		ordersPath: "POST", ordersPath + "/unknown": "GET", capturePath: "POST", billingPath: "GET", billingPath + "/page.css": "GET",
		buyPath(s.Namespace, "lifetime"): "GET, POST", "/openapi.yaml": "GET", "/api/webhooks/stripe": "POST",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if strings.Contains(allowed, method) || (method == "HEAD" && strings.Contains(allowed, "GET")) {
				continue
			}
			t.Run(method+" "+path, func(t *testing.T) {
				a := s.send(call{method: method, path: path, token: token})
				if a.header.Get("Allow") != allowed || a.status != 405 {
					t.Errorf("got %d, Allow: %s, want 405 and %s", a.status, a.header.Get("Allow"), allowed)
				}
				if method != "HEAD" {
					a.problem(t, 405)
				}
			})
		}
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
	if err != nil {
		s.T.Error(err)
	}
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
