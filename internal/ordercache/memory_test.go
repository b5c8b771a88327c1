package ordercache

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// heap is the number of bytes of live objects.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // frees what the pools of the first one kept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// largeAPI is an API server of many objects, which it makes while it sends them. It measures the heap of the process
// meanwhile, and keeps nothing.
type largeAPI struct {
	count int
	// object is the JSON of one object; #### is replaced by its number.
	object string
	list   string // the kind of the list
	start  uint64
	peak   uint64
}

// newLargeAPI makes an API server of n copies of an object that has large annotations.
func newLargeAPI(t testing.TB, n, annotations int, object client.Object, list string) *largeAPI {
	t.Helper()
	object.SetName("object-####")
	object.SetResourceVersion("1")
	object.SetAnnotations(map[string]string{"large": strings.Repeat("x", annotations)})
	content, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return &largeAPI{count: n, object: string(content), list: list}
}

func (a *largeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	q := r.URL.Query()
	switch {
	case q.Get("watch") == "":
		_, _ = io.WriteString(w, `{"apiVersion":"payments.paylink.dev/v1alpha1","items":[`)
		a.send(w, "", ",")
		_, _ = fmt.Fprintf(w, `],"kind":%q,"metadata":{"resourceVersion":"9"}}`, a.list)
	case q.Get("sendInitialEvents") != "":
		a.send(w, `{"type":"ADDED","object":`, "}\n")
	}
}

// send sends all objects, and measures the heap eight times.
func (a *largeAPI) send(w io.Writer, before, between string) {
	a.start = heap()
	front, back, _ := strings.Cut(a.object, "####")
	for n := range a.count {
		after := between
		if n == a.count-1 && between == "," {
			after = ""
		}
		for _, part := range []string{before, front, fmt.Sprintf("%06d", n), back, after} {
			if _, err := io.WriteString(w, part); err != nil {
				return
			}
		}
		if n%(a.count/8) == 0 {
			a.peak = max(a.peak, heap())
		}
	}
	a.peak = max(a.peak, heap())
}

// TestPeakHeap lists and watches 320 MB of orders, most of which is annotations. The heap grows by the encoded orders, and by
// one order.
func TestPeakHeap(t *testing.T) {
	const (
		orders      = 5000
		annotations = 64 << 10
		limit       = orders*1024 + 64*annotations
	)
	for name, read := range map[string]func(*testing.T, *orderClient) int{
		"list": func(t *testing.T, c *orderClient) int {
			list, err := c.list(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return len(list.(*encodedList).Items)
		},
		"watch": func(t *testing.T, c *orderClient) int {
			yes := true
			w, err := c.watch(t.Context(), metav1.ListOptions{SendInitialEvents: &yes})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Stop()
			var list []*encodedOrder
			for event := range w.ResultChan() {
				list = append(list, event.Object.(*encodedOrder))
			}
			return len(list)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newLargeAPI(t, orders, annotations, paidOrder(1), "OrderList")
			server := httptest.NewServer(a)
			defer server.Close()
			made, err := New(&rest.Config{Host: server.URL, QPS: -1}, optionsFor(t))
			if err != nil {
				t.Fatal(err)
			}
			c := made.(*Cache)
			if n := read(t, &orderClient{api: c.api, store: c.store}); n != orders {
				t.Errorf("got %d orders, want %d", n, orders)
			}
			if grown := int64(a.peak) - int64(a.start); grown > limit {
				t.Errorf("the heap grows by %d KiB for %d orders, want at most %d", grown>>10, orders, limit>>10)
			} else {
				t.Logf("the heap grows by %d KiB for %d orders", grown>>10, orders)
			}
		})
	}
}

// BenchmarkHeap reports the heap that one order takes in each cache, with the indices of the ledger.
func BenchmarkHeap(b *testing.B) {
	const orders = 20_000
	for name, fill := range map[string]func() any{
		"ordercache": func() any {
			s := indexed(b, newStore())
			for n := range orders {
				e, err := s.encode(paidOrder(n))
				if err != nil {
					b.Fatal(err)
				}
				s.set(e)
			}
			return s
		},
		"controller-runtime": func() any {
			by := toolscache.Indexers{}
			for name, values := range indices {
				by[name] = func(o any) ([]string, error) { return values(o.(client.Object)), nil }
			}
			s := toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, by)
			for n := range orders {
				// Decoded from JSON, no two orders share a string.
				content, err := json.Marshal(paidOrder(n))
				if err != nil {
					b.Fatal(err)
				}
				o := &v1alpha1.Order{}
				if err := json.Unmarshal(content, o); err != nil {
					b.Fatal(err)
				}
				o.ManagedFields = nil
				if err := s.Add(o); err != nil {
					b.Fatal(err)
				}
			}
			return s
		},
	} {
		b.Run(name, func(b *testing.B) {
			var grown uint64
			for b.Loop() {
				before := heap()
				filled := fill()
				grown = heap() - before
				runtime.KeepAlive(filled)
			}
			b.ReportMetric(float64(grown)/orders, "heap-B/order")
		})
	}
}
