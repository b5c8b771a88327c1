package ordercache

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
)

// resource is the name of orders at the API server.
const resource = "orders"

// orderClient lists and watches the orders of a namespace, or of all namespaces (""). It encodes each order as soon as it
// is read, so no more than one order is in memory as a whole.
type orderClient struct {
	api       rest.Interface
	namespace string
	store     *store
}

func (c *orderClient) listerWatcher() toolscache.ListerWatcher {
	return &toolscache.ListWatch{ListWithContextFunc: c.list, WatchFuncWithContext: c.watch}
}

// request returns a request for JSON, the only encoding that the decoders read.
func (c *orderClient) request(options *metav1.ListOptions) *rest.Request {
	return c.api.Get().NamespaceIfScoped(c.namespace, c.namespace != "").Resource(resource).
		VersionedParams(options, metav1.ParameterCodec).SetHeader("Accept", runtime.ContentTypeJSON)
}

func (c *orderClient) list(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	body, err := c.request(&options).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return decodeList(body, c.store)
}

func (c *orderClient) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	// API servers compress a watch since 1.37. Compression takes both sides longer than all other work on an event.
	body, err := c.request(&options).SetHeader("Accept-Encoding", "identity").Stream(ctx)
	if err != nil {
		return nil, err
	}
	reporter := apierrors.NewClientErrorReporter(http.StatusInternalServerError, http.MethodGet, "ClientWatchDecoding")
	return watch.NewStreamWatcher(newWatchDecoder(body, c.store), reporter), nil
}

// reflectorStore is the part of a store that one reflector fills: the orders of a namespace, or of all namespaces ("").
type reflectorStore struct {
	store     *store
	namespace string
	filled    chan struct{} // closed when the store has all orders of the first list
}

// Add adds an order to the store.
func (r *reflectorStore) Add(o any) error {
	e, err := asEncoded(o)
	if err == nil {
		r.store.set(e)
	}
	return err
}

// Update replaces an order in the store.
func (r *reflectorStore) Update(o any) error { return r.Add(o) }

// Delete removes an order from the store.
func (r *reflectorStore) Delete(o any) error {
	e, err := asEncoded(o)
	if err == nil {
		r.store.remove(e.key())
	}
	return err
}

// Replace replaces all orders of the namespace.
func (r *reflectorStore) Replace(list []any, _ string) error {
	orders := make([]*encodedOrder, len(list))
	for i, o := range list {
		var err error
		if orders[i], err = asEncoded(o); err != nil {
			return err
		}
	}
	select {
	case <-r.filled:
		r.store.reset(r.namespace, orders, false)
	default:
		r.store.reset(r.namespace, orders, true)
		close(r.filled)
	}
	return nil
}

// Resync passes the keys of all orders to the subscribers, which repairs the loss of a change.
func (r *reflectorStore) Resync() error {
	r.store.resync(r.namespace)
	return nil
}

func asEncoded(o any) (*encodedOrder, error) {
	e, ok := o.(*encodedOrder)
	if !ok {
		return nil, fmt.Errorf("%T is not an order", o)
	}
	return e, nil
}
