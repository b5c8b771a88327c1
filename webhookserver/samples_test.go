package webhookserver_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// guide is docs/checkout.md.
type guide struct {
	t    *testing.T
	text string
}

func readGuide(t *testing.T) guide {
	t.Helper()
	text, err := os.ReadFile("../docs/checkout.md")
	check.Must(t, err)
	return guide{t, string(text)}
}

// sample returns the first example in a language that contains a text.
func (m guide) sample(language, holds string) string {
	m.t.Helper()
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(m.text, -1) {
		if strings.Contains(block[1], holds) {
			return block[1]
		}
	}
	m.t.Fatalf("got no example in %s with %q in docs/checkout.md, want one", language, holds)
	return ""
}

// find returns the group of a pattern in a text.
func (m guide) find(text, pattern string) string {
	m.t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		m.t.Fatalf("got no %s in:\n%s", pattern, text)
	}
	return found[1]
}

// fields are the names of the fields of an object, in their order.
func fields(t *testing.T, object string) []string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(object))
	var names []string
	if _, err := decoder.Token(); err != nil {
		t.Fatalf("%s: got %v, want an object", object, err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatalf("%s: got %v, want an object", object, err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%s: got %v, want an object", object, err)
		}
		names = append(names, name.(string))
	}
	return names
}

// TestSampleOrder: the request in the guide creates an order, and the response has the fields in the guide.
func TestSampleOrder(t *testing.T) {
	m, s := readGuide(t), open(t, fakeshop.Options{})
	curl := m.sample("sh", "curl")
	c := call{
		method: m.find(curl, `-X (\w+)`), path: m.find(curl, `https://shop\.example\.com(\S+)`), token: fakeshop.Backend, body: m.find(curl, `-d '([^']+)'`),
		header: map[string]string{"Idempotency-Key": m.find(curl, `-H 'Idempotency-Key: ([^']+)'`), "Content-Type": m.find(curl, `-H 'Content-Type: ([^']+)'`)},
	}
	check.Contains(t, curl, `-H "Authorization: Bearer $TOKEN"`)
	first, again := ask(t, s, c), ask(t, s, c)
	if first.Code != http.StatusCreated || again.Code != http.StatusCreated || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Fatalf("got %d %s, then %d %s, want 201 and a replay", first.Code, first.Body, again.Code, again.Body)
	}
	shown := m.sample("json", "checkoutUrl")
	check.Equal(t, fields(t, first.Body.String()), fields(t, shown), "fields in the guide")
	type order struct {
		OrderID, Status, CheckoutURL, Namespace, Name, Currency string
		Amount, AmountRefunded                                  int64
	}
	var said, got order
	for text, into := range map[string]*order{shown: &said, first.Body.String(): &got} {
		check.Must(t, json.Unmarshal([]byte(text), into))
	}
	for _, o := range []*order{&said, &got} {
		prefix := strings.TrimSuffix(o.OrderID, "…")
		if !strings.HasSuffix(strings.TrimSuffix(o.CheckoutURL, "…"), "?client_reference_id="+prefix) || !strings.HasPrefix(o.Name, "order-") {
			t.Errorf("got %+v, want the id in its URL", *o)
		}
		o.OrderID, o.CheckoutURL, o.Name = "", "", ""
	}
	check.Equal(t, got, said, "values in the guide")
}

// TestSampleProblem: the error in the guide is that of the server.
func TestSampleProblem(t *testing.T) {
	answer := ask(t, open(t, fakeshop.Options{}), newOrder(`{"paymentLink":"lifetime"}`))
	if diff := cmp.Diff(answer.Body.String(), readGuide(t).sample("json", "errors")); diff != "" || answer.Code != http.StatusBadRequest {
		t.Errorf("got status %d, want 400; body (-server +guide):\n%s", answer.Code, diff)
	}
}

// TestSampleCapture: the server accepts the request of the script in the guide, and the script reads the fields of the response.
func TestSampleCapture(t *testing.T) {
	m, s := readGuide(t), open(t, fakeshop.Options{})
	script := m.sample("js", "fetch")
	check.Equal(t, "application/json", m.find(script, `"Content-Type": "([^"]+)"`), "type")
	sent := map[string]string{}
	for _, name := range regexp.MustCompile(`(\w+): (?:"stripe"|new URL)`).FindAllStringSubmatch(m.find(script, `JSON\.stringify\(\{(.*)\}\)`), -1) {
		sent[name[1]] = "stripe"
	}
	// Stripe puts the session into the address under the name by which the script asks for it.
	if parameter := m.find(script, `\.get\("(\w+)"\)`); !strings.Contains(m.text, parameter+"={CHECKOUT_SESSION_ID}") {
		t.Errorf("got no parameter %s in Stripe's redirect, want it", parameter)
	}
	sent["session_id"] = "cs_test_paid"
	body, err := json.Marshal(sent)
	check.Must(t, err)
	answer := ask(t, s, call{method: m.find(script, `method: "(\w+)"`), path: m.find(script, `fetch\("([^"]+)"`), body: string(body)})
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: got %d %s, want 200", body, answer.Code, answer.Body)
	}
	read := strings.Split(m.find(script, `const \{ (.*) \} = await answer\.json`), ", ")
	check.Equal(t, fields(t, answer.Body.String()), read, "fields in the guide")
}

// TestSampleForm: the form in the guide redirects to Stripe, and the address in the guide returns from there.
func TestSampleForm(t *testing.T) {
	m, s := readGuide(t), open(t, fakeshop.Options{})
	form := m.sample("html", "<form")
	answer := ask(t, s, call{method: strings.ToUpper(m.find(form, `method="(\w+)"`)), path: m.find(form, `action="https://shop\.example\.com([^"]+)"`)})
	if answer.Code != http.StatusSeeOther || !strings.HasPrefix(answer.Header().Get("Location"), "https://buy.stripe.com/") {
		t.Errorf("got %d %v, want a redirect to Stripe", answer.Code, answer.Header())
	}
	back := strings.Replace(m.find(m.text, `https://shop\.example\.com(/dashboard/billing\?\S+)`), "{CHECKOUT_SESSION_ID}", "cs_test_paid", 1)
	if answer := ask(t, s, get(back).html()); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `data-state="paid"`) {
		t.Errorf("got %d %s, want the page of a paid order", answer.Code, answer.Body)
	}
}

// TestSampleStatuses: the guide explains each status of the capture route, final or not.
func TestSampleStatuses(t *testing.T) {
	m, s := readGuide(t), open(t, fakeshop.Options{})
	var explained []string
	for _, line := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (true|false) \\|").FindAllStringSubmatch(m.text, -1) {
		explained = append(explained, line[1]+" "+line[2])
	}
	for _, state := range []string{"paid", "failed", "refunded", "open", "complete", "expired", "silence"} {
		var got struct {
			Status string
			Final  bool
		}
		answer := ask(t, s, capture(sessionOf(state)))
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: got %s, want JSON", state, answer.Body)
		}
		name := got.Status + " false"
		if got.Final {
			name = got.Status + " true"
		}
		if !slices.Contains(explained, name) {
			t.Errorf("%s: got %s, want one of %v", state, name, explained)
		}
	}
}
