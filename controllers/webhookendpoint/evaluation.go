package webhookendpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paylink-dev/paylink/controllers/stripestate"
	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// endpointSight is what is known of Stripe's endpoints that have our URL.
type endpointSight struct {
	url string
	// live is the mode of the API key.
	live  bool
	found []stripeclient.Endpoint
	// managed says that Paylink makes the endpoint where there is none.
	managed bool
	// secretTroubles say, by the id of an endpoint that Paylink made, why its signing secret is not where the webhook
	// server reads it.
	secretTroubles map[string]string
	// troubles are what should have been done about the endpoints, and failed.
	troubles []error
}

// endpointJudgement is what is to be said of a sight.
type endpointJudgement struct {
	// good is whether each check passed. What cannot be looked at, as there is no endpoint, did not.
	good map[string]bool
	// text begins with "ok: " or "wrong: ", and says what to do.
	text string
}

// endpointChecks say what is wrong with an endpoint, if anything.
var endpointChecks = []struct {
	name    string
	problem func(*endpointSight, *stripeclient.Endpoint) string
}{
	{metrics.EndpointEnabled, disabled},
	{metrics.EndpointEvents, missesEvents},
	{metrics.EndpointMode, otherMode},
	{metrics.EndpointAPIVersion, oldVersion},
	{metrics.EndpointSecret, func(s *endpointSight, e *stripeclient.Endpoint) string { return s.secretTroubles[e.ID] }},
}

// judge is good where one of the endpoints is; otherwise it is about the one that is wrong in the fewest ways.
func (s *endpointSight) judge() endpointJudgement {
	good := map[string]bool{metrics.EndpointExists: len(s.found) > 0}
	for _, check := range endpointChecks {
		if check.name != metrics.EndpointSecret || s.managed {
			good[check.name] = len(s.found) > 0
		}
	}
	if len(s.found) == 0 {
		return endpointJudgement{good: good, text: s.say("wrong: ", s.absent())}
	}
	var best *stripeclient.Endpoint
	var problems map[string]string
	for i := range s.found {
		if p := s.problems(&s.found[i]); best == nil || len(p) < len(problems) {
			best, problems = &s.found[i], p
		}
	}
	var parts []string
	for _, check := range endpointChecks {
		if problem := problems[check.name]; problem != "" {
			good[check.name] = false
			parts = append(parts, problem)
		}
	}
	at := best.ID + " at " + s.url
	if len(parts) == 0 {
		return endpointJudgement{good: good, text: s.say("ok: ", fmt.Sprintf("%s gets all %d event types", at, len(stripeclient.EndpointEvents())))}
	}
	return endpointJudgement{good: good, text: s.say("wrong: ", at+": "+strings.Join(parts, "; "))}
}

// problems are those of one endpoint, by check.
func (s *endpointSight) problems(e *stripeclient.Endpoint) map[string]string {
	found := map[string]string{}
	for _, check := range endpointChecks {
		if problem := check.problem(s, e); problem != "" {
			found[check.name] = problem
		}
	}
	return found
}

// say adds what concerns no single endpoint.
func (s *endpointSight) say(verdict, text string) string {
	parts := []string{verdict + text}
	if len(s.found) > 1 {
		ids := make([]string, len(s.found))
		for i := range s.found {
			ids[i] = s.found[i].ID
		}
		parts = append(parts, fmt.Sprintf("%d endpoints have this URL (%s), and each gets every event, which is harmless but doubles the work: keep one of them in Stripe under Developers > Webhooks",
			len(ids), strings.Join(ids, ", ")))
	}
	for _, trouble := range s.troubles {
		parts = append(parts, trouble.Error())
	}
	return strings.Join(parts, "; ")
}

func (s *endpointSight) absent() string {
	text := fmt.Sprintf("no endpoint in %s mode at Stripe has the URL %s", stripestate.Mode(s.live), s.url)
	if !s.managed {
		text += ": add one in Stripe under Developers > Webhooks, for the event types " + strings.Join(stripeclient.EndpointEvents(), ", ")
	}
	if s.live && overHTTP(s.url) {
		text += "; in live mode Stripe takes https:// alone: set NEXT_PUBLIC_APP_URL to such an address"
	}
	return text
}

func disabled(_ *endpointSight, e *stripeclient.Endpoint) string {
	if e.Status == "enabled" {
		return ""
	}
	return "it is disabled and gets nothing, by a person, or by Stripe after days of failures: see that the webhook server answers, and enable it in Stripe under Developers > Webhooks"
}

func missesEvents(_ *endpointSight, e *stripeclient.Endpoint) string {
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

// covers tells whether a type is named by itself, by its family (charge.*) or by * for all.
func covers(pattern, eventType string) bool {
	family, is := strings.CutSuffix(pattern, "*")
	return pattern == eventType || is && (family == "" || strings.HasSuffix(family, ".") && strings.HasPrefix(eventType, family))
}

func otherMode(s *endpointSight, e *stripeclient.Endpoint) string {
	if e.Livemode == s.live {
		return ""
	}
	return fmt.Sprintf("it is in %s mode, and the API key in %s mode: give the controller a key of the other mode, or add an endpoint in %s mode in Stripe under Developers > Webhooks",
		stripestate.Mode(e.Livemode), stripestate.Mode(s.live), stripestate.Mode(s.live))
}

func oldVersion(_ *endpointSight, e *stripeclient.Endpoint) string {
	date, _, _ := strings.Cut(e.APIVersion, ".") // 2026-08-26.dahlia
	if date == "" || date >= stripeclient.APIVersion {
		return ""
	}
	return fmt.Sprintf("its events are of API version %s, older than %s, and may lack what is needed: no endpoint's version can be changed, so add another one in Stripe under Developers > Webhooks, and delete this one",
		e.APIVersion, stripeclient.APIVersion)
}
