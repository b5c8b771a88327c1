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

	"github.com/paylink-dev/paylink/test/fakeshop"
)

// manual is docs/checkout.md.
type manual struct {
	t    *testing.T
	text string
}

func readManual(t *testing.T) manual {
	t.Helper()
	text, err := os.ReadFile("../docs/checkout.md")
	if err != nil {
		t.Fatal(err)
	}
	return manual{t, string(text)}
}

// sample is the first example in a language that holds a text.
func (m manual) sample(language, holds string) string {
	m.t.Helper()
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(m.text, -1) {
		if strings.Contains(block[1], holds) {
			return block[1]
		}
	}
	m.t.Fatalf("docs/checkout.md has no example in %s with %q", language, holds)
	return ""
}

// find is what a pattern's group finds in a text.
func (m manual) find(text, pattern string) string {
	m.t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		m.t.Fatalf("%s is not in:\n%s", pattern, text)
	}
	return found[1]
}

// fields are the names of an object's fields, as they are written.
func fields(t *testing.T, object string) []string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(object))
	var names []string
	if _, err := decoder.Token(); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		names = append(names, name.(string))
	}
	return names
}

// TestSampleOrder: what the manual's curl sends is taken, and answered with the fields that the manual shows.
func TestSampleOrder(t *testing.T) {
	m, s := readManual(t), open(t, fakeshop.Options{})
	curl := m.sample("sh", "curl")
	c := call{
		method: m.find(curl, `-X (\w+)`), path: m.find(curl, `https://shop\.example\.com(\S+)`), token: fakeshop.Backend, body: m.find(curl, `-d '([^']+)'`),
		header: map[string]string{"Idempotency-Key": m.find(curl, `-H 'Idempotency-Key: ([^']+)'`), "Content-Type": m.find(curl, `-H 'Content-Type: ([^']+)'`)},
	}
	if !strings.Contains(curl, `-H "Authorization: Bearer $TOKEN"`) {
		t.Error("the manual sends no token")
	}
	first, again := ask(t, s, c), ask(t, s, c)
	if first.Code != http.StatusCreated || again.Code != http.StatusCreated || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Fatalf("%d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	shown := m.sample("json", "checkoutUrl")
	if diff := cmp.Diff(fields(t, first.Body.String()), fields(t, shown)); diff != "" {
		t.Errorf("the manual shows another order: %s", diff)
	}
	type order struct {
		OrderID, Status, CheckoutURL, Namespace, Name, Currency string
		Amount, AmountRefunded                                  int64
	}
	var said, got order
	for text, into := range map[string]*order{shown: &said, first.Body.String(): &got} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range []*order{&said, &got} {
		prefix := strings.TrimSuffix(o.OrderID, "…")
		if !strings.HasSuffix(strings.TrimSuffix(o.CheckoutURL, "…"), "?client_reference_id="+prefix) || !strings.HasPrefix(o.Name, "order-") {
			t.Errorf("%+v does not go together", *o)
		}
		o.OrderID, o.CheckoutURL, o.Name = "", "", ""
	}
	if diff := cmp.Diff(got, said); diff != "" {
		t.Errorf("the manual says another thing: %s", diff)
	}
}

// TestSampleProblem: the manual shows an error to the letter.
func TestSampleProblem(t *testing.T) {
	answer := ask(t, open(t, fakeshop.Options{}), newOrder(`{"paymentLink":"lifetime"}`))
	if diff := cmp.Diff(answer.Body.String(), readManual(t).sample("json", "errors")); diff != "" || answer.Code != http.StatusBadRequest {
		t.Errorf("%d %s", answer.Code, diff)
	}
}

// TestSampleCapture: the manual's script sends what is taken, and reads what is answered.
func TestSampleCapture(t *testing.T) {
	m, s := readManual(t), open(t, fakeshop.Options{})
	script := m.sample("js", "fetch")
	if kind := m.find(script, `"Content-Type": "([^"]+)"`); kind != "application/json" {
		t.Errorf("sent as %s", kind)
	}
	sent := map[string]string{}
	for _, name := range regexp.MustCompile(`(\w+): (?:"stripe"|new URL)`).FindAllStringSubmatch(m.find(script, `JSON\.stringify\(\{(.*)\}\)`), -1) {
		sent[name[1]] = "stripe"
	}
	// Stripe puts the session into the address under the name by which the script asks for it.
	if parameter := m.find(script, `\.get\("(\w+)"\)`); !strings.Contains(m.text, parameter+"={CHECKOUT_SESSION_ID}") {
		t.Errorf("Stripe does not send the buyer back with %s", parameter)
	}
	sent["session_id"] = "cs_test_paid"
	body, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	answer := ask(t, s, call{method: m.find(script, `method: "(\w+)"`), path: m.find(script, `fetch\("([^"]+)"`), body: string(body)})
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", body, answer.Code, answer.Body)
	}
	read := strings.Split(m.find(script, `const \{ (.*) \} = await answer\.json`), ", ")
	if diff := cmp.Diff(fields(t, answer.Body.String()), read); diff != "" {
		t.Errorf("the manual reads another thing: %s", diff)
	}
}

// TestSampleForm: the manual's form leads to Stripe, and so does the address that it shows to Stripe lead back.
func TestSampleForm(t *testing.T) {
	m, s := readManual(t), open(t, fakeshop.Options{})
	form := m.sample("html", "<form")
	answer := ask(t, s, call{method: strings.ToUpper(m.find(form, `method="(\w+)"`)), path: m.find(form, `action="https://shop\.example\.com([^"]+)"`)})
	if answer.Code != http.StatusSeeOther || !strings.HasPrefix(answer.Header().Get("Location"), "https://buy.stripe.com/") {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
	back := strings.Replace(m.find(m.text, `https://shop\.example\.com(/dashboard/billing\?\S+)`), "{CHECKOUT_SESSION_ID}", "cs_test_paid", 1)
	if answer := ask(t, s, get(back).html()); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `data-state="paid"`) {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// TestSampleStatuses: the manual explains each status, final and not, that the capture route can answer with.
func TestSampleStatuses(t *testing.T) {
	m, s := readManual(t), open(t, fakeshop.Options{})
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
			t.Fatalf("%s: %s", state, answer.Body)
		}
		name := got.Status + " false"
		if got.Final {
			name = got.Status + " true"
		}
		if !slices.Contains(explained, name) {
			t.Errorf("%s is %s, which the manual does not explain: %v", state, name, explained)
		}
	}
}
