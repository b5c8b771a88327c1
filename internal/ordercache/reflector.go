package ordercache

import (
	"context"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// resource is the name of orders at the API server.
const resource = "orders"

// namespaceStore is the part of a store that one reflector fills: the orders of a namespace, or of all namespaces (""). It
// encodes each order as soon as it is read, so no more than one order is in memory as a whole.
type namespaceStore struct {
	api       rest.Interface
	namespace string
	store     *store
	onFilled  func() // called after the first list
	isFilled  bool
}

// request returns a request for JSON, the only encoding that the decoders read.
func (s *namespaceStore) request(options *metav1.ListOptions) *rest.Request {
	return s.api.Get().NamespaceIfScoped(s.namespace, s.namespace != "").Resource(resource).
		VersionedParams(options, metav1.ParameterCodec).SetHeader("Accept", runtime.ContentTypeJSON)
}

func (s *namespaceStore) list(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	body, err := s.request(&options).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return decodeList(body, s.store)
}

func (s *namespaceStore) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	// API servers compress a watch since 1.37. Compression takes both sides longer than all other work on an event.
	body, err := s.request(&options).SetHeader("Accept-Encoding", "identity").Stream(ctx)
	if err != nil {
		return nil, err
	}
	reporter := apierrors.NewClientErrorReporter(http.StatusInternalServerError, http.MethodGet, "ClientWatchDecoding")
	return watch.NewStreamWatcher(newWatchDecoder(body, s.store), reporter), nil
}

// Add adds an order to the store. A reflector passes nothing else than the type that it was made for.
func (s *namespaceStore) Add(o any) error {
	s.store.set(o.(*encodedOrder))
	return nil
}

// Update replaces an order in the store.
func (s *namespaceStore) Update(o any) error { return s.Add(o) }

// Delete removes an order from the store.
func (s *namespaceStore) Delete(o any) error {
	s.store.remove(o.(*encodedOrder).key())
	return nil
}

// Replace replaces all orders of the namespace.
func (s *namespaceStore) Replace(list []any, _ string) error {
	orders := make([]*encodedOrder, len(list))
	for i, o := range list {
		orders[i] = o.(*encodedOrder)
	}
	s.store.reset(s.namespace, orders, !s.isFilled)
	if !s.isFilled {
		s.isFilled = true
		s.onFilled()
	}
	return nil
}

// Resync passes all orders to the subscribers, which repairs the loss of a change.
func (s *namespaceStore) Resync() error {
	s.store.resync(s.namespace)
	return nil
}
