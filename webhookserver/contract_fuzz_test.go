package webhookserver_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// FuzzContract: the description and the server agree on the validity of each request.
func FuzzContract(f *testing.F) {
	for _, row := range exchanges() {
		for _, c := range row.calls {
			r := c.request(f.Context())
			f.Add(c.body, r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key"), r.URL.Query().Get("session_id"), r.URL.Query().Get("provider"))
		}
	}
	for _, name := range []string{"lifetime", "shop", "a.b-c", "capture", "-a", "a-", "..", "A_b", "ü", "\u2028", "\x7f", "a\n", "cs_live_Aa1"} {
		f.Add(lifetime, "application/json", name, name, name)
	}
	// No call creates anything, so all of them can use one shop.
	c, s := contract(f), open(f, fakeshop.Options{})
	f.Fuzz(func(t *testing.T, body, contentType, key, session, provider string) {
		object := func(fields map[string]string) string {
			text, err := json.Marshal(fields)
			check.Must(t, err)
			return string(text)
		}
		calls := []call{
			newOrder(body).as(fakeshop.OtherUser).with("Content-Type", contentType).with("Idempotency-Key", key),
			newOrder(object(map[string]string{"paymentLink": session, "namespace": provider, "orderId": key, "customerId": contentType})).as(fakeshop.OtherUser),
			newOrder(object(map[string]string{"paymentLink": key, "namespace": session})).as(fakeshop.OtherUser),
			captureOf(body).with("Content-Type", contentType),
			captureOf(body).with("Content-Type", "application/json"),
			captureOf(object(map[string]string{"provider": provider, "session_id": session})),
			get("/dashboard/billing?try=1&" + url.Values{"session_id": {session}, "provider": {provider}}.Encode()),
		}
		for _, id := range []string{key, session} {
			if strings.Trim(id, ".") != "" { // the mux cleans such a path
				calls = append(calls, getOrder(url.PathEscape(id)).as(fakeshop.OtherUser), get("/buy/shop/"+url.PathEscape(id)))
			}
		}
		for _, call := range calls {
			if _, complaints := c.Ask(s.Handler, call.request(t.Context())); len(complaints) > 0 {
				t.Fatal(complaints[0])
			}
		}
	})
}
