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

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// roundTrip packs an order and returns what comes out of it.
func roundTrip(t testing.TB, o *v1alpha1.Order, keys ...uint64) *v1alpha1.Order {
	t.Helper()
	p, err := pack(o, o.Namespace, keys)
	if err != nil {
		t.Fatal(err)
	}
	back, err := p.unpack()
	if err != nil {
		t.Fatal(err)
	}
	if p.GetNamespace() != o.Namespace || p.GetName() != o.Name || p.GetResourceVersion() != o.ResourceVersion {
		t.Errorf("packed as %s/%s at %q, of %s/%s at %q", p.GetNamespace(), p.GetName(), p.GetResourceVersion(), o.Namespace, o.Name, o.ResourceVersion)
	}
	if got := p.keys(); fmt.Sprint(got) != fmt.Sprint(keys) {
		t.Errorf("packed with the keys %v, of %v", got, keys)
	}
	return back
}

func TestAnyOrderIsUnpackedAsItWas(t *testing.T) {
	next := anyOrder(1)
	for n := range 3000 {
		o := next()
		before := o.DeepCopy()
		back := roundTrip(t, o, make([]uint64, n%4)...)
		if !same(back, kept(o)) {
			t.Fatalf("order %d:\n%s", n, cmp.Diff(kept(o), back))
		}
		if !same(o, before) {
			t.Fatalf("order %d was changed:\n%s", n, cmp.Diff(before, o))
		}
	}
}

func TestOddOrdersAreUnpackedAsTheyWere(t *testing.T) {
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
			if back := roundTrip(t, o); !same(back, kept(o)) {
				t.Errorf("it came back as %.2000s", cmp.Diff(kept(o), back))
			}
		})
	}
}

func TestAPaidOrderIsSmall(t *testing.T) {
	s := indexed(t, newShelf())
	for n := range 100 {
		p, err := s.pack(paidOrder(n))
		if err != nil {
			t.Fatal(err)
		}
		if size := len(p.content) + len(p.name); size >= 600 {
			t.Fatalf("a paid order takes %d bytes", size)
		}
	}
}

func TestOrdersArePackedAndUnpackedAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			next := anyOrder(int64(worker))
			var before *packed
			var was *v1alpha1.Order
			for n := range 200 {
				o := next()
				if n%7 == 0 {
					o.Annotations = map[string]string{"long": strings.Repeat(o.Name+"x", n*10)}
				}
				p, err := pack(o, o.Namespace, []uint64{uint64(n)})
				if err != nil {
					t.Error(err)
					return
				}
				if before != nil { // what was packed before is not what buffers are now
					if back, err := before.unpack(); err != nil || !same(back, kept(was)) {
						t.Errorf("%v: %s", err, cmp.Diff(kept(was), back))
						return
					}
				}
				before, was = p, o
			}
		})
	}
	all.Wait()
}

// FuzzUnpack packs whatever is an order to the API's types.
func FuzzUnpack(f *testing.F) {
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
		// Fractions of a second, and years that the API could not say, are in no order.
		said, err := json.Marshal(&read)
		if err != nil || json.Unmarshal(said, &o) != nil {
			t.Skip()
		}
		if back := roundTrip(t, &o, 1, 2); !same(back, kept(&o)) {
			t.Error(cmp.Diff(kept(&o), back))
		}
		line, err := json.Marshal(map[string]any{"type": "MODIFIED", "object": kept(&o)})
		if err != nil {
			t.Fatal(err)
		}
		_, event, err := decode(t, string(line)+"\n")
		if o.Name == "" {
			if err == nil {
				t.Error("an order without a name was read")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if back, err := event.(*packed).unpack(); err != nil || !same(back, kept(&o)) {
			t.Errorf("read from a watch: %v: %s", err, cmp.Diff(kept(&o), back))
		}
		if bytes.Contains(event.(*packed).content, []byte("managedFields")) {
			t.Error("managedFields are kept")
		}
	})
}

func BenchmarkPack(b *testing.B) {
	s, o := indexed(b, newShelf()), paidOrder(1)
	var p *packed
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if p, err = s.pack(o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(p.content)), "bytes/order")
}

func BenchmarkUnpack(b *testing.B) {
	p, err := indexed(b, newShelf()).pack(paidOrder(1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.unpack(); err != nil {
			b.Fatal(err)
		}
	}
}
