package webhookendpoint

import (
	"fmt"
	"strings"

	"github.com/paylink-dev/paylink/internal/metrics"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
)

// observed is the state of Stripe's endpoints that have our URL.
type observed struct {
	url string
	// live is the mode of the API key.
	live  bool
	found []stripeclient.Endpoint
	// managed is set where Paylink creates a missing endpoint.
	managed bool
	// secretProblems are the reasons why the webhook server cannot read a signing secret, by the id of an endpoint that Paylink
	// created.
	secretProblems map[string]string
	// syncErrors are the errors of creating or changing endpoints.
	syncErrors []error
}

// evaluation is the result of the checks of observed endpoints.
type evaluation struct {
	// passed has each check. Without an endpoint, all fail.
	passed map[string]bool
	// text begins with "ok: " or "wrong: ", and names the remedy.
	text string
}

// evaluate checks the endpoints. It returns the evaluation of the endpoint with the fewest problems.
func (o *observed) evaluate() evaluation {
	passed := map[string]bool{metrics.EndpointExists: len(o.found) > 0}
	for _, check := range checks {
		if check.name != metrics.EndpointSecret || o.managed {
			passed[check.name] = len(o.found) > 0
		}
	}
	if len(o.found) == 0 {
		return evaluation{passed: passed, text: o.describe("wrong: ", o.missing())}
	}
	var best *stripeclient.Endpoint
	var problems map[string]string
	for i := range o.found {
		if p := o.problems(&o.found[i]); best == nil || len(p) < len(problems) {
			best, problems = &o.found[i], p
		}
	}
	var parts []string
	for _, check := range checks {
		if problem := problems[check.name]; problem != "" {
			passed[check.name] = false
			parts = append(parts, problem)
		}
	}
	at := best.ID + " at " + o.url
	if len(parts) == 0 {
		return evaluation{passed: passed, text: o.describe("ok: ", fmt.Sprintf("%s gets all %d event types", at, len(stripeclient.EndpointEvents())))}
	}
	return evaluation{passed: passed, text: o.describe("wrong: ", at+": "+strings.Join(parts, "; "))}
}

// problems returns the problems of one endpoint, by check.
func (o *observed) problems(e *stripeclient.Endpoint) map[string]string {
	problems := map[string]string{}
	for _, check := range checks {
		if problem := check.problem(o, e); problem != "" {
			problems[check.name] = problem
		}
	}
	return problems
}

// describe adds the remarks that concern no single endpoint.
func (o *observed) describe(prefix, text string) string {
	parts := []string{prefix + text}
	if len(o.found) > 1 {
		ids := make([]string, len(o.found))
		for i := range o.found {
			ids[i] = o.found[i].ID
		}
		parts = append(parts, fmt.Sprintf("%d endpoints have this URL (%s), and each gets every event, which is harmless but doubles the work: keep one of them in Stripe under Developers > Webhooks",
			len(ids), strings.Join(ids, ", ")))
	}
	for _, err := range o.syncErrors {
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, "; ")
}
