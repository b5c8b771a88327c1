package ordercache

import (
	"context"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// step does something, and then compares something.
func (l *life) step() {
	switch n := l.Intn(100); {
	case n < 55:
		l.set()
	case n < 80:
		l.remove()
	case n < 88:
		l.reset()
	case n < 90:
		l.shelf.again(pick(l, append([]string{""}, namespaces...)))
	case n < 95:
		l.join()
	case n < 97:
		l.leave()
	default:
		l.compare()
	}
}

func (l *life) compare() {
	for _, key := range append(slices.Collect(maps.Keys(l.model)), types.NamespacedName{Namespace: "a", Name: "none"}) {
		p := l.shelf.get(key)
		if (p == nil) != (l.model[key] == nil) {
			l.Fatalf("%s is there: %t", key, p != nil)
		}
		if p != nil {
			if o, err := p.unpack(); err != nil || !same(o, kept(l.model[key])) {
				l.Fatalf("%s: %v: %+v", key, err, o)
			}
		}
	}
	for _, namespace := range append([]string{""}, namespaces...) {
		l.found("", "", namespace)
		for index, values := range map[string][]string{
			ledger.IndexReference: append(references, "uid-3"), ledger.IndexSession: append(sessions, "none"), ledger.IndexPaymentIntent: intents,
		} {
			for _, value := range values {
				l.found(index, value, namespace)
			}
		}
	}
	if one, many := l.keys(); one != len(l.shelf.one) || many != len(l.shelf.many) {
		l.Fatalf("the shelf has %d keys of one order and %d of many, of %d and %d", len(l.shelf.one), len(l.shelf.many), one, many)
	}
}

// keys counts the keys of one order, and those of several.
func (l *life) keys() (one, many int) {
	of := map[string]map[types.NamespacedName]bool{}
	for name, values := range indices {
		for key, o := range l.model {
			for _, value := range values(o) {
				if of[name+value] == nil {
					of[name+value] = map[types.NamespacedName]bool{}
				}
				of[name+value][key] = true
			}
		}
	}
	for _, orders := range of {
		if len(orders) == 1 {
			one++
		} else {
			many++
		}
	}
	return one, many
}

// found compares a list with the model's: as it is, and as names.
func (l *life) found(index, value, namespace string) {
	options := []client.ListOption{client.InNamespace(namespace)}
	if index != "" {
		options = append(options, client.MatchingFields{index: value})
	}
	var list v1alpha1.OrderList
	names := namesOf()
	if err := l.cache.List(l.Context(), &list, options...); err != nil {
		l.Fatal(err)
	}
	if err := l.cache.List(l.Context(), names, options...); err != nil {
		l.Fatal(err)
	}
	var got []string
	for i := range list.Items {
		got = append(got, said(&list.Items[i]))
	}
	slices.Sort(got)
	if want := l.model.by(index, value, namespace); !slices.Equal(got, want) || len(names.Items) != len(want) {
		l.Fatalf("%s=%s in %q:\n%q, and %d names, but there are\n%q", index, value, namespace, got, len(names.Items), want)
	}
}

func namesOf() *metav1.PartialObjectMetadataList {
	names := &metav1.PartialObjectMetadataList{}
	names.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OrderList"))
	return names
}

// TestAShelfIsWhatItsModelIs, whatever happens to it, and every handler knows the same.
func TestAShelfIsWhatItsModelIs(t *testing.T) {
	for seed := range 20 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := indexed(t, newShelf())
			l := &life{T: t, Rand: rand.New(rand.NewSource(int64(seed))), shelf: s, cache: cacheOf(s), model: model{}, ears: map[*ear]*registration{}}
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			defer running.Wait()
			defer cancel()
			start := l.Intn(200)
			for n := range 500 {
				if n == start {
					running.Go(func() { s.audience.run(ctx) })
					s.audience.allThere()
				}
				l.step()
			}
			l.compare()
			last := newEar() // when it knows all, the others do
			closed(t, "the last handler knows all", s.join(last).Done())
			last.check(t, l.model)
			for e := range l.ears {
				e.check(t, l.model)
			}
			for _, e := range l.left { // they know what was, and nothing impossible
				e.check(t, e.orders)
			}
		})
	}
}

// TestAnIndexIsNoBetterThanItsHash: two values of one hash are two values.
func TestAnIndexIsNoBetterThanItsHash(t *testing.T) {
	s := indexed(t, newShelf())
	asked, other := paidOrder(1), paidOrder(2)
	key := s.hash(ledger.IndexReference, ledger.ByReference(asked)[0])
	var there []*packed
	for _, o := range []*v1alpha1.Order{asked, other, paidOrder(3)} {
		p, err := pack(o, o.Namespace, []uint64{key, key, 7})
		if err != nil {
			t.Fatal(err)
		}
		s.set(p)
		there = append(there, p)
	}
	find := func() string {
		var list v1alpha1.OrderList
		if err := cacheOf(s).List(t.Context(), &list, client.MatchingFields{ledger.IndexReference: ledger.ByReference(asked)[0]}); err != nil {
			t.Fatal(err)
		}
		if len(list.Items) == 1 {
			return list.Items[0].Name
		}
		return fmt.Sprint(len(list.Items))
	}
	if found := find(); found != asked.Name {
		t.Errorf("found %s of three of one hash", found)
	}
	s.remove(there[1])
	s.remove(there[2])
	if found := find(); found != asked.Name {
		t.Errorf("found %s when the others were gone", found)
	}
	s.remove(there[0])
	if found := find(); found != "0" || len(s.one)+len(s.many) != 0 {
		t.Errorf("found %s, and %d keys are left", found, len(s.one)+len(s.many))
	}
}
