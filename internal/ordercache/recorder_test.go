package ordercache

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// recorder is a subscriber that knows the orders by changes alone, and notes changes that are impossible.
type recorder struct {
	mu sync.Mutex
	// orders are the known orders; nil: only the key is known, as at the start of the subscription.
	orders   map[types.NamespacedName]*v1alpha1.Order
	problems []string
	initial  int      // orders of the first list
	log      []string // the other changes
	resyncs  int      // keys listed again
}

func newRecorder() *recorder { return &recorder{orders: map[types.NamespacedName]*v1alpha1.Order{}} }

func (r *recorder) problem(format string, values ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, values...))
}

func (r *recorder) changed(c *change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, change := range c.orders() {
		key := client.ObjectKeyFromObject(change.Order())
		known, is := r.orders[key]
		switch {
		case change.Old == nil && is:
			r.problem("%s is created though it exists", key)
		case change.Old != nil && !is:
			r.problem("%s is changed though it does not exist", key)
		case change.Old != nil && known != nil && !same(known, change.Old):
			r.problem("%s is changed from an unknown state", key)
		case change.Old != nil && change.New != nil && change.Old.UID != change.New.UID:
			r.problem("%s is changed into another order", key)
		}
		how := "update"
		switch {
		case change.New == nil:
			how = "delete"
		case change.Old == nil:
			how = "create"
		}
		if c.initial {
			r.initial++
		} else {
			r.log = append(r.log, how+" "+key.String())
		}
		r.orders[key] = change.New
		if change.New == nil {
			delete(r.orders, key)
		}
	}
}

func (r *recorder) listed(orders []*encodedOrder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range orders {
		if _, is := r.orders[e.key()]; is {
			r.resyncs++
		} else {
			r.orders[e.key()] = nil
		}
	}
}

// differences compares the recorder with the orders that exist.
func (r *recorder) differences(exist map[types.NamespacedName]*v1alpha1.Order) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.problems)
	for key, o := range exist {
		if known, is := r.orders[key]; !is || known != nil && !same(known, decoded(o)) && !same(known, kept(o)) {
			all = append(all, fmt.Sprintf("%s is known as %+v, not as %+v", key, known, o))
		}
	}
	if len(r.orders) != len(exist) {
		all = append(all, fmt.Sprintf("%d orders are known, and %d exist", len(r.orders), len(exist)))
	}
	return all
}

func (r *recorder) check(t testing.TB, exist map[types.NamespacedName]*v1alpha1.Order) {
	t.Helper()
	for _, difference := range r.differences(exist) {
		t.Error(difference)
	}
}

// changes returns the changes after the first n.
func (r *recorder) changes(n int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log[n:])
}
