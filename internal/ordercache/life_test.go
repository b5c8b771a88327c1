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

// cacheOf is a filled cache of all namespaces, around a shelf.
func cacheOf(s *shelf) *Cache {
	c := &Cache{shelf: s, feeds: map[string]*feed{"": {}}, filled: make(chan struct{})}
	close(c.filled)
	return c
}

// model is what a shelf is to be: the orders, and nothing else.
type model map[types.NamespacedName]*v1alpha1.Order

// by finds orders as an index does, by looking at each.
func (m model) by(index, value, namespace string) []string {
	var found []string
	for key, o := range m {
		if namespace != "" && namespace != key.Namespace {
			continue
		}
		if index == "" || slices.Contains(indices[index](o), value) {
			found = append(found, said(o))
		}
	}
	slices.Sort(found)
	return found
}

// said tells orders apart, and one from what it was before.
func said(o *v1alpha1.Order) string {
	return fmt.Sprintf("%s/%s %s at %s, %s", o.Namespace, o.Name, o.UID, o.ResourceVersion, o.Status.Phase)
}

// life is a random one of a shelf.
type life struct {
	*testing.T
	*rand.Rand
	shelf   *shelf
	cache   *Cache
	model   model
	ears    map[*ear]*registration
	left    []*ear
	version int
}

var (
	namespaces = []string{"a", "b", "c"}
	references = []string{"r0", "r1", "r2", "r3", ""}
	sessions   = []string{"cs_0", "cs_1", "cs_2", "cs_3", "cs_4"}
	intents    = []string{"pi_0", "pi_1", "pi_2", ""}
	phases     = []v1alpha1.OrderPhase{v1alpha1.OrderPending, v1alpha1.OrderPaid, v1alpha1.OrderFailed, v1alpha1.OrderRefunded}
)

func pick[T any](l *life, among []T) T { return among[l.Intn(len(among))] }

// order makes one of few names, ids and payments, so that many share them.
func (l *life) order() *v1alpha1.Order {
	l.version++
	o := &v1alpha1.Order{ObjectMeta: metav1.ObjectMeta{
		Namespace: pick(l, namespaces), Name: fmt.Sprint("o-", l.Intn(6)), UID: types.UID(fmt.Sprint("uid-", l.version)),
	}}
	if known := l.model[client.ObjectKeyFromObject(o)]; known != nil && l.Intn(4) > 0 {
		o.UID = known.UID // and not another one of the same name
	}
	o.ResourceVersion = fmt.Sprint(l.version)
	o.Spec.OrderID = pick(l, references)
	o.Status.Phase = pick(l, phases)
	for range l.Intn(4) {
		o.Status.Payments = append(o.Status.Payments, v1alpha1.Payment{SessionID: pick(l, sessions), PaymentIntentID: pick(l, intents)})
	}
	return o
}

func (l *life) pack(o *v1alpha1.Order) *packed {
	p, err := l.shelf.pack(o)
	if err != nil {
		l.Fatal(err)
	}
	return p
}

func (l *life) set() {
	o := l.order()
	l.model[client.ObjectKeyFromObject(o)] = o
	l.shelf.set(l.pack(o))
}

func (l *life) remove() {
	o := l.order() // which may not be there
	delete(l.model, client.ObjectKeyFromObject(o))
	l.shelf.remove(l.pack(o))
}

func (l *life) reset() {
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
	var list []*packed
	maps.DeleteFunc(l.model, func(key types.NamespacedName, _ *v1alpha1.Order) bool {
		return namespace == "" || namespace == key.Namespace
	})
	for key, o := range now {
		if namespace == "" || namespace == key.Namespace {
			l.model[key] = o
			list = append(list, l.pack(o))
		}
	}
	l.shelf.reset(namespace, list)
}

func (l *life) join() {
	if len(l.ears) < 4 {
		e := newEar()
		l.ears[e] = l.shelf.join(e)
	}
}

func (l *life) leave() {
	for e, r := range l.ears {
		l.shelf.audience.leave(r)
		delete(l.ears, e)
		l.left = append(l.left, e)
		return
	}
}
