package ordercache

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// packed is an order as it is kept: whom it belongs to, by what it is found, and all the rest as compressed CBOR. An Order
// takes some 2.2 KiB, and what is in it is nearly the same in all of them.
//
// It is never changed, so that whoever got it from the shelf may read it without a lock.
type packed struct {
	metav1.Object // for the few methods that a reflector calls, which are below

	namespace, name string
	// content is the length of the resource version, the resource version, the number of keys, the keys, and the order.
	content []byte
	// annotations are those of a bookmark.
	annotations map[string]string
}

// order is what the compression takes as known: what most orders say in the same words.
var order = func() []byte {
	at := metav1.Unix(1_700_000_000, 0)
	yes := true
	common := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "order", Generation: 1, CreationTimestamp: at,
			Labels: map[string]string{v1alpha1.LabelCheckout: v1alpha1.CheckoutPublic},
		},
		Spec: v1alpha1.OrderSpec{
			ProductID: "product", ProductName: "Product", Currency: "USD", Provider: v1alpha1.ProviderStripe, Livemode: &yes, Amount: 1000,
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
		panic(err) // as it would be at the first order
	}
	return content
}()

// dictionary of the compression. Nothing that is packed outlives the process, so it may change with every release.
var dictionary = s2.MakeDict(order, nil)

// buffers are for what is packed or unpacked for a moment.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// pack returns an order as it is kept: without its managedFields, and without its kind, which all have. The order is not
// changed, and nothing of it is held.
func pack(o *v1alpha1.Order, namespace string, keys []uint64) (*packed, error) {
	bare := *o
	bare.TypeMeta, bare.ManagedFields = metav1.TypeMeta{}, nil
	plain, err := direct.Marshal(&bare)
	if err != nil {
		return nil, fmt.Errorf("pack order %s/%s: %w", o.Namespace, o.Name, err)
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	head := (*buffer)[:0]
	head = binary.AppendUvarint(head, uint64(len(o.ResourceVersion)))
	head = append(head, o.ResourceVersion...)
	head = binary.AppendUvarint(head, uint64(len(keys)))
	for _, key := range keys {
		head = binary.LittleEndian.AppendUint64(head, key)
	}
	size := len(head)
	room := size + s2.MaxEncodedLen(len(plain))
	for cap(head) < room {
		head = append(head[:cap(head)], 0)
	}
	body := dictionary.Encode(head[size:room], plain)
	content := make([]byte, size+len(body))
	copy(content, head[:size])
	copy(content[size:], body)
	*buffer = head
	return &packed{namespace: namespace, name: string([]byte(o.Name)), content: content}, nil
}

// unpack returns the order, which is the caller's.
func (p *packed) unpack() (*v1alpha1.Order, error) {
	_, rest := p.version()
	_, body := keysOf(rest)
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	plain, err := dictionary.Decode((*buffer)[:cap(*buffer)], body)
	if err != nil {
		return nil, fmt.Errorf("unpack order %s/%s: %w", p.namespace, p.name, err)
	}
	*buffer = plain
	o := &v1alpha1.Order{}
	if err := direct.Unmarshal(plain, o); err != nil {
		return nil, fmt.Errorf("unpack order %s/%s: %w", p.namespace, p.name, err)
	}
	o.SetGroupVersionKind(kind)
	return o, nil
}

func (p *packed) key() types.NamespacedName {
	return types.NamespacedName{Namespace: p.namespace, Name: p.name}
}

func (p *packed) version() (version, rest []byte) {
	n, size := binary.Uvarint(p.content)
	rest = p.content[size:]
	return rest[:n], rest[n:]
}

// keys are the hashes of all by which the order is found.
func (p *packed) keys() []uint64 {
	_, rest := p.version()
	keys, _ := keysOf(rest)
	return keys
}

func keysOf(content []byte) (keys []uint64, rest []byte) {
	n, size := binary.Uvarint(content)
	rest = content[size:]
	keys = make([]uint64, n)
	for i := range keys {
		keys[i], rest = binary.LittleEndian.Uint64(rest), rest[8:]
	}
	return keys, rest
}

// What a reflector asks of an object.

func (p *packed) GetNamespace() string              { return p.namespace }
func (p *packed) GetName() string                   { return p.name }
func (p *packed) GetAnnotations() map[string]string { return p.annotations }
func (p *packed) GetObjectMeta() metav1.Object      { return p }

func (p *packed) GetResourceVersion() string {
	version, _ := p.version()
	return string(version)
}

func (p *packed) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// DeepCopyObject returns the same: it is never changed.
func (p *packed) DeepCopyObject() runtime.Object { return p }

// bookmark is what a watch sends to say how far it has come.
func bookmark(o *v1alpha1.Order) *packed {
	content := binary.AppendUvarint(nil, uint64(len(o.ResourceVersion)))
	content = append(content, o.ResourceVersion...)
	return &packed{content: binary.AppendUvarint(content, 0), annotations: o.Annotations}
}

// packedList is what a list answers.
type packedList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []*packed
}

// DeepCopyObject returns the same: it is never changed.
func (l *packedList) DeepCopyObject() runtime.Object { return l }
