package stripesim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// FuzzForm: a form makes a Payment Link as it is shown from then on, or is refused in Stripe's words and leaves
// nothing behind. One field more than is known is always refused.
func FuzzForm(f *testing.F) {
	const item = "line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=100&line_items[0][price_data][product_data][name]=A"
	for _, form := range []string{
		"", "&", "=", "%zz", "a=b;c=d", item, item + "&line_items[0][quantity]=2", item + "&line_items[00][quantity]=2", strings.ReplaceAll(item, "[0]", "[7]"),
		item + "&metadata[order]=1&metadata[a[b]]=2&metadata[]=3", item + "&payment_method_types[]=card&payment_method_types[1]=us_bank_account&payment_method_types=card",
		item + "&after_completion[type]=redirect&after_completion[redirect][url]=https://shop.example/{CHECKOUT_SESSION_ID}",
		item + "&restrictions[completed_sessions][limit]=1", item + "&allow_promotion_codes=false&automatic_tax[enabled]=true", item + "&submit_type=pay&currency=usd", item + "&currency=eur",
		item + "&payment_intent_data[metadata][order]=1&payment_intent_data[capture_method]=automatic", "line_items[0][price]=price_none&line_items[0]=1&line_items=2",
		strings.Replace(item, "=100", "=9223372036854775807", 1) + "&line_items[0][quantity]=3", strings.Replace(item, "=100", "=%2B1", 1), item + "&" + item,
	} {
		f.Add(form)
	}
	sim, err := stripesim.Start(stripesim.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := sim.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, form string) {
		fields, _ := url.ParseQuery(form)
		for name := range fields {
			if strings.HasPrefix(name, "expand") { // is of the answer: it may show more, or be refused when all is made
				return
			}
		}
		ask := func(method, path, form string) (int, string) {
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form))
			r.Header.Set("Authorization", "Bearer "+stripesim.TestKey)
			w := httptest.NewRecorder()
			sim.Handler().ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		before := sim.Made()
		if status, content := ask(http.MethodPost, "/v1/payment_links", form+"&no_such_field=1"); status == http.StatusOK {
			t.Errorf("a field that is not known is taken: %s", content)
		}
		status, content := ask(http.MethodPost, "/v1/payment_links", form)
		var shown struct {
			ID    string
			Error struct{ Type, Message string }
		}
		if err := json.Unmarshal([]byte(content), &shown); err != nil {
			t.Fatalf("%d, and %v: %s", status, err, content)
		}
		switch status {
		case http.StatusOK:
			if _, again := ask(http.MethodGet, "/v1/payment_links/"+shown.ID, ""); again != content {
				t.Errorf("made as %s\nand shown as %s", content, again)
			}
		case http.StatusBadRequest, http.StatusNotFound:
			if shown.Error.Type != "invalid_request_error" || shown.Error.Message == "" {
				t.Errorf("%d %s", status, content)
			}
			if made := sim.Made() - before; made > 0 {
				t.Errorf("refused with %s, and yet it made %d things", content, made)
			}
		default:
			t.Errorf("%d %s", status, content)
		}
	})
}
