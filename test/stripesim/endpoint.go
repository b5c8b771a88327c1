package stripesim

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// EndpointParams describes a receiver of webhooks.
type EndpointParams struct {
	// URL is where events are posted.
	URL string
	// Events are the types it wants; default: all.
	Events []string
	// Livemode makes it an endpoint of live mode; it never gets events of the other.
	Livemode bool
	// APIVersion is written into its events; default: the account's.
	APIVersion string
	// Secret is the signing secret; default: a new one.
	Secret string
}

// Endpoint is a receiver of webhooks.
type Endpoint struct {
	Object
	// URL is where events are posted.
	URL string
	// Events are the types it wants; "*" is all.
	Events []string
	// Secret is the newest signing secret, whsec_….
	Secret string
	// Disabled endpoints get nothing, not even events that are queued for them.
	Disabled bool

	apiVersion  string
	description string
	metadata    map[string]string
	// retiring are older secrets that still sign, newest first.
	retiring []string
}

func (e *Endpoint) wants(event *Event) bool {
	return !e.Disabled && e.Livemode == event.Livemode &&
		slices.ContainsFunc(e.Events, func(pattern string) bool { return matches(pattern, event.Type) })
}

// matches reports whether a type is named by a pattern: "*", charge.refunded, or a
// family as charge.*.
func matches(pattern, eventType string) bool {
	if family, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(eventType, family)
	}
	return pattern == eventType
}

// secrets returns all secrets that sign a delivery.
func (e *Endpoint) secrets() []string {
	return append([]string{e.Secret}, e.retiring...)
}

func newSecret() string { return randomID("whsec_", 32) }

func (a *account) addEndpoint(endpoint Endpoint, livemode bool) *Endpoint {
	endpoint.Object = a.newObject("we_1", livemode)
	if endpoint.Secret == "" {
		endpoint.Secret = newSecret()
	}
	if len(endpoint.Events) == 0 {
		endpoint.Events = []string{"*"}
	}
	a.endpoints.put(&endpoint)
	return &endpoint
}

// destination returns the endpoint for an attempt, as it is now.
func (a *account) destination(id string) (Endpoint, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	endpoint, ok := a.endpoints.get(id)
	if !ok || endpoint.Disabled {
		return Endpoint{}, false
	}
	return *endpoint, true
}

func renderEndpoint(e *Endpoint) rendered {
	status := "enabled"
	if e.Disabled {
		status = "disabled"
	}
	return rendered{
		"id":             e.ID,
		"object":         "webhook_endpoint",
		"api_version":    nullable(e.apiVersion),
		"application":    nil,
		"created":        e.Created.Unix(),
		"description":    nullable(e.description),
		"enabled_events": e.Events,
		"livemode":       e.Livemode,
		"metadata":       metadata(e.metadata),
		"status":         status,
		"url":            e.URL,
	}
}

var (
	versionForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$`)
	typeForm    = regexp.MustCompile(`^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*\.(\*|[a-z0-9_]+))$`)
)

func readEndpoint(p *params, endpoint Endpoint) Endpoint {
	if p.has("url") {
		endpoint.URL = p.text("url")
		if parsed, err := url.Parse(endpoint.URL); err != nil || parsed.Host == "" || !strings.HasPrefix(parsed.Scheme, "http") {
			p.fail(errInvalid("url", "url_invalid", "Invalid URL: An explicit scheme (such as https) must be provided."))
		}
	}
	if types := p.list("enabled_events"); len(types) > 0 {
		endpoint.Events = types
		for _, name := range types {
			if !typeForm.MatchString(name) {
				p.fail(errInvalid("enabled_events", "", "Invalid enabled_events: %s is not an event type.", name))
			}
		}
	}
	if p.has("description") {
		endpoint.description = p.text("description")
	}
	endpoint.metadata = mergeMetadata(endpoint.metadata, p.hash("metadata"))
	return endpoint
}

func createEndpoint(a *account, r *request) (rendered, error) {
	endpoint := readEndpoint(r.params, Endpoint{})
	endpoint.apiVersion = r.params.text("api_version")
	if endpoint.apiVersion != "" && !versionForm.MatchString(endpoint.apiVersion) {
		r.params.fail(errInvalid("api_version", "", "Invalid API version: %s", endpoint.apiVersion))
	}
	r.params.mustBeOff("connect")
	r.params.required("url")
	if len(endpoint.Events) == 0 {
		r.params.fail(errRequired("enabled_events"))
	}
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	made := a.addEndpoint(endpoint, r.livemode)
	shown := renderEndpoint(made)
	shown["secret"] = made.Secret // no other answer has it
	return shown, nil
}

func retrieveEndpoint(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	endpoint, err := find(&a.endpoints, r.id, r.livemode, "webhook_endpoint", "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	return renderEndpoint(endpoint), nil
}

func updateEndpoint(a *account, r *request) (rendered, error) {
	endpoint, err := find(&a.endpoints, r.id, r.livemode, "webhook_endpoint", "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	changed := readEndpoint(r.params, *endpoint)
	changed.Disabled = r.params.flag(endpoint.Disabled, "disabled")
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	*endpoint = changed
	return renderEndpoint(endpoint), nil
}

func deleteEndpoint(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	endpoint, err := find(&a.endpoints, r.id, r.livemode, "webhook_endpoint", "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	a.endpoints.remove(endpoint.ID)
	return rendered{"id": endpoint.ID, "object": "webhook_endpoint", "deleted": true}, nil
}

func listEndpoints(a *account, r *request) (rendered, error) {
	return page(r, &a.endpoints, "webhook_endpoint", everything[*Endpoint], renderEndpoint)
}
