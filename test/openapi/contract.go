// Package openapi checks the requests and answers of a handler against the handler's own OpenAPI description.
package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Contract is an OpenAPI description. Its methods can be called concurrently.
type Contract struct {
	// Complete means that every route is described.
	Complete bool

	doc    *openapi3.T
	routes *http.ServeMux

	mu   sync.Mutex
	seen sets.Set[string]
}

// Read reads the description that a handler serves.
func Read(h http.Handler, path string) (*Contract, error) {
	ctx, answer := context.Background(), httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	doc, err := openapi3.NewLoader().LoadFromData(answer.Body.Bytes())
	if err != nil {
		return nil, fmt.Errorf("read the description at %s, answered %d: %w", path, answer.Code, err)
	}
	if err := doc.Validate(ctx); err != nil {
		return nil, fmt.Errorf("what is at %s is no description: %w", path, err)
	}
	if !doc.IsOpenAPI31OrLater() {
		return nil, fmt.Errorf("%s is of OpenAPI %s: JSON Schema would not apply", path, doc.OpenAPI)
	}
	c := &Contract{doc: doc, routes: http.NewServeMux(), seen: sets.New[string]()}
	for path, item := range doc.Paths.Map() {
		c.routes.Handle(path, &described{doc: doc, path: path, item: item})
	}
	return c, nil
}

// Ask has the handler answer a request, and returns how request and answer differ from the description.
func (c *Contract) Ask(h http.Handler, r *http.Request) (answer *httptest.ResponseRecorder, complaints []string) {
	asked := r.Clone(context.WithoutCancel(r.Context()))
	// The handler gets the body itself, so that it behaves as always. The rest that it does not read is read afterwards.
	body := &copied{from: r.Body}
	r.Body = body
	answer = httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 1<<20))
	asked.Body = io.NopCloser(bytes.NewReader(body.text.Bytes()))
	for _, complaint := range c.complaints(asked, body, answer) {
		complaints = append(complaints, fmt.Sprintf("%s %s is answered %d: %s\n%.400s\n%.400s", r.Method, r.URL, answer.Code, complaint, &body.text, answer.Body))
	}
	return answer, complaints
}

// copied is a body that keeps a copy of itself.
type copied struct {
	from io.ReadCloser
	text bytes.Buffer
	// broken is the error that ended the body too early. No description covers such a body.
	broken error
}

func (c *copied) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.text.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		c.broken = err
	}
	return n, err
}

func (c *copied) Close() error { return c.from.Close() }

// described is the description of a path, which is a pattern of http.ServeMux too.
type described struct {
	doc  *openapi3.T
	path string
	item *openapi3.PathItem
}

// found gets the result of described, instead of an answer.
type found struct {
	http.ResponseWriter
	input *openapi3filter.RequestValidationInput
}

// ServeHTTP finds the route of a request, and its operation if it has the method.
func (d *described) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parameters := map[string]string{}
	for _, step := range strings.Split(d.path, "/") {
		if name := strings.Trim(step, "{}"); name != step {
			parameters[name] = r.PathValue(name)
		}
	}
	w.(*found).input = &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters,
		Route:   &routers.Route{Spec: d.doc, Path: d.path, PathItem: d.item, Method: r.Method, Operation: d.item.GetOperation(r.Method)},
		Options: &openapi3filter.Options{AuthenticationFunc: bearer, IncludeResponseStatus: true, SkipSettingDefaults: true},
	}
}

// exchange is the name of an operation's answer.
func exchange(operation, status, mediaType string) string {
	return strings.TrimSpace(operation + " " + status + " " + mediaType)
}

// Unseen lists the described answers that no request has had.
func (c *Contract) Unseen() []string {
	all := sets.New[string]()
	for _, item := range c.doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				kinds := slices.Collect(maps.Keys(response.Value.Content))
				if len(kinds) == 0 {
					kinds = []string{""}
				}
				for _, kind := range kinds {
					all.Insert(exchange(operation.OperationID, status, kind))
				}
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return sets.List(all.Difference(c.seen))
}
