package fakeshop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	strict "sigs.k8s.io/json"

	"github.com/paylink-dev/paylink/webhookserver"
)

// description is the one that a handler gives of itself. It is the same for all, so the first is asked.
var description struct {
	once sync.Once
	doc  *openapi3.T
	err  error
}

func describe(h http.Handler) (*openapi3.T, error) {
	description.once.Do(func() {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, webhookserver.OpenAPIPath, nil))
		description.doc, description.err = openapi3.NewLoader().LoadFromData(answer.Body.Bytes())
	})
	return description.doc, description.err
}

// exchange has a handler answer a request, and fails the test where either is not as the description has it.
func exchange(t testing.TB, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	doc, err := describe(h)
	if err != nil {
		t.Fatal(err)
	}
	// A body is read here only so far as the handler could read it. One that ends in an error has no form to be checked.
	body := &bytes.Buffer{}
	watched := &watched{from: r.Body, into: body}
	if r.Body != nil {
		r.Body = watched
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if r.Body != nil && watched.broken == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(watched, 1<<20))
	}
	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(body)
	for _, complaint := range complaints(doc, sent, body.Bytes(), watched.broken, answer) {
		t.Errorf("%s %s, answered %d: %s", r.Method, r.URL.Path, answer.Code, complaint)
	}
	return answer
}

// watched is a body of which a copy is kept.
type watched struct {
	from   io.ReadCloser
	into   *bytes.Buffer
	broken error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	w.into.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		w.broken = err
	}
	return n, err
}

func (w *watched) Close() error { return w.from.Close() }

// routeOf finds what the description says of a request; a path is a pattern of http.ServeMux too.
func routeOf(doc *openapi3.T, r *http.Request) (route *routers.Route, parameters map[string]string) {
	mux := http.NewServeMux()
	for path, item := range doc.Paths.Map() {
		mux.HandleFunc(path, func(_ http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead { // is answered as GET
				method = http.MethodGet
			}
			route = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)}
			parameters = map[string]string{}
			for _, step := range strings.Split(path, "/") {
				if name := strings.Trim(step, "{}"); name != step {
					parameters[name] = r.PathValue(name)
				}
			}
		})
	}
	mux.ServeHTTP(httptest.NewRecorder(), r.Clone(r.Context()))
	return route, parameters
}

// complaints says in what a request and its answer are not as the description has it. broken is why the request's body
// could not be read to its end, if so.
func complaints(doc *openapi3.T, r *http.Request, body []byte, broken error, answer *httptest.ResponseRecorder) []string {
	route, parameters := routeOf(doc, r)
	switch {
	case route == nil:
		return nil
	case route.Operation == nil:
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		if answer.Code != http.StatusMethodNotAllowed && !preflight {
			return []string{"the description has no such method"}
		}
		return nil
	}
	// Several fields of one name are one field, as HTTP has it.
	for name, values := range r.Header {
		r.Header[name] = []string{strings.Join(values, ", ")}
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: authenticated, IncludeResponseStatus: true,
	}}
	var all []string
	wrong := first(broken, readable(route, body), openapi3filter.ValidateRequest(context.WithoutCancel(r.Context()), in))
	switch {
	case wrong != nil && answer.Code < http.StatusBadRequest:
		all = append(all, fmt.Sprintf("the description does not allow the request: %v", wrong))
	case wrong == nil && slices.Contains(formal, answer.Code):
		all = append(all, fmt.Sprintf("the description allows the request: %s", answer.Body))
	}
	return append(all, ofAnswer(in, answer)...)
}

// ofAnswer says in what an answer is not as the description has it.
func ofAnswer(in *openapi3filter.RequestValidationInput, answer *httptest.ResponseRecorder) (all []string) {
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.Code, Header: answer.Header(), Options: in.Options}
	if err := openapi3filter.ValidateResponse(context.WithoutCancel(in.Request.Context()), out.SetBodyBytes(answer.Body.Bytes())); err != nil {
		all = append(all, fmt.Sprintf("the description does not allow the answer: %v", err))
	}
	response := in.Route.Operation.Responses.Status(answer.Code)
	if response == nil { // HEAD's are not looked at by the filter
		return append(all, "the description does not know the status")
	}
	known := slices.Clone(ordinary)
	for name := range response.Value.Headers {
		known = append(known, http.CanonicalHeaderKey(name))
	}
	for name := range answer.Header() {
		if !slices.Contains(known, name) {
			all = append(all, "the description does not know the header "+name)
		}
	}
	return all
}

// formal are the answers to a request whose form is wrong. Too large a body is not one: a description of JSON has no size.
var formal = []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusUnsupportedMediaType}

// ordinary are the headers that any answer may have, whatever it is about.
var ordinary = []string{
	"Content-Type", "Content-Length", "Cache-Control", "X-Content-Type-Options", "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
	"Content-Security-Policy", "Referrer-Policy", "X-Robots-Tag", // of pages
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// authenticated reports whether there is a bearer token at all; whose it is, Kubernetes says.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	words := strings.Fields(in.RequestValidationInput.Request.Header.Get("Authorization"))
	if len(words) < 2 || !strings.EqualFold(words[0], "Bearer") {
		return errors.New("there is no bearer token")
	}
	return nil
}

// readable reports whether a body is JSON that means one thing only, which a schema cannot say.
func readable(route *routers.Route, body []byte) error {
	if route.Operation.RequestBody == nil || len(body) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	var value any
	again, err := strict.UnmarshalStrict(body, &value)
	return errors.Join(append(again, err)...)
}
