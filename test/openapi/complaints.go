package openapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3filter"
	strict "sigs.k8s.io/json"
)

// complaints returns how a request, its body and its answer differ from the description.
func (c *Contract) complaints(r *http.Request, body *copied, answer *httptest.ResponseRecorder) []string {
	head := r.Method == http.MethodHead
	if head { // is answered as GET, with all but the body
		r.Method = http.MethodGet
	}
	at := &found{ResponseWriter: httptest.NewRecorder()}
	c.routes.ServeHTTP(at, r)
	in := at.input
	switch {
	case in == nil && c.Complete && answer.Code < http.StatusBadRequest:
		return []string{"the route is not described"}
	case in == nil:
		return nil
	case in.Route.Operation != nil:
		in.Options.ExcludeResponseBody = head
		wrong := append(ofRequest(in, body, answer), ofAnswer(in, answer)...)
		if len(wrong) == 0 && !head {
			c.note(in, answer)
		}
		return wrong
	}
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	if answer.Code != http.StatusMethodNotAllowed && !preflight {
		return []string{"the method is not described"}
	}
	return nil
}

// note records that an answer has come.
func (c *Contract) note(in *openapi3filter.RequestValidationInput, answer *httptest.ResponseRecorder) {
	operation, kind := in.Route.Operation, ""
	if len(operation.Responses.Status(answer.Code).Value.Content) > 0 {
		kind, _, _ = mime.ParseMediaType(answer.Header().Get("Content-Type"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Insert(exchange(operation.OperationID, strconv.Itoa(answer.Code), kind))
}

// formal are the statuses for a malformed request. 413 is not one: a description of JSON has no size.
var formal = []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusUnsupportedMediaType}

// ofRequest reports whether description and handler disagree on the validity of a request.
func ofRequest(in *openapi3filter.RequestValidationInput, body *copied, answer *httptest.ResponseRecorder) []string {
	// HTTP joins several fields of one name.
	for name, values := range in.Request.Header {
		in.Request.Header[name] = []string{strings.Join(values, ", ")}
	}
	invalid := openapi3filter.ValidateRequest(in.Request.Context(), in)
	if in.Route.Operation.RequestBody != nil {
		invalid = cmp.Or(body.broken, invalid, ambiguous(body.text.Bytes()))
	}
	switch {
	case invalid != nil && answer.Code < http.StatusBadRequest:
		return []string{"the request is described as invalid: " + invalid.Error()}
	case invalid == nil && slices.Contains(formal, answer.Code):
		return []string{"the request is described as valid"}
	}
	return nil
}

// bearer checks that there is a bearer token. Kubernetes checks the token itself.
func bearer(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	words := strings.Fields(in.RequestValidationInput.Request.Header.Get("Authorization"))
	if len(words) < 2 || !strings.EqualFold(words[0], "Bearer") {
		return errors.New("there is no bearer token")
	}
	return nil
}

// ambiguous returns why a body is not interoperable JSON (RFC 7493), which a schema cannot express.
func ambiguous(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	var value any
	repeated, err := strict.UnmarshalStrict(body, &value)
	return errors.Join(append(repeated, err)...)
}

// ordinary are the headers that any answer can have.
var ordinary = []string{
	"Content-Type", "Content-Length", "Cache-Control", "X-Content-Type-Options", "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
	"Content-Security-Policy", "Referrer-Policy", "X-Robots-Tag", // of pages
}

// ofAnswer returns how an answer differs from the description.
func ofAnswer(in *openapi3filter.RequestValidationInput, answer *httptest.ResponseRecorder) (wrong []string) {
	response := in.Route.Operation.Responses.Status(answer.Code)
	if response == nil { // which kin-openapi lets pass where it is a redirect
		return []string{"the status is not described"}
	}
	kind, content := answer.Header().Get("Content-Type"), response.Value.Content
	switch {
	case len(content) == 0 && answer.Body.Len() > 0:
		wrong = append(wrong, "the answer has a body, and none is described")
	case len(content) > 0 && content.Get(kind) == nil:
		wrong = append(wrong, fmt.Sprintf("the Content-Type %q is not described", kind))
	}
	known := slices.Clone(ordinary)
	for name := range response.Value.Headers {
		known = append(known, http.CanonicalHeaderKey(name))
	}
	for name := range answer.Header() {
		if !slices.Contains(known, name) {
			wrong = append(wrong, "the header "+name+" is not described")
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.Code, Header: answer.Header(), Options: in.Options}
	if err := openapi3filter.ValidateResponse(in.Request.Context(), out.SetBodyBytes(answer.Body.Bytes())); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}
