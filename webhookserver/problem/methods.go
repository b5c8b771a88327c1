package problem

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Methods answers a route by its methods; HEAD is answered as GET. Any other is a problem.
type Methods map[string]http.HandlerFunc

// ServeHTTP has the method's handler answer.
func (m Methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if handle, ok := m[method]; ok {
		handle(w, r)
		return
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(m)), ", ")
	p := New(http.StatusMethodNotAllowed, "This route is for "+allowed+".")
	p.Allow = allowed
	p.Write(w)
}
