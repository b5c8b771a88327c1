package ordercache

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// api is an API server of orders alone. It can cut, refuse and delay lists and watches as a real API server does.
type api struct {
	*testing.T
	url string

	mu      sync.Mutex
	changed *sync.Cond
	orders  map[types.NamespacedName]*v1alpha1.Order
	events  []event
	version int
	asked   []string // the queries of all requests

	// noStreams refuses a watch that begins with all orders, as API servers before Kubernetes 1.34 do.
	noStreams bool
	page      int // the largest number of orders in a list; 0: all
	oldest    int // the version before which all is compacted
	cuts      int // the number of times that all watches were cut
	gone      int // the number of times that all watches ended with 410
	down      bool
	raw       string // the whole answer to the next watch
	held      chan struct{}
}

// event is one change of an order.
type event struct {
	version int
	kind    watch.EventType
	order   *v1alpha1.Order
}

func startAPI(t *testing.T) *api {
	t.Helper()
	a := &api{T: t, orders: map[types.NamespacedName]*v1alpha1.Order{}, version: 100}
	a.changed = sync.NewCond(&a.mu)
	server := httptest.NewServer(a)
	a.url = server.URL
	t.Cleanup(func() {
		a.do(func() { a.down = true })
		server.CloseClientConnections()
		server.Close()
	})
	return a
}

// do changes the API server, and wakes its watches.
func (a *api) do(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	a.changed.Broadcast()
}

// put creates or updates an order.
func (a *api) put(o *v1alpha1.Order) {
	a.do(func() {
		a.version++
		o = o.DeepCopy()
		o.SetGroupVersionKind(kind)
		o.ResourceVersion = strconv.Itoa(a.version)
		is := watch.Modified
		if a.orders[client.ObjectKeyFromObject(o)] == nil {
			is = watch.Added
		}
		a.orders[client.ObjectKeyFromObject(o)] = o
		a.events = append(a.events, event{a.version, is, o})
	})
}

func (a *api) delete(namespace, name string) {
	a.do(func() {
		key := types.NamespacedName{Namespace: namespace, Name: name}
		last := a.orders[key].DeepCopy()
		delete(a.orders, key)
		a.version++
		last.ResourceVersion = strconv.Itoa(a.version)
		a.events = append(a.events, event{a.version, watch.Deleted, last})
	})
}

// compact ends the watches that have not seen all events yet.
func (a *api) compact() { a.do(func() { a.oldest = a.version }) }

// hold delays all requests until the returned function is called.
func (a *api) hold() (release func()) {
	held := make(chan struct{})
	a.do(func() { a.held = held })
	return func() {
		close(held)
		a.do(func() { a.held = nil })
	}
}

func (a *api) existing() map[types.NamespacedName]*v1alpha1.Order {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.orders)
}

// queries returns the queries of all requests so far.
func (a *api) queries() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked)
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, found := strings.CutPrefix(r.URL.Path, "/apis/payments.paylink.dev/v1alpha1/")
	namespace := ""
	if inside, is := strings.CutPrefix(path, "namespaces/"); is {
		namespace, path, _ = strings.Cut(inside, "/")
	}
	if !found || path != "orders" {
		http.NotFound(w, r)
		return
	}
	a.mu.Lock()
	a.asked = append(a.asked, r.URL.RawQuery)
	held := a.held
	a.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch q := r.URL.Query(); {
	case a.down:
		panic(http.ErrAbortHandler)
	case q.Get("watch") == "":
		a.list(w, r, namespace)
	case a.noStreams && q.Get("sendInitialEvents") != "":
		a.refuse(w, apierrors.NewInvalid(kind.GroupKind(), "", nil))
	default:
		a.watch(w, r, namespace)
	}
}

func (a *api) refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(err.ErrStatus.Code))
	a.write(w, err.Status())
}

func (a *api) write(w http.ResponseWriter, what any) {
	_ = json.NewEncoder(w).Encode(what) // the client may be gone
	w.(http.Flusher).Flush()
}

func (a *api) of(namespace string) []v1alpha1.Order {
	var orders []v1alpha1.Order
	for key, o := range a.orders {
		if namespace == "" || namespace == key.Namespace {
			orders = append(orders, *o)
		}
	}
	slices.SortFunc(orders, func(a, b v1alpha1.Order) int { return strings.Compare(a.Name, b.Name) })
	return orders
}

// list answers with all orders, or with a page of them. Pages continue after a name: they are no snapshot, which no test
// needs.
func (a *api) list(w http.ResponseWriter, r *http.Request, namespace string) {
	list := v1alpha1.OrderList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(a.version)}, Items: a.of(namespace)}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OrderList"))
	after := r.URL.Query().Get("continue")
	list.Items = slices.DeleteFunc(list.Items, func(o v1alpha1.Order) bool { return o.Name <= after })
	if a.page > 0 && len(list.Items) > a.page {
		list.Items = list.Items[:a.page]
		list.Continue = list.Items[a.page-1].Name
	}
	w.Header().Set("Content-Type", "application/json")
	a.write(w, list)
}

// watch sends all orders, if the request asks for them, and then each change.
func (a *api) watch(w http.ResponseWriter, r *http.Request, namespace string) {
	w.Header().Set("Content-Type", "application/json")
	if a.raw != "" {
		_, _ = fmt.Fprint(w, a.raw)
		a.raw = ""
		w.(http.Flusher).Flush()
		return
	}
	at, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, o := range a.of(namespace) {
			a.write(w, map[string]any{"type": watch.Added, "object": o})
		}
		at = a.version
		a.bookmark(w, at, map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	}
	stop := a.stopAtEnd(r)
	defer stop()
	for cuts, gone := a.cuts, a.gone; a.cuts == cuts && !a.down && r.Context().Err() == nil; a.changed.Wait() {
		if at < a.oldest || a.gone != gone {
			a.write(w, map[string]any{"type": watch.Error, "object": apierrors.NewResourceExpired("too old resource version").Status()})
			return
		}
		for _, e := range a.events {
			if e.version > at && (namespace == "" || namespace == e.order.Namespace) {
				a.write(w, map[string]any{"type": e.kind, "object": e.order})
			}
		}
		if at < a.version {
			at = a.version
			a.bookmark(w, at, nil)
		}
	}
	panic(http.ErrAbortHandler) // in the middle of the answer
}

func (a *api) bookmark(w http.ResponseWriter, version int, annotations map[string]string) {
	meta := map[string]any{"resourceVersion": strconv.Itoa(version), "creationTimestamp": nil, "annotations": annotations}
	a.write(w, map[string]any{"type": watch.Bookmark, "object": map[string]any{
		"kind": kind.Kind, "apiVersion": kind.GroupVersion().String(), "metadata": meta, "spec": map[string]any{},
	}})
}

// stopAtEnd wakes the watch when its client is gone.
func (a *api) stopAtEnd(r *http.Request) (stop func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-r.Context().Done():
			a.do(func() {})
		case <-done:
		}
	}()
	return func() { close(done) }
}
