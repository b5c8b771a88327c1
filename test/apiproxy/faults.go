package apiproxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Faults are the faults that a proxy makes. The zero value makes none. They can be changed while the proxy runs.
type Faults struct {
	mu         sync.Mutex
	conflict   Conflict
	watchDelay time.Duration
	attempts   map[string]int

	conflicts, delayed atomic.Int64
}

// Conflict makes writes to the status of orders fail by a conflict.
type Conflict struct {
	// Times is how often each write fails before it succeeds.
	Times int
	// Overtake changes the order before the write, so that the API server finds the conflict. Nil: the proxy answers with a
	// conflict, and the API server does not get the write.
	Overtake func(ctx context.Context, namespace, name string) error
}

// ConflictWrites makes each write to the status of an order fail from now on. The zero Conflict ends that.
func (f *Faults) ConflictWrites(by Conflict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conflict, f.attempts = by, map[string]int{}
}

// DelayWatches delays the events of watches. Their order stays.
func (f *Faults) DelayWatches(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchDelay = by
}

// Conflicts counts the writes that failed so far.
func (f *Faults) Conflicts() int64 { return f.conflicts.Load() }

// Delayed counts the delayed pieces of watches so far.
func (f *Faults) Delayed() int64 { return f.delayed.Load() }

// conflictWith makes a write fail, and reports whether the request is answered.
func (f *Faults) conflictWith(w http.ResponseWriter, r *http.Request) bool {
	namespace, name, ok := statusWrite(r)
	if !ok {
		return false
	}
	f.mu.Lock()
	conflict, key := f.conflict, namespace+"/"+name
	if conflict.Times == 0 {
		f.mu.Unlock()
		return false
	}
	f.attempts[key]++
	through := f.attempts[key] > conflict.Times
	if through {
		delete(f.attempts, key)
	}
	f.mu.Unlock()
	if through {
		return false
	}
	f.conflicts.Add(1)
	if conflict.Overtake == nil {
		refuse(w, http.StatusConflict, metav1.StatusReasonConflict, name, "the object has been modified; please apply your changes to the latest version and try again")
		return true
	}
	if err := conflict.Overtake(r.Context(), namespace, name); err != nil {
		refuse(w, http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, name, err.Error())
		return true
	}
	return false
}

// statusWrite reports whether a request writes the status of an order, and names the order.
func statusWrite(r *http.Request) (namespace, name string, ok bool) {
	if r.Method != http.MethodPatch && r.Method != http.MethodPut {
		return "", "", false
	}
	// /apis/payments.paylink.dev/v1alpha1/namespaces/{namespace}/orders/{name}/status
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) != 8 || parts[1] != "payments.paylink.dev" || parts[5] != "orders" || parts[7] != "status" {
		return "", "", false
	}
	return parts[4], parts[6], true
}

// refuse answers as the API server does.
func refuse(w http.ResponseWriter, code int32, reason metav1.StatusReason, name, message string) {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure,
		Message:  fmt.Sprintf("Operation cannot be fulfilled on orders.payments.paylink.dev %q: %s", name, message),
		Reason:   reason,
		Details:  &metav1.StatusDetails{Name: name, Group: "payments.paylink.dev", Kind: "orders"},
		Code:     code,
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(code))
	_ = json.NewEncoder(w).Encode(status) // fails if the server is gone
}
