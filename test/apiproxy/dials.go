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

// Dials say what a proxy does to its server. The zero value does nothing; they may be turned while the proxy runs.
type Dials struct {
	mu         sync.Mutex
	obstacle   Obstacle
	watchDelay time.Duration
	attempts   map[string]int

	conflicts, delayed atomic.Int64
}

// Obstacle stands in the way of writes to orders' status.
type Obstacle struct {
	// Times is how many attempts at each write meet the obstacle before one gets through.
	Times int
	// Overtake changes the order before the write arrives, so that the API server itself finds the conflict. Nil: the proxy
	// answers with a conflict, and the write does not arrive at all.
	Overtake func(ctx context.Context, namespace, name string) error
}

// ObstructWrites has every write to an order's status meet an obstacle from now on; the zero Obstacle ends that.
func (d *Dials) ObstructWrites(by Obstacle) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.obstacle, d.attempts = by, map[string]int{}
}

// DelayWatches holds back, by so much, whatever watches are told. What they are told stays in order.
func (d *Dials) DelayWatches(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchDelay = by
}

// Conflicts counts the writes that met an obstacle so far.
func (d *Dials) Conflicts() int64 { return d.conflicts.Load() }

// Delayed counts the pieces of news that were held back so far.
func (d *Dials) Delayed() int64 { return d.delayed.Load() }

// obstruct puts the obstacle in the way of a request, and reports whether that answered it.
func (d *Dials) obstruct(w http.ResponseWriter, r *http.Request) bool {
	namespace, name, ok := statusWrite(r)
	if !ok {
		return false
	}
	d.mu.Lock()
	obstacle, key := d.obstacle, namespace+"/"+name
	if obstacle.Times == 0 {
		d.mu.Unlock()
		return false
	}
	d.attempts[key]++
	through := d.attempts[key] > obstacle.Times
	if through {
		delete(d.attempts, key)
	}
	d.mu.Unlock()
	if through {
		return false
	}
	d.conflicts.Add(1)
	if obstacle.Overtake == nil {
		refuse(w, http.StatusConflict, metav1.StatusReasonConflict, name, "the object has been modified; please apply your changes to the latest version and try again")
		return true
	}
	if err := obstacle.Overtake(r.Context(), namespace, name); err != nil {
		refuse(w, http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, name, err.Error())
		return true
	}
	return false
}

// statusWrite tells whether a request writes an order's status, and of which order.
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
	_ = json.NewEncoder(w).Encode(status) // a server that went away needs no answer
}
