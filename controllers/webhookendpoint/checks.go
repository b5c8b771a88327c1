package webhookendpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// checks return the problem of an endpoint; "" where it has none.
var checks = []struct {
	name    string
	problem func(*observed, *stripeclient.Endpoint) string
}{
	{metrics.EndpointEnabled, disabled},
	{metrics.EndpointEvents, eventsMissing},
	{metrics.EndpointMode, otherMode},
	{metrics.EndpointAPIVersion, oldVersion},
	{metrics.EndpointSecret, func(o *observed, e *stripeclient.Endpoint) string { return o.secretProblems[e.ID] }},
}

// missing is the text where no endpoint has our URL.
func (o *observed) missing() string {
	text := fmt.Sprintf("no endpoint in %s mode at Stripe has the URL %s", v1alpha1.Mode(o.live), o.url)
	if !o.managed {
		text += ": add one in Stripe under Developers > Webhooks, for the event types " + strings.Join(stripeclient.EndpointEvents(), ", ")
	}
	if o.live && isHTTP(o.url) {
		text += "; in live mode Stripe takes https:// alone: set NEXT_PUBLIC_APP_URL to such an address"
	}
	return text
}

func disabled(_ *observed, e *stripeclient.Endpoint) string {
	if e.Status == "enabled" {
		return ""
	}
	return "it is disabled and gets nothing, by a person, or by Stripe after days of failures: see that the webhook server answers, and enable it in Stripe under Developers > Webhooks"
}

func eventsMissing(_ *observed, e *stripeclient.Endpoint) string {
	var missing []string
	for _, eventType := range stripeclient.EndpointEvents() {
		if !slices.ContainsFunc(e.Events, func(pattern string) bool { return covers(pattern, eventType) }) {
			missing = append(missing, eventType)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("it does not get %s: add these event types in Stripe under Developers > Webhooks", strings.Join(missing, ", "))
}

// covers reports whether an enabled event is a type, its family (charge.*) or * for all.
func covers(pattern, eventType string) bool {
	prefix, isFamily := strings.CutSuffix(pattern, "*")
	return pattern == eventType || isFamily && (prefix == "" || strings.HasSuffix(prefix, ".") && strings.HasPrefix(eventType, prefix))
}

func otherMode(o *observed, e *stripeclient.Endpoint) string {
	if e.Livemode == o.live {
		return ""
	}
	return fmt.Sprintf("it is in %s mode, and the API key in %s mode: give the controller a key of the other mode, or add an endpoint in %s mode in Stripe under Developers > Webhooks",
		v1alpha1.Mode(e.Livemode), v1alpha1.Mode(o.live), v1alpha1.Mode(o.live))
}

func oldVersion(_ *observed, e *stripeclient.Endpoint) string {
	date, _, _ := strings.Cut(e.APIVersion, ".") // 2026-08-26.dahlia
	if date == "" || date >= stripeclient.APIVersion {
		return ""
	}
	return fmt.Sprintf("its events are of API version %s, older than %s, and may lack what is needed: no endpoint's version can be changed, so add another one in Stripe under Developers > Webhooks, and delete this one",
		e.APIVersion, stripeclient.APIVersion)
}
