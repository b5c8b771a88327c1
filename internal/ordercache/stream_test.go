package ordercache

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// TestACacheIsFilledAndFollows, in each way.
func TestACacheIsFilledAndFollows(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			a, c, e := running(t, way)
			if e.initial != 10 {
				t.Errorf("%d of 10 orders were told as having been there", e.initial)
			}
			asked := a.queries()
			for _, parameter := range map[string][]string{
				"streamed": {"sendInitialEvents=true", "resourceVersionMatch=NotOlderThan", "allowWatchBookmarks=true", "timeoutSeconds="},
				"listed":   {"limit=500"},
				"in pages": {"limit=500", "continue="},
			}[name] {
				if !strings.Contains(strings.Join(asked, " "), parameter) {
					t.Errorf("nobody asked for %s: %q", parameter, asked)
				}
			}
			changed := paidOrder(3)
			changed.Status.Phase = v1alpha1.OrderRefunded
			a.put(changed)
			a.delete("shop", paidOrder(4).Name)
			a.put(paidOrder(11))
			a.agree(c, e)
			told := e.log()[10:]
			if want := []string{"update shop/" + changed.Name, "delete shop/" + paidOrder(4).Name, "add shop/" + paidOrder(11).Name}; strings.Join(told, ", ") != strings.Join(want, ", ") {
				t.Errorf("told %q, want %q", told, want)
			}
			if e.initial != 10 {
				t.Error("a new order was told as having been there")
			}
		})
	}
}

// TestACacheComesToKnowWhatItMissed: after whatever cut it off.
func TestACacheComesToKnowWhatItMissed(t *testing.T) {
	for name, trouble := range map[string]func(*api){
		"gone, in mid-stream": func(a *api) { a.do(func() { a.gone++ }) },
		"cut":                 func(a *api) { a.do(func() { a.cuts++ }) },
		"cut, and forgotten":  func(a *api) { a.do(func() { a.cuts++ }) },
		"cut in an event": func(a *api) {
			a.do(func() { a.raw = line(a, watch.Added, paidOrder(99))[:300]; a.cuts++ })
		},
		"junk": func(a *api) { a.do(func() { a.raw = "<html>not yet</html>\n"; a.cuts++ }) },
		"an order of no kind": func(a *api) {
			a.do(func() { a.raw = `{"type":"ADDED","object":{}}` + "\n"; a.cuts++ })
		},
		"an error of no words": func(a *api) { a.do(func() { a.raw = `{"type":"ERROR"}` + "\n"; a.cuts++ }) },
	} {
		for way, set := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				a, c, e := running(t, set)
				n := len(e.log())
				// While nobody is let in, orders come, change, go, and go and come again under their old names.
				release := a.hold()
				asked := len(a.queries())
				trouble(a)
				eventually(t, "the cache asks again", func() bool { return len(a.queries()) > asked })
				again, changed := paidOrder(7), paidOrder(3)
				again.UID, changed.Status.Phase = "another", v1alpha1.OrderRefunded
				a.put(changed)
				a.delete("shop", paidOrder(4).Name)
				a.delete("shop", again.Name)
				a.put(again)
				a.put(paidOrder(11))
				missed := name == "gone, in mid-stream" || name == "cut, and forgotten"
				if missed {
					a.forget()
				}
				release()
				a.agree(c, e)
				told := strings.Join(e.log()[n:], ", ")
				if is := strings.Contains(told, "miss shop/"+again.Name) && strings.Contains(told, "miss shop/"+paidOrder(4).Name); missed && !is {
					t.Errorf("what was missed was told as %s", told)
				}
				a.put(paidOrder(12)) // and it goes on
				a.agree(c, e)
			})
		}
	}
}

// TestHalfOfWhatThereIsIsNotAll: a stream that ends before it has said all takes nothing off the shelf.
func TestHalfOfWhatThereIsIsNotAll(t *testing.T) {
	a, c, e := running(t, ways["streamed"])
	n := len(e.log())
	release := a.hold()
	asked := len(a.queries())
	a.do(func() {
		for _, o := range a.of("")[:3] {
			a.raw += line(t, watch.Added, o)
		}
		a.gone++
	})
	eventually(t, "the cache asks again", func() bool { return len(a.queries()) > asked })
	a.put(paidOrder(11))
	release()
	a.agree(c, e)
	if told := strings.Join(e.log()[n:], ", "); strings.Contains(told, "miss") || strings.Contains(told, "delete") {
		t.Errorf("told %s", told)
	}
	if last := a.queries(); len(last) < asked+2 {
		t.Errorf("the stream was not asked for again: %q", last[asked:])
	}
}

// TestNamespacesAreFollowedApart: what happens to one feed is nothing to the others' orders.
func TestNamespacesAreFollowedApart(t *testing.T) {
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
	c, e := a.newCache("a", "b"), newEar()
	listen(t, c, e)
	start(t, c)
	check := func() {
		t.Helper()
		there := a.there()
		for key := range there {
			if key.Namespace == "other" {
				delete(there, key)
			}
		}
		eventually(t, "the cache is what the API server has", func() bool {
			for key, o := range there {
				if p := c.shelf.get(key); p == nil || p.GetResourceVersion() != o.ResourceVersion {
					return false
				}
			}
			return len(c.shelf.all("")) == len(there)
		})
		last := newEar()
		closed(t, "a handler knows all", listen(t, c, last).HasSyncedChecker().Done())
		e.check(t, there)
	}
	check()
	for round := range 5 {
		a.put(in("a", 20+round))
		a.put(in("other", 20+round))
		a.forget()
		a.do(func() { a.cuts++ })
		a.put(in("b", 20+round))
		away := in([]string{"a", "b"}[round%2], round%2)
		a.delete(away.Namespace, away.Name)
		check()
		away.UID = types.UID(fmt.Sprint("another-", round))
		a.put(away)
		check()
	}
}

// TestResync tells the handlers of every order as if it had changed.
func TestResync(t *testing.T) {
	a, c, e := running(t, ways["streamed"])
	n := len(e.log())
	if err := c.feeds[metav1.NamespaceAll].Resync(); err != nil {
		t.Fatal(err)
	}
	a.agree(c, e)
	told := e.log()[n:]
	if len(told) != 10 || strings.Count(strings.Join(told, " "), "update") != 10 {
		t.Errorf("told %q", told)
	}
}
