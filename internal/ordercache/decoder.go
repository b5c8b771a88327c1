package ordercache

import (
	"bufio"
	"bytes"
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
	if err := d.decode(); err != nil {
		return nil, fmt.Errorf("read a list of orders: %w", unexpectedEOF(err))
	}
	if found := d.list.GroupVersionKind(); found != kind.GroupVersion().WithKind(kind.Kind+"List") || !d.hasItems {
		return nil, fmt.Errorf("read a list of orders: the response is %s, not a list of orders", found)
	}
	return d.list, nil
}

// listDecoder reads the fields of a list in any order.
type listDecoder struct {
	*json.Decoder
	store *store
	list  *encodedList
	// hasItems says that the field was there: an answer without it is not an empty list.
	hasItems bool
}

func (d *listDecoder) decode() error {
	if err := d.delimiter('{'); err != nil {
		return err
	}
	for d.More() {
		field, err := d.Token()
		if err != nil {
			return err
		}
		switch field {
		case "kind":
			err = d.Decode(&d.list.Kind)
		case "apiVersion":
			err = d.Decode(&d.list.APIVersion)
		case "metadata":
			err = d.Decode(&d.list.ListMeta)
		case "items":
			err = d.items()
		default:
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
	d.hasItems = true
	switch start, err := d.Token(); {
	case err != nil:
		return err
	case start == nil:
		return nil
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

// unexpectedEOF replaces io.EOF, so that an end in the middle of a response differs from the end of a watch.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// watchDecoder reads a watch of orders: one event a line, as JSON. client-go's own decoder reads each event six times, and
// decodes managedFields, which are nearly half of an order.
type watchDecoder struct {
	body  io.ReadCloser
	lines *bufio.Reader
	line  []byte
	store *store
}

// watchEvent is an event of a watch.
type watchEvent struct {
	Type   watch.EventType `json:"type"`
	Object partialOrder    `json:"object"`
}

// Decode waits for the next event.
func (d *watchDecoder) Decode() (watch.EventType, runtime.Object, error) {
	line, err := d.readLine()
	if err != nil {
		return "", nil, err
	}
	var event watchEvent
	if err := json.Unmarshal(line, &event); err != nil {
		if status := decodeStatus(line); status != nil {
			return watch.Error, status, nil
		}
		return "", nil, fmt.Errorf("read a watch of orders: %w", err)
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
	case watch.Error:
		if status := decodeStatus(line); status != nil {
			return watch.Error, status, nil
		}
	}
	return "", nil, fmt.Errorf("read a watch of orders: unknown event type %q", event.Type)
}

// decodeStatus reads an event whose object is a Status. It returns nil for any other event.
func decodeStatus(line []byte) *metav1.Status {
	var event struct {
		Type   watch.EventType `json:"type"`
		Object metav1.Status   `json:"object"`
	}
	if json.Unmarshal(line, &event) != nil || event.Type != watch.Error {
		return nil
	}
	return &event.Object
}

// readLine reads a line of any length, without empty lines. The next call overwrites the result.
func (d *watchDecoder) readLine() ([]byte, error) {
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
func (d *watchDecoder) Close() { _ = d.body.Close() }
