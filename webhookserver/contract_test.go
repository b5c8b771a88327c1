package webhookserver_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"k8s.io/apimachinery/pkg/util/sets"
	strict "sigs.k8s.io/json"
)

// contract is openapi.yaml, held against what the server does.
type contract struct {
	doc    *openapi3.T
	router routers.Router

	mu   sync.Mutex
	seen sets.Set[string]
}

// newContract reads the description, which must be a valid one.
func newContract(t testing.TB) *contract {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("openapi.yaml is no description: %v", err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Fatalf("openapi.yaml is of OpenAPI %s: JSON Schema would not apply", doc.OpenAPI)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{doc: doc, router: router, seen: sets.New[string]()}
}

// around has a handler answer, and hands every complaint about how it does to tell.
func (c *contract) around(handler http.Handler, tell func(complaint string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, broken := io.ReadAll(r.Body)
		asked := r.Clone(context.WithoutCancel(r.Context()))
		r.Body, asked.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
		if broken != nil {
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failingReader{}))
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		for _, complaint := range c.complaints(asked, body, broken, answer) {
			tell(fmt.Sprintf("%s %s is answered %d: %s\n%.400s\n%.400s", r.Method, r.URL, answer.Code, complaint, body, answer.Body))
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// complaints says where a request and its answer do not go with the description.
func (c *contract) complaints(r *http.Request, body []byte, broken error, answer *httptest.ResponseRecorder) []string {
	route, params, err := c.router.FindRoute(r)
	exact := c.doc.Paths.Value(r.URL.Path) // comes before paths with parameters
	if err != nil || (exact != nil && exact.Operations()[r.Method] == nil) {
		if answer.Code < http.StatusBadRequest && r.Method != http.MethodHead && r.Method != http.MethodOptions {
			return []string{"this route is not described"}
		}
		return nil
	}
	var found []string
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, SkipSettingDefaults: true, AuthenticationFunc: bearer},
	}
	if broken == nil {
		invalid := cmp.Or(openapi3filter.ValidateRequest(r.Context(), in), inexpressible(r, route.Operation, body))
		switch {
		case invalid != nil && answer.Code < http.StatusBadRequest:
			found = append(found, "the request is described as invalid: "+invalid.Error())
		case invalid == nil && answer.Code == http.StatusBadRequest:
			found = append(found, "the request is described as valid")
		}
	}
	described := route.Operation.Responses.Status(answer.Code)
	if described == nil { // which kin-openapi lets pass where it is a redirect
		return append(found, "the status is not described")
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.Code, Header: answer.Header(), Options: in.Options}
	if err := openapi3filter.ValidateResponse(r.Context(), out.SetBodyBytes(answer.Body.Bytes())); err != nil {
		return append(found, err.Error())
	}
	kind := ""
	if len(described.Value.Content) > 0 {
		kind, _, _ = mime.ParseMediaType(answer.Header().Get("Content-Type"))
	} else if answer.Body.Len() > 0 {
		found = append(found, "the answer has a body, and none is described")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Insert(exchange(route.Operation.OperationID, strconv.Itoa(answer.Code), kind))
	return found
}

// bearer is what the description's security scheme asks of a request.
func bearer(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	if scheme, token, _ := strings.Cut(in.RequestValidationInput.Request.Header.Get("Authorization"), " "); scheme != "Bearer" || token == "" {
		return errors.New("there is no bearer token")
	}
	return nil
}

// inexpressible is what is wrong with a request that no description can say: a body that is no JSON as everybody reads
// it (RFC 7493), or a header that is there twice.
func inexpressible(r *http.Request, operation *openapi3.Operation, body []byte) error {
	if len(r.Header.Values("Idempotency-Key")) > 1 {
		return errors.New("Idempotency-Key is there twice")
	}
	if operation.RequestBody == nil {
		return nil
	}
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	var into any
	if repeated, err := strict.UnmarshalStrict(body, &into); err != nil || len(repeated) > 0 {
		return errors.Join(append(repeated, err)...)
	}
	return nil
}

// exchange is the name of an operation's answer.
func exchange(operation, status, mediaType string) string {
	return strings.TrimSpace(operation + " " + status + " " + mediaType)
}

// unseen lists the answers that are described and that nothing has brought about.
func (c *contract) unseen() []string {
	described := sets.New[string]()
	for _, item := range c.doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				kinds := slices.Collect(maps.Keys(response.Value.Content))
				if len(kinds) == 0 {
					kinds = []string{""}
				}
				for _, kind := range kinds {
					described.Insert(exchange(operation.OperationID, status, kind))
				}
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return sets.List(described.Difference(c.seen))
}
