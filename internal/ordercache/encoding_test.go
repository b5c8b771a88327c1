package ordercache

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// encodeAndCheck encodes an order, and compares the decoded order and the header with it.
func encodeAndCheck(t testing.TB, o *v1alpha1.Order, state State, hashes ...uint64) *encodedOrder {
	t.Helper()
	before := o.DeepCopy()
	e, err := encode(o, o.Namespace, state, hashes)
	if err != nil {
		t.Errorf("encode: %v", err)
		return &encodedOrder{}
	}
	if !same(o, before) {
		t.Errorf("the order was changed:\n%s", cmp.Diff(before, o))
	}
	want := decoded(o)
	if got, err := e.decode(); err != nil || !same(got, want) {
		t.Errorf("%v: decoded as %.2000s", err, cmp.Diff(want, got))
	}
	if e.GetNamespace() != o.Namespace || e.GetName() != o.Name || e.GetResourceVersion() != o.ResourceVersion {
		t.Errorf("got %s/%s at %q, want %s/%s at %q", e.GetNamespace(), e.GetName(), e.GetResourceVersion(), o.Namespace, o.Name, o.ResourceVersion)
	}
	if gotState, got := e.header(); gotState != state || fmt.Sprint(got) != fmt.Sprint(hashes) {
		t.Errorf("got state %d and hashes %v, want %d and %v", gotState, got, state, hashes)
	}
	return e
}

// TestRandomOrders encodes orders at once. An encoded order stays as it is when others are encoded, as it shares no buffer.
func TestRandomOrders(t *testing.T) {
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			next := anyOrder(int64(worker))
			var last *v1alpha1.Order
			var encoded *encodedOrder
			for n := range 400 {
				o := next()
				if n%7 == 0 {
					o.Annotations = map[string]string{"long": strings.Repeat(o.Name+"x", n*10)}
				}
				e := encodeAndCheck(t, o, State(n*160), make([]uint64, n%4)...)
				if last != nil {
					if back, err := encoded.decode(); err != nil || !same(back, decoded(last)) {
						t.Errorf("%v: %s", err, cmp.Diff(decoded(last), back))
					}
				}
				encoded, last = e, o
			}
		})
	}
	all.Wait()
}

func TestUnusualOrders(t *testing.T) {
	noise := make([]byte, 1<<20)
	rand.New(rand.NewSource(1)).Read(noise)
	for i := range noise {
		noise[i] = ' ' + noise[i]%90
	}
	no, grace := false, int64(30)
	at := metav1.NewTime(time.Date(2026, 2, 28, 23, 59, 59, 0, time.FixedZone("", -7*3600)))
	orders := map[string]func(*v1alpha1.Order){
		"none":       func(o *v1alpha1.Order) { *o = v1alpha1.Order{} },
		"as it is":   func(*v1alpha1.Order) {},
		"long noise": func(o *v1alpha1.Order) { o.Annotations = map[string]string{"noise": string(noise)} },
		"long words": func(o *v1alpha1.Order) { o.Annotations = map[string]string{"words": strings.Repeat("order ", 200_000)} },
		"many labels": func(o *v1alpha1.Order) {
			o.Labels = map[string]string{}
			for i := range 5000 {
				o.Labels[fmt.Sprint("label-", i)] = fmt.Sprint(i)
			}
		},
		"on its way out": func(o *v1alpha1.Order) {
			o.DeletionTimestamp, o.DeletionGracePeriodSeconds, o.Finalizers = &at, &grace, []string{"shop/books", "shop/mail"}
			o.OwnerReferences = []metav1.OwnerReference{{APIVersion: "shop/v1", Kind: "Basket", Name: "b", UID: "u", Controller: &no}}
		},
		"pointers to nothing": func(o *v1alpha1.Order) {
			o.Spec.Livemode, o.Spec.ExpiresAfter = &no, &metav1.Duration{}
		},
		"not UTF-8": func(o *v1alpha1.Order) { o.Spec.ProductName = "caf\xe9" },
		"extremes": func(o *v1alpha1.Order) {
			o.Spec.Amount, o.Status.AmountRefunded, o.Generation = 1<<63-1, -1<<63, 1<<53+1
			o.Spec.ExpiresAfter = &metav1.Duration{Duration: 87600*time.Hour + 1}
		},
	}
	for name, change := range orders {
		t.Run(name, func(t *testing.T) {
			o := paidOrder(1)
			change(o)
			encodeAndCheck(t, o, 0)
		})
	}
}

func TestSizeOfPaidOrder(t *testing.T) {
	s := indexed(t, newStore())
	for n := range 100 {
		e := s.mustEncode(t, paidOrder(n))
		if size := len(e.content) + len(e.name); size >= 600 {
			t.Fatalf("a paid order takes %d bytes", size)
		}
	}
}

// FuzzRoundTrip encodes and decodes all that the types of the API accept, directly and through a watch.
func FuzzRoundTrip(f *testing.F) {
	next := anyOrder(2)
	for n := range 20 {
		for _, o := range []*v1alpha1.Order{paidOrder(n), next()} {
			content, err := json.Marshal(o)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
		}
	}
	f.Add([]byte(`{"metadata":{"name":"x","creationTimestamp":null},"spec":{"expiresAfter":"1h","livemode":null},"status":{"paidAt":null}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var read, o v1alpha1.Order
		if json.Unmarshal(content, &read) != nil {
			t.Skip()
		}
		read.ManagedFields = nil
		// No order has fractions of a second, or years that JSON cannot encode.
		said, err := json.Marshal(&read)
		if err != nil || json.Unmarshal(said, &o) != nil {
			t.Skip()
		}
		encodeAndCheck(t, &o, 3, 1, 2)
		_, event, err := decode(line(t, watch.Modified, decoded(&o)))
		if o.Name == "" {
			if err == nil {
				t.Error("an order without a name was read")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if back, err := event.(*encodedOrder).decode(); err != nil || !same(back, kept(&o)) {
			t.Errorf("read from a watch: %v: %s", err, cmp.Diff(kept(&o), back))
		}
		if bytes.Contains(event.(*encodedOrder).content, []byte("managedFields")) {
			t.Error("managedFields are kept")
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	s, o := indexed(b, newStore()), paidOrder(1)
	var e *encodedOrder
	b.ReportAllocs()
	for b.Loop() {
		e = s.mustEncode(b, o)
	}
	b.ReportMetric(float64(len(e.content)), "bytes/order")
}

func BenchmarkDecode(b *testing.B) {
	e := indexed(b, newStore()).mustEncode(b, paidOrder(1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.decode(); err != nil {
			b.Fatal(err)
		}
	}
}
