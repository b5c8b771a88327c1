package ordercache

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// step changes the store, or compares it with its model.
func (l *simulation) step() {
	switch n := l.Intn(100); {
	case n < 55:
		l.set()
	case n < 80:
		l.remove()
	case n < 88:
		l.reset()
	case n < 90:
		l.store.resync(pick(l, append([]string{""}, namespaces...)))
	case n < 95:
		l.subscribe()
	case n < 97:
		l.unsubscribe()
	default:
		l.compare()
	}
}

func (l *simulation) compare() {
	for _, key := range append(slices.Collect(maps.Keys(l.model)), types.NamespacedName{Namespace: "a", Name: "none"}) {
		e := l.store.get(key)
		if (e == nil) != (l.model[key] == nil) {
			l.Fatalf("%s exists: got %t", key, e != nil)
		}
		if e != nil {
			if o, err := e.decode(); err != nil || !same(o, decoded(l.model[key])) {
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
	if one, many := l.hashes(); one != len(l.store.one) || many != len(l.store.many) {
		l.Fatalf("hashes of one order and of many: got %d and %d, want %d and %d", len(l.store.one), len(l.store.many), one, many)
	}
	counts := map[State]int{}
	for _, o := range l.model {
		counts[phaseState(o)]++
	}
	if got, ok := l.cache.Counts(); !ok || !maps.Equal(got, counts) {
		l.Fatalf("counts: got %v, %t, want %v", got, ok, counts)
	}
	for r := range l.recorders {
		r.check(l, l.model)
	}
}

// phaseState is the state by which the test counts orders. Some states take two bytes.
func phaseState(o *v1alpha1.Order) State { return State(100 * slices.Index(phases, o.Status.Phase)) } //nolint:gosec // there are four

// hashes counts the index values of one order, and those of several.
func (l *simulation) hashes() (one, many int) {
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

// found compares a list, and a list of names, with the model.
func (l *simulation) found(index, value, namespace string) {
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
		got = append(got, describe(&list.Items[i]))
	}
	slices.Sort(got)
	if want := l.model.find(index, value, namespace); !slices.Equal(got, want) || len(names.Items) != len(want) {
		l.Fatalf("%s=%s in %q: got\n%q and %d names, want\n%q", index, value, namespace, got, len(names.Items), want)
	}
}

func namesOf() *metav1.PartialObjectMetadataList {
	names := &metav1.PartialObjectMetadataList{}
	names.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OrderList"))
	return names
}

// TestStoreAgainstModel applies random changes. The store, its indices, its counts and its subscribers agree with the model.
func TestStoreAgainstModel(t *testing.T) {
	for seed := range 20 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := indexed(t, newStore())
			s.state = phaseState
			l := &simulation{
				T: t, Rand: rand.New(rand.NewSource(int64(seed))), store: s, cache: cacheOf(s), model: model{},
				recorders: map[*recorder]func(){}, removed: map[*recorder]int{},
			}
			for range 500 {
				l.step()
			}
			l.compare()
			for r, n := range l.removed {
				if later := r.changes(n); len(later) > 0 || len(r.problems) > 0 {
					t.Errorf("a removed subscriber received %q, and found %q", later, r.problems)
				}
			}
		})
	}
}

// TestHashCollision: a list finds the order of a value among orders of the same hash.
func TestHashCollision(t *testing.T) {
	s := indexed(t, newStore())
	asked, other := paidOrder(1), paidOrder(2)
	hash := s.hash(ledger.IndexReference, ledger.ByReference(asked)[0])
	var added []*encodedOrder
	for _, o := range []*v1alpha1.Order{asked, other, paidOrder(3)} {
		e, err := encode(o, o.Namespace, 0, []uint64{hash, hash, 7})
		if err != nil {
			t.Fatal(err)
		}
		s.set(e)
		added = append(added, e)
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
		t.Errorf("of three orders of one hash: got %s, want %s", found, asked.Name)
	}
	s.remove(added[1].key())
	s.remove(added[2].key())
	if found := find(); found != asked.Name {
		t.Errorf("without the others: got %s, want %s", found, asked.Name)
	}
	s.remove(added[0].key())
	if found := find(); found != "0" || len(s.one)+len(s.many) != 0 {
		t.Errorf("without any order: got %s orders and %d hashes, want none", found, len(s.one)+len(s.many))
	}
}
