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
)

// cacheOf is a filled cache of all namespaces, around a store.
func cacheOf(s *store) *Cache {
	c := &Cache{store: s, sources: map[string]*namespaceStore{"": {}}, filled: make(chan struct{})}
	c.started.Store(true)
	close(c.filled)
	return c
}

// model is a simple store: a map of orders.
type model map[types.NamespacedName]*v1alpha1.Order

// find finds the orders that an index has for a value.
func (m model) find(index, value, namespace string) []string {
	var found []string
	for key, o := range m {
		if namespace != "" && namespace != key.Namespace {
			continue
		}
		if index == "" || slices.Contains(indices[index](o), value) {
			found = append(found, describe(o))
		}
	}
	slices.Sort(found)
	return found
}

// describe names an order and its version.
func describe(o *v1alpha1.Order) string {
	return fmt.Sprintf("%s/%s %s at %s, %s", o.Namespace, o.Name, o.UID, o.ResourceVersion, o.Status.Phase)
}

// simulation applies random changes to a store and to its model.
type simulation struct {
	*testing.T
	*rand.Rand
	store     *store
	cache     *Cache
	model     model
	recorders map[*recorder]func() // with the function that removes each
	removed   map[*recorder]int    // the changes that each removed recorder has
	version   int
}

var (
	namespaces = []string{"a", "b", "c"}
	references = []string{"r0", "r1", "r2", "r3", ""}
	sessions   = []string{"cs_0", "cs_1", "cs_2", "cs_3", "cs_4"}
	intents    = []string{"pi_0", "pi_1", "pi_2", ""}
	phases     = []v1alpha1.OrderPhase{v1alpha1.OrderPending, v1alpha1.OrderPaid, v1alpha1.OrderFailed, v1alpha1.OrderRefunded}
)

func pick[T any](l *simulation, among []T) T { return among[l.Intn(len(among))] }

// order makes a random order. Names, ids and payments are few, so that orders share them.
func (l *simulation) order() *v1alpha1.Order {
	l.version++
	o := &v1alpha1.Order{ObjectMeta: metav1.ObjectMeta{
		Namespace: pick(l, namespaces), Name: fmt.Sprint("o-", l.Intn(6)), UID: types.UID(fmt.Sprint("uid-", l.version)),
	}}
	if known := l.model[client.ObjectKeyFromObject(o)]; known != nil && l.Intn(4) > 0 {
		o.UID = known.UID // otherwise it is another order of the same name
	}
	o.ResourceVersion = fmt.Sprint(l.version)
	o.Spec.OrderID = pick(l, references)
	o.Status.Phase = pick(l, phases)
	for range l.Intn(4) {
		o.Status.Payments = append(o.Status.Payments, v1alpha1.Payment{SessionID: pick(l, sessions), PaymentIntentID: pick(l, intents)})
	}
	return o
}

func (l *simulation) set() {
	o := l.order()
	l.model[client.ObjectKeyFromObject(o)] = o
	l.store.set(l.store.mustEncode(l, o))
}

func (l *simulation) remove() {
	o := l.order() // may not exist
	delete(l.model, client.ObjectKeyFromObject(o))
	l.store.remove(client.ObjectKeyFromObject(o))
}

func (l *simulation) reset() {
	namespace := pick(l, append([]string{""}, namespaces...))
	now := model{}
	for _, o := range l.model {
		if l.Intn(3) > 0 {
			now[client.ObjectKeyFromObject(o)] = o
		}
	}
	for range l.Intn(6) {
		o := l.order()
		now[client.ObjectKeyFromObject(o)] = o
	}
	var list []*encodedOrder
	maps.DeleteFunc(l.model, func(key types.NamespacedName, _ *v1alpha1.Order) bool {
		return namespace == "" || namespace == key.Namespace
	})
	for key, o := range now {
		if namespace == "" || namespace == key.Namespace {
			l.model[key] = o
			list = append(list, l.store.mustEncode(l, o))
		}
	}
	l.store.reset(namespace, list, l.Intn(4) == 0)
}

func (l *simulation) subscribe() {
	if len(l.recorders) < 4 {
		r := newRecorder()
		l.recorders[r] = l.store.subscribe(r)
	}
}

func (l *simulation) unsubscribe() {
	for r, remove := range l.recorders {
		remove()
		delete(l.recorders, r)
		l.removed[r] = len(r.log)
		return
	}
}
