package ordercache

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// resource is the orders' at the API server.
const resource = "orders"

// source lists and watches the orders of a namespace, or of all (""), and packs each as it comes: what is read has
// nothing of what the shelf does not keep, and no more than one order is ever there whole.
type source struct {
	api       rest.Interface
	namespace string
	shelf     *shelf
}

func (s *source) listerWatcher() toolscache.ListerWatcher {
	return &toolscache.ListWatch{ListWithContextFunc: s.list, WatchFuncWithContext: s.watch}
}

func (s *source) request(options *metav1.ListOptions) *rest.Request {
	return s.api.Get().NamespaceIfScoped(s.namespace, s.namespace != "").Resource(resource).VersionedParams(options, metav1.ParameterCodec)
}

func (s *source) list(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	var found v1alpha1.OrderList
	if err := s.request(&options).Do(ctx).Into(&found); err != nil {
		return nil, err
	}
	list := &packedList{ListMeta: found.ListMeta, Items: make([]*packed, len(found.Items))}
	for i := range found.Items {
		var err error
		if list.Items[i], err = s.shelf.pack(&found.Items[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *source) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	// The decoder reads JSON, whatever else this process prefers. Servers older than 1.37 compress no watch: it would take both
	// sides longer to deflate an event than all else that is done with it here.
	body, err := s.request(&options).SetHeader("Accept", runtime.ContentTypeJSON).SetHeader("Accept-Encoding", "identity").Stream(ctx)
	if err != nil {
		return nil, err
	}
	return watch.NewStreamWatcher(&decoder{body: body, lines: bufio.NewReaderSize(body, 64<<10), shelf: s.shelf},
		apierrors.NewClientErrorReporter(http.StatusInternalServerError, http.MethodGet, "ClientWatchDecoding")), nil
}

// decoder reads a watch of orders: events as JSON, one a line. client-go's own reads each event six times over, and
// managedFields, which is nearly half of an order, into values that are thrown away.
type decoder struct {
	body  io.ReadCloser
	lines *bufio.Reader
	line  []byte
	shelf *shelf
}

// frame is an event of a watch.
type frame struct {
	Type   watch.EventType `json:"type"`
	Object lean            `json:"object"`
}

// lean reads an order without its managedFields.
type lean struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        leanMeta             `json:"metadata"`
	Spec            v1alpha1.OrderSpec   `json:"spec"`
	Status          v1alpha1.OrderStatus `json:"status"`
}

type leanMeta struct {
	metav1.ObjectMeta `json:",inline"`
	ManagedFields     unread `json:"managedFields"` // in the place of ObjectMeta's
}

type unread struct{}

// UnmarshalJSON reads nothing.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// Decode waits for the next event.
func (d *decoder) Decode() (watch.EventType, runtime.Object, error) {
	line, err := d.next()
	if err != nil {
		return "", nil, err
	}
	var event frame
	if err := json.Unmarshal(line, &event); err != nil {
		if status := failure(line); status != nil {
			return watch.Error, status, nil
		}
		return "", nil, fmt.Errorf("read a watch of orders: %w", err)
	}
	read := &v1alpha1.Order{TypeMeta: event.Object.TypeMeta, ObjectMeta: event.Object.Metadata.ObjectMeta, Spec: event.Object.Spec, Status: event.Object.Status}
	switch event.Type {
	case watch.Added, watch.Modified, watch.Deleted:
		if read.GroupVersionKind() != kind || read.Name == "" {
			return "", nil, fmt.Errorf("read a watch of orders: an event about %s %q, which is no order", read.GroupVersionKind(), read.Name)
		}
		p, err := d.shelf.pack(read)
		return event.Type, p, err
	case watch.Bookmark:
		return event.Type, bookmark(read), nil
	case watch.Error:
		if status := failure(line); status != nil {
			return watch.Error, status, nil
		}
	}
	return "", nil, fmt.Errorf("read a watch of orders: an event of the unknown type %q", event.Type)
}

// failure reads an event that carries a Status instead of an order, or returns nil.
func failure(line []byte) *metav1.Status {
	var event struct {
		Type   watch.EventType `json:"type"`
		Object metav1.Status   `json:"object"`
	}
	if json.Unmarshal(line, &event) != nil || event.Type != watch.Error {
		return nil
	}
	return &event.Object
}

// next reads a line of any length. It is good until the next one.
func (d *decoder) next() ([]byte, error) {
	for {
		d.line = d.line[:0]
		for {
			part, err := d.lines.ReadSlice('\n')
			d.line = append(d.line, part...)
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				if errors.Is(err, io.EOF) && len(bytes.TrimSpace(d.line)) > 0 {
					return nil, io.ErrUnexpectedEOF
				}
				return nil, err
			}
		}
		if line := bytes.TrimSpace(d.line); len(line) > 0 {
			return line, nil
		}
	}
}

// Close ends the watch.
func (d *decoder) Close() { _ = d.body.Close() }

// feed puts what a reflector reads of one namespace, or of all (""), on the shelf.
type feed struct {
	shelf     *shelf
	namespace string
	filled    chan struct{} // closed when all orders that there were are on the shelf
}

// Add puts an order on the shelf.
func (f *feed) Add(o any) error {
	p, ok := o.(*packed)
	if !ok {
		return fmt.Errorf("a %T is no order", o)
	}
	f.shelf.set(p)
	return nil
}

// Update puts an order in the place of what it was before.
func (f *feed) Update(o any) error { return f.Add(o) }

// Delete takes an order off the shelf.
func (f *feed) Delete(o any) error {
	p, ok := o.(*packed)
	if !ok {
		return fmt.Errorf("a %T is no order", o)
	}
	f.shelf.remove(p)
	return nil
}

// Replace puts all orders of the namespace on the shelf.
func (f *feed) Replace(list []any, _ string) error {
	now := make([]*packed, len(list))
	for i, o := range list {
		p, ok := o.(*packed)
		if !ok {
			return fmt.Errorf("a %T is no order", o)
		}
		now[i] = p
	}
	f.shelf.reset(f.namespace, now)
	select {
	case <-f.filled:
	default:
		close(f.filled)
	}
	return nil
}

// Resync tells the handlers of all orders again, so that nothing that was missed is missed for ever.
func (f *feed) Resync() error {
	f.shelf.again(f.namespace)
	return nil
}
