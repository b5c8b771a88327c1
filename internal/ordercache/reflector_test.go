package ordercache

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// TestFillAndFollow fills a cache in each way, and then changes orders.
func TestFillAndFollow(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			a, c, r := running(t, way)
			if r.initial != 10 {
				t.Errorf("first list: got %d orders, want 10", r.initial)
			}
			asked := a.queries()
			for _, parameter := range map[string][]string{
				"streamed": {"sendInitialEvents=true", "resourceVersionMatch=NotOlderThan", "allowWatchBookmarks=true", "timeoutSeconds="},
				"listed":   {"limit=500"},
				"in pages": {"limit=500", "continue="},
			}[name] {
				if !strings.Contains(strings.Join(asked, " "), parameter) {
					t.Errorf("no request asks for %s: %q", parameter, asked)
				}
			}
			changed := paidOrder(3)
			changed.Status.Phase = v1alpha1.OrderRefunded
			a.put(changed)
			a.delete("shop", paidOrder(4).Name)
			a.put(paidOrder(11))
			a.agree(c, r)
			log := r.changes(0)
			if want := []string{"update shop/" + changed.Name, "delete shop/" + paidOrder(4).Name, "create shop/" + paidOrder(11).Name}; !slices.Equal(log, want) {
				t.Errorf("changes: got %q, want %q", log, want)
			}
			if r.initial != 10 {
				t.Error("a new order is one of the first list")
			}
		})
	}
}

// TestInterruptions: a cache has the changes that it missed while it was cut off.
func TestInterruptions(t *testing.T) {
	for name, interrupt := range map[string]func(*api){
		"gone, in mid-stream": func(a *api) { a.do(func() { a.gone++ }) },
		"cut":                 func(a *api) { a.do(func() { a.cuts++ }) },
		"cut, and compacted":  func(a *api) { a.do(func() { a.cuts++ }) },
		"cut in an event": func(a *api) {
			a.do(func() { a.raw = line(a, watch.Added, paidOrder(99))[:300]; a.cuts++ })
		},
		"junk": func(a *api) { a.do(func() { a.raw = "<html>not yet</html>\n"; a.cuts++ }) },
		"an order of no kind": func(a *api) {
			a.do(func() { a.raw = `{"type":"ADDED","object":{}}` + "\n"; a.cuts++ })
		},
		"an error without a Status": func(a *api) { a.do(func() { a.raw = `{"type":"ERROR"}` + "\n"; a.cuts++ }) },
	} {
		for way, set := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				a, c, r := running(t, set)
				n := len(r.changes(0))
				// Meanwhile orders are created, changed, deleted, and created again under their old names.
				release := a.hold()
				asked := len(a.queries())
				interrupt(a)
				eventually(t, "the cache tries again", func() bool { return len(a.queries()) > asked })
				again, changed := paidOrder(7), paidOrder(3)
				again.UID, changed.Status.Phase = "another", v1alpha1.OrderRefunded
				a.put(changed)
				a.delete("shop", paidOrder(4).Name)
				a.delete("shop", again.Name)
				a.put(again)
				a.put(paidOrder(11))
				if name == "gone, in mid-stream" || name == "cut, and compacted" {
					a.compact()
				}
				release()
				a.agree(c, r)
				log := r.changes(n)
				for _, change := range []string{"delete shop/" + again.Name, "create shop/" + again.Name, "delete shop/" + paidOrder(4).Name, "update shop/" + changed.Name, "create shop/" + paidOrder(11).Name} {
					if !slices.Contains(log, change) {
						t.Errorf("changes: got %q, want %q among them", log, change)
					}
				}
				if len(log) != 5 {
					t.Errorf("changes: got %q, want none of an order that did not change", log)
				}
				a.put(paidOrder(12))
				a.agree(c, r)
			})
		}
	}
}

// TestIncompleteStream: a stream that ends before it has sent all orders removes none.
func TestIncompleteStream(t *testing.T) {
	a, c, r := running(t, ways["streamed"])
	n := len(r.changes(0))
	release := a.hold()
	asked := len(a.queries())
	a.do(func() {
		for _, o := range a.of("")[:3] {
			a.raw += line(t, watch.Added, o)
		}
		a.gone++
	})
	eventually(t, "the cache tries again", func() bool { return len(a.queries()) > asked })
	a.put(paidOrder(11))
	release()
	a.agree(c, r)
	if log := strings.Join(r.changes(n), ", "); strings.Contains(log, "delete") {
		t.Errorf("changes: got %s, want no deletion", log)
	}
	if last := a.queries(); len(last) < asked+2 {
		t.Errorf("no request asks for the stream again: %q", last[asked:])
	}
}

// TestNamespaces: each namespace has a reflector of its own, which does not touch the orders of the others.
func TestNamespaces(t *testing.T) {
	a := startAPI(t)
	in := func(namespace string, n int) *v1alpha1.Order {
		o := paidOrder(n)
		o.Namespace = namespace
		o.UID = types.UID(namespace + fmt.Sprint(n))
		return o
	}
	for n := range 9 {
		a.put(in([]string{"a", "b", "other"}[n%3], n))
	}
	c, r := a.newCache("a", "b"), newRecorder()
	c.store.subscribe(r)
	start(t, c)
	check := func() {
		t.Helper()
		exist := a.existing()
		maps.DeleteFunc(exist, func(key types.NamespacedName, _ *v1alpha1.Order) bool { return key.Namespace == "other" })
		eventually(t, "the cache has the orders of its namespaces", func() bool { return has(c, exist) && len(r.differences(exist)) == 0 })
	}
	check()
	for round := range 5 {
		a.put(in("a", 20+round))
		a.put(in("other", 20+round))
		a.compact()
		a.do(func() { a.cuts++ })
		a.put(in("b", 20+round))
		gone := in([]string{"a", "b"}[round%2], round%2)
		a.delete(gone.Namespace, gone.Name)
		check()
		gone.UID = types.UID(fmt.Sprint("another-", round))
		a.put(gone)
		check()
	}
}

// TestResync passes all keys to the subscribers again, and no change.
func TestResync(t *testing.T) {
	_, c, r := running(t, ways["streamed"])
	if err := c.sources[metav1.NamespaceAll].Resync(); err != nil {
		t.Fatal(err)
	}
	if log := r.changes(0); r.resyncs != 10 || len(log) > 0 {
		t.Errorf("got %d keys and the changes %q, want 10 and none", r.resyncs, log)
	}
}
