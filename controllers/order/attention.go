package order

import (
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// maxNote is the longest note of an Event that the API server takes, in bytes.
const maxNote = 1024

// tell raises an Event for each need that has not been told yet. A controller that starts tells again what still
// holds: Events last an hour, and the one before it may have ended before it could tell.
func (r *Reconciler) tell(order *v1alpha1.Order) {
	current := payment.Needs(order)
	for _, need := range r.told.news(order.UID, current) {
		note := strings.ToValidUTF8(need.Message[:min(len(need.Message), maxNote)], "")
		r.Recorder.Eventf(order, nil, corev1.EventTypeWarning, need.Reason, "Settle", "%s", note)
	}
}

// told remembers what was told, for the orders that need a person now.
type told struct {
	mu    sync.Mutex
	needs map[types.UID][]payment.Attention
}

// news returns what of an order's current needs was not told before, and remembers them all.
func (t *told) news(uid types.UID, current []payment.Attention) []payment.Attention {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.needs[uid]
	if len(current) == 0 {
		delete(t.needs, uid)
		return nil
	}
	if t.needs == nil {
		t.needs = map[types.UID][]payment.Attention{}
	}
	t.needs[uid] = current
	return slices.DeleteFunc(slices.Clone(current), func(need payment.Attention) bool { return slices.Contains(before, need) })
}

func (t *told) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.needs, uid)
}
