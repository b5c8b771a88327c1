package ordercache

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/s2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// encodedOrder is an order as the store keeps it: a header, and the order as compressed CBOR. An Order takes about 2.2 KiB
// of memory, and most of its text is the same in all orders.
//
// An encodedOrder is never modified, so readers need no lock.
type encodedOrder struct {
	metav1.Object // a reflector needs the interface, and calls only the methods below

	namespace, name string
	// content is the state, the resource version with its length, the hashes with their number, and the order.
	content []byte
	// annotations are the annotations of a bookmark; nil for an order.
	annotations map[string]string
}

// sampleOrder is an encoded order with the text that most orders share.
var sampleOrder = func() []byte {
	at := metav1.Unix(1_700_000_000, 0)
	live := true
	common := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "order", Generation: 1, CreationTimestamp: at,
			Labels: map[string]string{v1alpha1.LabelCheckout: v1alpha1.CheckoutPublic},
		},
		Spec: v1alpha1.OrderSpec{
			ProductID: "product", ProductName: "Product", Currency: "USD", Provider: v1alpha1.ProviderStripe, Livemode: &live, Amount: 1000,
			PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "product"}, PaymentLinkURL: "https://buy.stripe.com/",
			OrderID: "order", CustomerID: "customer", ExpiresAfter: &metav1.Duration{},
		},
		Status: v1alpha1.OrderStatus{
			Phase: v1alpha1.OrderPaid, ClientReferenceID: "order", PaymentLinkID: "plink_1", Total: "10.00 USD", ObservedGeneration: 1,
			CheckoutURL: "https://buy.stripe.com/?client_reference_id=", ProviderOrderID: "cs_live_a1", ProviderCaptureID: "pi_3", PaidAt: &at,
			AmountRefunded: 1000, ExpiredAt: &at,
			Payments: []v1alpha1.Payment{{
				SessionID: "cs_live_a1", Outcome: v1alpha1.OutcomePaid, PaymentIntentID: "pi_3", Amount: 1000, Currency: "usd", Livemode: true,
				PaymentLinkID: "plink_1", Created: at, PaidAt: &at, AmountRefunded: 1000, FullyRefunded: true,
			}},
			Conditions: []metav1.Condition{
				{
					Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, ObservedGeneration: 1, LastTransitionTime: at,
					Reason: v1alpha1.ReasonCheckoutReady, Message: "The buyer pays at status.checkoutURL.",
				},
				{Type: v1alpha1.ConditionPaid, Status: metav1.ConditionFalse, LastTransitionTime: at, Reason: "AwaitingPayment", Message: "No payment yet."},
				{
					Type: v1alpha1.ConditionPaid, Status: metav1.ConditionTrue, LastTransitionTime: at, Reason: "PaymentReceived",
					Message: "10.00 USD received by Stripe in session cs_live_a1.",
				},
			},
		},
	}
	content, err := direct.Marshal(common)
	if err != nil {
		panic(err) // cannot happen: every order is encoded in the same way
	}
	return content
}()

// dictionary is the dictionary of the compression. Encoded orders do not outlive the process, so every release may change it.
var dictionary = s2.MakeDict(sampleOrder, nil)

// buffers are reused by encode and decode.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// encode encodes an order without its managedFields, and without its kind, which all orders share. It keeps no reference to
// the order.
func encode(o *v1alpha1.Order, namespace string, state State, hashes []uint64) (*encodedOrder, error) {
	bare := *o
	bare.TypeMeta, bare.ManagedFields = metav1.TypeMeta{}, nil
	plain, err := direct.Marshal(&bare)
	if err != nil {
		return nil, fmt.Errorf("encode order %s/%s: %w", o.Namespace, o.Name, err)
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	header := appendHeader((*buffer)[:0], state, o.ResourceVersion, hashes)
	size := len(header)
	buf := slices.Grow(header, s2.MaxEncodedLen(len(plain)))
	body := dictionary.Encode(buf[size:cap(buf)], plain)
	content := make([]byte, size+len(body))
	copy(content, header)
	copy(content[size:], body)
	*buffer = buf
	return &encodedOrder{namespace: namespace, name: strings.Clone(o.Name), content: content}, nil
}

// decode returns the order, which the caller may modify.
func (e *encodedOrder) decode() (*v1alpha1.Order, error) {
	_, _, _, body := e.split()
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	plain, err := dictionary.Decode((*buffer)[:cap(*buffer)], body)
	if err != nil {
		return nil, fmt.Errorf("decode order %s/%s: %w", e.namespace, e.name, err)
	}
	*buffer = plain
	o := &v1alpha1.Order{}
	if err := direct.Unmarshal(plain, o); err != nil {
		return nil, fmt.Errorf("decode order %s/%s: %w", e.namespace, e.name, err)
	}
	o.SetGroupVersionKind(kind)
	return o, nil
}

func appendHeader(header []byte, state State, version string, hashes []uint64) []byte {
	header = binary.AppendUvarint(header, uint64(state))
	header = binary.AppendUvarint(header, uint64(len(version)))
	header = append(header, version...)
	header = binary.AppendUvarint(header, uint64(len(hashes)))
	for _, hash := range hashes {
		header = binary.LittleEndian.AppendUint64(header, hash)
	}
	return header
}

// split returns the parts of the content. The hashes are eight bytes each.
func (e *encodedOrder) split() (state State, version, hashes, body []byte) {
	n, size := binary.Uvarint(e.content)
	state, body = State(n), e.content[size:] //nolint:gosec // appendHeader wrote a State
	n, size = binary.Uvarint(body)
	version, body = body[size:size+int(n)], body[size+int(n):] //nolint:gosec // appendHeader wrote a length
	n, size = binary.Uvarint(body)
	hashes, body = body[size:size+8*int(n)], body[size+8*int(n):] //nolint:gosec // appendHeader wrote a length
	return state, version, hashes, body
}

// header returns the state of the order, and the hashes by which indices find it.
func (e *encodedOrder) header() (State, []uint64) {
	state, _, encoded, _ := e.split()
	hashes := make([]uint64, len(encoded)/8)
	for i := range hashes {
		hashes[i] = binary.LittleEndian.Uint64(encoded[8*i:])
	}
	return state, hashes
}

func (e *encodedOrder) key() types.NamespacedName {
	return types.NamespacedName{Namespace: e.namespace, Name: e.name}
}

// A reflector calls the following methods.

func (e *encodedOrder) GetNamespace() string              { return e.namespace }
func (e *encodedOrder) GetName() string                   { return e.name }
func (e *encodedOrder) GetAnnotations() map[string]string { return e.annotations }
func (e *encodedOrder) GetObjectMeta() metav1.Object      { return e }
func (e *encodedOrder) GetObjectKind() schema.ObjectKind  { return schema.EmptyObjectKind }

func (e *encodedOrder) GetResourceVersion() string {
	_, version, _, _ := e.split()
	return string(version)
}

// DeepCopyObject returns the order itself, which is never modified.
func (e *encodedOrder) DeepCopyObject() runtime.Object { return e }

// newBookmark returns the object of a bookmark event. A watch reports its progress by bookmarks.
func newBookmark(version string, annotations map[string]string) *encodedOrder {
	return &encodedOrder{content: appendHeader(nil, 0, version, nil), annotations: annotations}
}

// encodedList is the response to a list request.
type encodedList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []*encodedOrder
}

// DeepCopyObject returns the list itself, which is never modified.
func (l *encodedList) DeepCopyObject() runtime.Object { return l }
