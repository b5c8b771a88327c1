package ordercache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
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
	// object is the JSON of one object, without its number, which is to be put between the parts.
	object [2]string
	list   string // the kind of the list
	// noStreams refuses a watch that begins with all objects, as API servers before Kubernetes 1.34 do.
	noStreams bool
	start     uint64
	peak      uint64
}

// newLargeAPI makes an API server of n copies of an object that has large annotations.
func newLargeAPI(t testing.TB, n, annotations int, object client.Object) *largeAPI {
	t.Helper()
	object.SetNamespace("shop")
	object.SetName("object-####")
	object.SetResourceVersion("1")
	object.SetAnnotations(map[string]string{"large": strings.Repeat("x", annotations)})
	content, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	a := &largeAPI{count: n, list: object.GetObjectKind().GroupVersionKind().Kind + "List", start: heap()}
	a.object[0], a.object[1], _ = strings.Cut(string(content), "####")
	return a
}

func (a *largeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	q := r.URL.Query()
	streams := q.Get("sendInitialEvents") != ""
	switch {
	case q.Get("watch") == "":
		a.sendList(w, q)
		return
	case streams && a.noStreams:
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(apierrors.NewInvalid(kind.GroupKind(), "", nil).Status())
		return
	case streams:
		a.send(w, 0, a.count, `{"type":"ADDED","object":`, "}\n", "}\n")
		_, _ = fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"9","annotations":{%q:"true"}}}}`+"\n",
			strings.TrimSuffix(a.list, "List"), kind.GroupVersion(), metav1.InitialEventsAnnotationKey)
	}
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// sendList sends a list, or a page of it.
func (a *largeAPI) sendList(w io.Writer, q url.Values) {
	from, _ := strconv.Atoi(q.Get("continue"))
	to, next := a.count, ""
	if limit, _ := strconv.Atoi(q.Get("limit")); limit > 0 && from+limit < a.count && q.Get("resourceVersion") == "" {
		to = from + limit
		next = strconv.Itoa(to)
	}
	_, _ = fmt.Fprintf(w, `{"apiVersion":%q,"items":[`, kind.GroupVersion())
	a.send(w, from, to, "", ",", "")
	_, _ = fmt.Fprintf(w, `],"kind":%q,"metadata":{"resourceVersion":"9","continue":%q}}`, a.list, next)
}

// send sends objects, and measures the heap after each sixth of all. Meanwhile the client still decodes objects that it has
// received, so the lowest of three measurements counts.
func (a *largeAPI) send(w io.Writer, from, to int, before, between, end string) {
	for n := from; n < to; n++ {
		after := between
		if n == to-1 {
			after = end
		}
		for _, part := range []string{before, a.object[0], fmt.Sprintf("%06d", n), a.object[1], after} {
			if _, err := io.WriteString(w, part); err != nil {
				return
			}
		}
		if (n+1)%(a.count/6) == 0 {
			a.peak = max(a.peak, min(heap(), heap(), heap()))
		}
	}
}

// TestPeakHeap reads 300 objects of each kind with 50 KB of annotations each. For orders, the heap grows by the encoded
// orders and a few objects; for another kind, by the stripped objects and one page.
func TestPeakHeap(t *testing.T) {
	const (
		objects     = 300
		annotations = 50_000
		stripped    = 4 << 10
	)
	link, event := &v1alpha1.PaymentLink{}, &v1alpha1.StripeEvent{}
	link.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("PaymentLink"))
	event.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("StripeEvent"))
	for _, row := range []struct {
		name      string
		object    client.Object
		list      client.ObjectList
		noStreams bool
		whole     int // objects that may be in memory with their annotations, as JSON and decoded
	}{
		{"orders from a stream", paidOrder(1), &v1alpha1.OrderList{}, false, 20},
		{"orders from a list", paidOrder(1), &v1alpha1.OrderList{}, true, 20},
		{"payment links from a stream", link, &v1alpha1.PaymentLinkList{}, false, 20},
		{"payment links from pages", link, &v1alpha1.PaymentLinkList{}, true, 2 * pageSize},
		{"events from pages", event, &v1alpha1.StripeEventList{}, true, 2 * pageSize},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := newLargeAPI(t, objects, annotations, row.object)
			a.noStreams = row.noStreams
			server := httptest.NewServer(a)
			t.Cleanup(server.Close) // after the cache has stopped
			c := newCacheOf(t, server.URL, row.object)
			start(t, c)
			filled(t, c)
			if err := c.List(t.Context(), row.list); err != nil || meta.LenList(row.list) != objects {
				t.Errorf("got %d objects, %v, want %d", meta.LenList(row.list), err, objects)
			}
			grown, limit := int64(a.peak)-int64(a.start), int64(objects*stripped+row.whole*annotations) //nolint:gosec // no heap is so large
			t.Logf("the heap grows by %d KiB, and may grow by %d", grown>>10, limit>>10)
			if a.peak == 0 || grown > limit {
				t.Errorf("the heap grows by %d KiB, want at most %d", grown>>10, limit>>10)
			}
		})
	}
}

// newCacheOf makes a cache that has one kind. If that is not orders, the cache of orders is filled already.
func newCacheOf(t *testing.T, url string, object client.Object) *Cache {
	t.Helper()
	options := optionsFor(t)
	options.DefaultTransform = StripMetadata
	made, err := New(&rest.Config{Host: url, QPS: -1}, options)
	if err != nil {
		t.Fatal(err)
	}
	c := made.(*Cache)
	if _, is := object.(*v1alpha1.Order); !is {
		c.sources = nil
		close(c.filled)
		if _, err := c.GetInformer(t.Context(), object, cache.BlockUntilSynced(false)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// BenchmarkHeap reports the heap that one order takes in each cache, with the indices of the ledger.
func BenchmarkHeap(b *testing.B) {
	const orders = 20_000
	for name, fill := range map[string]func() any{
		"ordercache": func() any {
			s := indexed(b, newStore())
			for n := range orders {
				s.set(s.mustEncode(b, paidOrder(n)))
			}
			return s
		},
		"controller-runtime": func() any {
			encoder, by := newStore(), toolscache.Indexers{}
			for name, values := range indices {
				by[name] = func(o any) ([]string, error) { return values(o.(client.Object)), nil }
			}
			s := toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, by)
			for n := range orders {
				// Decoded, no two orders share a string.
				o, err := encoder.mustEncode(b, paidOrder(n)).decode()
				if err := errors.Join(err, s.Add(o)); err != nil {
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
