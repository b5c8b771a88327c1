// Package fakeapi is an API server for unit tests, and builders of the objects in it.
//
// The server is controller-runtime's fake client with Paylink's kinds, the indices of a cache, and the selectable fields
// of the CRDs. The builders end in Obj, and start from one sale: an order of 199.00 USD in the namespace shop, at Now.
package fakeapi

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
)

// Now is when the tests' clocks stand still, and when the builders' objects are created.
var Now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Namespaces of the builders' objects.
const (
	// Namespace has the orders and PaymentLinks.
	Namespace = "shop"
	// EventNamespace has the StripeEvents.
	EventNamespace = "paylink-system"
)

// Server is a fake API server.
type Server struct {
	// Direct reads and writes the objects. It injects no failure, and is not counted in Calls.
	Direct client.WithWatch
	// Client is the client of the code under test: failures are injected, and writes are counted.
	Client client.WithWatch

	t     testing.TB
	mu    sync.Mutex
	calls Calls
}

// Calls are the requests that came through Server.Client.
type Calls struct {
	// StatusPatches are the bodies of all status patches, and StatusWrites counts the successful ones.
	StatusPatches []string
	StatusWrites  int
	Creates, Gets int
}

// ServerBuilder builds a Server.
type ServerBuilder struct {
	t        testing.TB
	objects  []client.Object
	indices  []func(context.Context, client.FieldIndexer) error
	failures []interceptor.Funcs
}

// MakeServer starts a server that holds the objects.
func MakeServer(t testing.TB, objects ...client.Object) *ServerBuilder {
	return &ServerBuilder{t: t, objects: objects}
}

// Index adds the indices of a package's Index function. Those of the ledger are always there.
func (b *ServerBuilder) Index(register func(context.Context, client.FieldIndexer) error) *ServerBuilder {
	b.indices = append(b.indices, register)
	return b
}

// Failures injects failures into Server.Client. A later one sees a request first.
func (b *ServerBuilder) Failures(funcs ...interceptor.Funcs) *ServerBuilder {
	b.failures = append(b.failures, funcs...)
	return b
}

// Obj returns the server.
func (b *ServerBuilder) Obj() *Server {
	b.t.Helper()
	builder := Builder(b.t, b.objects...)
	for _, register := range b.indices {
		if err := register(b.t.Context(), Indexer{builder}); err != nil {
			b.t.Fatal(err)
		}
	}
	s := &Server{t: b.t, Direct: builder.Build()}
	s.Client = s.Direct
	for _, failures := range b.failures {
		s.Client = interceptor.NewClient(s.Client, failures)
	}
	s.Client = interceptor.NewClient(s.Client, s.counting())
	return s
}

// counting records requests in Calls.
func (s *Server) counting() interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			s.count(func(calls *Calls) { calls.Creates++ })
			return c.Create(ctx, o, opts...)
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			s.count(func(calls *Calls) { calls.Gets++ })
			return c.Get(ctx, key, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			body, err := p.Data(o)
			if err != nil {
				return err
			}
			s.count(func(calls *Calls) { calls.StatusPatches = append(calls.StatusPatches, string(body)) })
			err = c.SubResource(sub).Patch(ctx, o, p, opts...)
			if err == nil {
				s.count(func(calls *Calls) { calls.StatusWrites++ })
			}
			return err
		},
	}
}

func (s *Server) count(change func(*Calls)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.calls)
}

// Calls returns the requests so far.
func (s *Server) Calls() Calls {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	calls.StatusPatches = append([]string(nil), s.calls.StatusPatches...)
	return calls
}

// Ledger returns a ledger that reads from Direct as its cache, and reads live and writes through Client.
func (s *Server) Ledger(c clock.PassiveClock, registry prometheus.Registerer) *ledger.Ledger {
	return &ledger.Ledger{
		Cache: s.Direct, Live: s.Client, Writer: s.Client, EventNamespace: EventNamespace, Clock: c, Metrics: metrics.NewLedger(registry),
	}
}

// Read fills an object that has its name and namespace set.
func (s *Server) Read(o client.Object) {
	s.t.Helper()
	s.must(s.Direct.Get(s.t.Context(), client.ObjectKeyFromObject(o), o))
}

// Order reads an order of Namespace.
func (s *Server) Order(name string) *v1alpha1.Order {
	s.t.Helper()
	o := MakeOrder(name).Obj()
	s.Read(o)
	return o
}

// Orders reads all orders.
func (s *Server) Orders() []v1alpha1.Order {
	s.t.Helper()
	var list v1alpha1.OrderList
	s.must(s.Direct.List(s.t.Context(), &list))
	return list.Items
}

// StripeEvents reads all StripeEvents.
func (s *Server) StripeEvents() []v1alpha1.StripeEvent {
	s.t.Helper()
	var list v1alpha1.StripeEventList
	s.must(s.Direct.List(s.t.Context(), &list))
	return list.Items
}

// Snapshot is a cache that stays as the server is now.
func (s *Server) Snapshot() client.Reader {
	s.t.Helper()
	var objects []client.Object
	var links v1alpha1.PaymentLinkList
	s.must(s.Direct.List(s.t.Context(), &links))
	for i := range links.Items {
		objects = append(objects, &links.Items[i])
	}
	orders := s.Orders()
	for i := range orders {
		objects = append(objects, &orders[i])
	}
	return Builder(s.t, objects...).Build()
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
