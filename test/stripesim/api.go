package stripesim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// request is an API call after its key and its form were read.
type request struct {
	livemode bool
	params   *params
	path     string
	id       string
	cause    cause
}

// operation answers one route. It reads every parameter, and checks for a problem with them before it changes anything.
type operation func(a *account, r *request) (rendered, error)

// api serves /v1.
type api struct {
	account *account
	version string
	replays replays

	mu    sync.Mutex
	fault func(*http.Request) Fault
}

func (a *api) routes() map[string]operation {
	return map[string]operation{
		"POST /v1/products":                         createProduct,
		"GET /v1/products":                          listProducts,
		"GET /v1/products/{id}":                     retrieveProduct,
		"POST /v1/products/{id}":                    updateProduct,
		"POST /v1/prices":                           createPrice,
		"GET /v1/prices":                            listPrices,
		"GET /v1/prices/{id}":                       retrievePrice,
		"POST /v1/prices/{id}":                      updatePrice,
		"POST /v1/payment_links":                    createPaymentLink,
		"GET /v1/payment_links":                     listPaymentLinks,
		"GET /v1/payment_links/{id}":                retrievePaymentLink,
		"POST /v1/payment_links/{id}":               updatePaymentLink,
		"GET /v1/payment_links/{id}/line_items":     listPaymentLinkItems,
		"GET /v1/checkout/sessions":                 listSessions,
		"GET /v1/checkout/sessions/{id}":            retrieveSession,
		"GET /v1/checkout/sessions/{id}/line_items": listSessionItems,
		"POST /v1/checkout/sessions/{id}/expire":    expireSession,
		"GET /v1/payment_intents":                   listIntents,
		"GET /v1/payment_intents/{id}":              retrieveIntent,
		"GET /v1/charges":                           listCharges,
		"GET /v1/charges/{id}":                      retrieveCharge,
		"POST /v1/refunds":                          createRefund,
		"GET /v1/refunds":                           listRefunds,
		"GET /v1/refunds/{id}":                      retrieveRefund,
		"GET /v1/disputes":                          listDisputes,
		"GET /v1/disputes/{id}":                     retrieveDispute,
		"GET /v1/events":                            listEvents,
		"GET /v1/events/{id}":                       retrieveEvent,
		"POST /v1/events/{id}/retry":                retryEvent,
		"POST /v1/webhook_endpoints":                createEndpoint,
		"GET /v1/webhook_endpoints":                 listEndpoints,
		"GET /v1/webhook_endpoints/{id}":            retrieveEndpoint,
		"POST /v1/webhook_endpoints/{id}":           updateEndpoint,
		"DELETE /v1/webhook_endpoints/{id}":         deleteEndpoint,
	}
}

func (a *api) register(mux *http.ServeMux) {
	for pattern, operate := range a.routes() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, operate) })
	}
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		a.serve(w, r, func(*account, *request) (rendered, error) { return nil, errUnknownRoute(r) })
	})
}

func errUnknownRoute(r *http.Request) *APIError {
	return &APIError{
		Status: http.StatusNotFound, Type: invalidRequest,
		Message: fmt.Sprintf("Unrecognized request URL (%s: %s). Please see https://stripe.com/docs.", r.Method, r.URL.Path),
	}
}

// answer is a finished response, kept for the repetition of its request.
type answer struct {
	status    int
	body      []byte
	requestID string
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, operate operation) {
	requestID, repeatKey := randomID("req_", 14), r.Header.Get("Idempotency-Key")
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Date", a.account.clock.Now().UTC().Format(http.TimeFormat))
	header.Set("Request-Id", requestID)
	header.Set("Stripe-Version", a.version)
	fault := a.faultOf(r)
	if fault.failBefore(w, r) {
		return
	}
	call, err := readCall(r, cause{requestID: requestID, idempotencyKey: repeatKey})
	if err != nil {
		writeAnswer(w, errorAnswer(err))
		return
	}
	call.params.pageLimit = fault.PageLimit
	if r.Method != http.MethodPost || repeatKey == "" {
		fault.write(w, a.call(call, operate))
		return
	}
	header.Set("Idempotency-Key", repeatKey)
	given, replayed := a.replays.once(call, repeatKey, func() answer { return a.call(call, operate) })
	if replayed {
		header.Set("Idempotent-Replayed", "true")
		header.Set("Original-Request", given.requestID)
	}
	fault.write(w, given)
}

// call runs an operation and renders what it returns, under the account's lock.
func (a *api) call(r *request, operate operation) answer {
	expansions := r.params.list("expand")
	a.account.mu.Lock()
	defer a.account.mu.Unlock()
	shown, err := operate(a.account, r)
	if err == nil {
		err = a.account.expandAll(shown, expansions)
	}
	if err != nil {
		return errorAnswer(err)
	}
	return answer{status: http.StatusOK, body: encode(shown), requestID: r.cause.requestID}
}

var keyForm = regexp.MustCompile(`^[rs]k_(test|live)_[A-Za-z0-9_]+$`)

// bearer is the API key, sent as a bearer token or as the user of basic auth.
func bearer(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

const largestForm = 1 << 20

func readCall(r *http.Request, by cause) (*request, error) {
	apiKey := bearer(r)
	if apiKey == "" {
		return nil, errUnauthorized("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
	}
	mode := keyForm.FindStringSubmatch(apiKey)
	if mode == nil {
		// No part of it is repeated: it can be a secret of something else.
		return nil, errUnauthorized("Invalid API Key provided: " + strings.Repeat("*", min(len(apiKey), 12)))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, largestForm))
	if err != nil {
		return nil, errInvalid("", "", "The request body could not be read.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errInvalid("", "", "Invalid request body: it is not form-encoded.")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errInvalid("", "", "Invalid query string.")
	}
	for name, values := range query {
		form[name] = append(form[name], values...)
	}
	return &request{
		livemode: mode[1] == "live", params: newParams(form), path: r.URL.Path, id: r.PathValue("id"), cause: by,
	}, nil
}

func errorAnswer(err error) answer {
	var refusal *APIError
	if !errors.As(err, &refusal) {
		refusal = &APIError{Status: http.StatusBadRequest, Type: invalidRequest, Message: err.Error()}
	}
	return answer{status: refusal.Status, body: encode(refusal.render())}
}

func writeAnswer(w http.ResponseWriter, given answer) {
	w.WriteHeader(given.status)
	_, _ = w.Write(given.body) // fails if the client is gone
}

// encode writes JSON as Stripe does: indented by two spaces, and without the
// escapes for HTML that Go adds.
func encode(shown rendered) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(shown); err != nil {
		panic(fmt.Sprintf("encode %v: %v", shown["id"], err)) // only strings, numbers, lists and maps go in
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
