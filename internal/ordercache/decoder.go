package ordercache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// partialOrder reads an order without the metadata that is large and that no server uses.
type partialOrder struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        partialMetadata      `json:"metadata"`
	Spec            v1alpha1.OrderSpec   `json:"spec"`
	Status          v1alpha1.OrderStatus `json:"status"`
}

// partialMetadata reads annotations because a bookmark has one.
type partialMetadata struct {
	metav1.ObjectMeta `json:",inline"`
	ManagedFields     ignored `json:"managedFields"`
	OwnerReferences   ignored `json:"ownerReferences"`
	Finalizers        ignored `json:"finalizers"`
}

// ignored takes the place of a field that is not read.
type ignored struct{}

// UnmarshalJSON reads nothing.
func (*ignored) UnmarshalJSON([]byte) error { return nil }

// order returns the order as the store keeps it, without the metadata that no server uses.
func (p *partialOrder) order() *v1alpha1.Order {
	o := &v1alpha1.Order{TypeMeta: p.TypeMeta, ObjectMeta: p.Metadata.ObjectMeta, Spec: p.Spec, Status: p.Status}
	stripObject(o)
	return o
}

// decodeList reads a list of orders as JSON, and encodes each order before it reads the next one.
func decodeList(body io.Reader, s *store) (*encodedList, error) {
	d := listDecoder{Decoder: json.NewDecoder(body), store: s, list: &encodedList{}}
	err := d.decode()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // an end in the middle of the response
	}
	// A response without items is not an empty list.
	if is := d.list.GroupVersionKind(); err == nil && (is != listKind || d.list.Items == nil) {
		err = fmt.Errorf("the response is %s, not a list of orders", is)
	}
	if err != nil {
		return nil, fmt.Errorf("read a list of orders: %w", err)
	}
	return d.list, nil
}

// listDecoder reads the fields of a list in any order.
type listDecoder struct {
	*json.Decoder
	store *store
	list  *encodedList
}

func (d *listDecoder) decode() error {
	if err := d.delimiter('{'); err != nil {
		return err
	}
	fields := map[json.Token]any{"kind": &d.list.Kind, "apiVersion": &d.list.APIVersion, "metadata": &d.list.ListMeta}
	for d.More() {
		field, err := d.Token()
		if err != nil {
			return err
		}
		if field == "items" {
			err = d.items()
		} else if into, is := fields[field]; is {
			err = d.Decode(into)
		} else {
			err = d.Decode(&ignored{})
		}
		if err != nil {
			return err
		}
	}
	return d.delimiter('}')
}

// items reads an array, or null if there are no items.
func (d *listDecoder) items() error {
	d.list.Items = []*encodedOrder{}
	switch start, err := d.Token(); {
	case err != nil || start == nil:
		return err
	case start != json.Delim('['):
		return fmt.Errorf("found %v in the place of [", start)
	}
	for d.More() {
		var item partialOrder
		if err := d.Decode(&item); err != nil {
			return err
		}
		if item.Metadata.Name == "" {
			return errors.New("an item has no name")
		}
		encoded, err := d.store.encode(item.order())
		if err != nil {
			return err
		}
		d.list.Items = append(d.list.Items, encoded)
	}
	return d.delimiter(']')
}

func (d *listDecoder) delimiter(want json.Delim) error {
	got, err := d.Token()
	if err == nil && got != want {
		err = fmt.Errorf("found %v in the place of %v", got, want)
	}
	return err
}

// watchDecoder reads a watch of orders as JSON. client-go's own decoder reads each event six times, and decodes
// managedFields, which are nearly half of an order.
type watchDecoder struct {
	io.Closer
	events *json.Decoder
	store  *store
}

func newWatchDecoder(body io.ReadCloser, s *store) *watchDecoder {
	return &watchDecoder{Closer: body, events: json.NewDecoder(body), store: s}
}

// watchEvent is an event of a watch.
type watchEvent struct {
	Type   watch.EventType `json:"type"`
	Object struct {
		partialOrder
		partialStatus
	} `json:"object"`
}

// partialStatus has the fields of a Status that an order does not have.
type partialStatus struct {
	Message string                `json:"message"`
	Reason  metav1.StatusReason   `json:"reason"`
	Details *metav1.StatusDetails `json:"details"`
	Code    int32                 `json:"code"`
}

// Decode waits for the next event.
func (d *watchDecoder) Decode() (watch.EventType, runtime.Object, error) {
	var event watchEvent
	err := d.events.Decode(&event)
	var wrongType *json.UnmarshalTypeError // such as the field status of a Status, which is a string
	if event.Type == watch.Error && (err == nil || errors.As(err, &wrongType)) {
		s := event.Object.partialStatus
		return watch.Error, &metav1.Status{Status: metav1.StatusFailure, Message: s.Message, Reason: s.Reason, Details: s.Details, Code: s.Code}, nil
	}
	if err != nil {
		return "", nil, err // client-go compares it with io.EOF
	}
	annotations, order := event.Object.Metadata.Annotations, event.Object.order()
	switch event.Type {
	case watch.Added, watch.Modified, watch.Deleted:
		if order.GroupVersionKind() != kind || order.Name == "" {
			return "", nil, fmt.Errorf("read a watch of orders: %s %q is not an order", order.GroupVersionKind(), order.Name)
		}
		e, err := d.store.encode(order)
		return event.Type, e, err
	case watch.Bookmark:
		return event.Type, newBookmark(order.ResourceVersion, annotations), nil
	}
	return "", nil, fmt.Errorf("read a watch of orders: unknown event type %q", event.Type)
}

// Close ends the watch.
func (d *watchDecoder) Close() { _ = d.Closer.Close() }
