package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// TestPrivacy searches for personal data and secrets in all results of deliveries: answers, logs at every level, metrics, and
// objects in the API server.
func TestPrivacy(t *testing.T) {
	invalid := apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupName, Kind: "Order"}, orderName, nil)
	bodies := private(t)
	for name, row := range map[string]struct {
		failure interceptor.Funcs
		objects []client.Object
	}{
		"no failure":      {interceptor.Funcs{}, []client.Object{order()}},
		"no order":        {interceptor.Funcs{}, nil},
		"API unreachable": {fakeapi.FailStatusPatch(errUnreachable), []client.Object{order()}},
		"conflicts":       {fakeapi.FailStatusPatch(fakeapi.Conflict(orderName)), []client.Object{order()}},
		"older CRDs":      {fakeapi.FailStatusPatch(invalid), []client.Object{order()}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // retries take no real time
				f := newFixture(t, row.failure, row.objects...)
				results, signatures := f.resultsOf(bodies)
				if !strings.Contains(results, "paylink_webhook_events_total") || !strings.Contains(results, "Webhook refused") {
					t.Error("got results without metrics or logs, want both")
				}
				wantNone(t, results, stripeevents.Buyer()...)
				wantNone(t, results, secret, secret[6:], "whsec_", "v1=")
				wantNone(t, results, signatures...)
			})
		})
	}
}

// resultsOf delivers bodies with valid and invalid signatures, and returns all results, and the signatures.
func (f *fixture) resultsOf(bodies [][]byte) (results string, signatures []string) {
	var all strings.Builder
	for _, body := range bodies {
		for _, signature := range []string{sign(body), stripeevents.Signature("whsec_of_somebody", now, body), "t=1,v1=" + strings.Repeat("ab", 32)} {
			answer := f.send(request(f.t.Context(), body, signature))
			fmt.Fprintln(&all, answer.Code, answer.Header(), answer.Body)
			signatures = append(signatures, signature[strings.LastIndexByte(signature, '=')+1:])
		}
		get := request(f.t.Context(), body, sign(body))
		get.Method = http.MethodGet
		fmt.Fprintln(&all, f.send(get).Body)
	}
	fmt.Fprintln(&all, f.logged, scrape.Text(f.t, f.registry), asJSON(f.t, f.api.Orders()), asJSON(f.t, f.api.StripeEvents()))
	return all.String(), signatures
}

// private are bodies with personal data in every field that is read.
func private(t *testing.T) [][]byte {
	t.Helper()
	var bodies [][]byte
	for _, sample := range stripeevents.Names(t) {
		bodies = append(bodies, stripeevents.FromStripe(t, sample))
	}
	whole := string(bodies[0])
	for _, field := range []string{"client_reference_id", "payment_status"} {
		bodies = append(bodies, stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("data.object."+field, "buyer@example.com")))
	}
	for _, field := range []string{"amount_total", "payment_intent", "created", "currency_conversion"} {
		bodies = append(bodies, stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("data.object."+field, []string{"buyer@example.com"})))
	}
	return append(bodies,
		stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("type", "Erika Mustermann")),
		stripeevents.Hostile(t, stripeevents.SessionPaid, stripeevents.Set("data", "Erika Mustermann")),
		[]byte(`"Erika Mustermann"`), []byte("buyer=Erika+Mustermann"), []byte(whole+"Erika Mustermann"), []byte(whole[:len(whole)-20]))
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	check.Must(t, err)
	return string(text)
}

// wantNone fails the test if the text contains one of the words.
func wantNone(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if at := strings.Index(text, word); at >= 0 {
			t.Errorf("got %q in …%s…, want it nowhere", word, text[max(0, at-100):min(len(text), at+100)])
		}
	}
}
