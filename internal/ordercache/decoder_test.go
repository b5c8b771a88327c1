package ordercache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

func decoderOf(stream io.Reader) *watchDecoder {
	return newWatchDecoder(io.NopCloser(stream), newStore())
}

// decode reads the first event of a stream.
func decode(stream string) (watch.EventType, runtime.Object, error) {
	return decoderOf(strings.NewReader(stream)).Decode()
}

// checkNext compares the next event of a stream.
func checkNext(t testing.TB, d *watchDecoder, kind watch.EventType, want *v1alpha1.Order) {
	t.Helper()
	is, event, err := d.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if o, err := event.(*encodedOrder).decode(); err != nil || is != kind || !same(o, want) {
		t.Fatalf("got %s, %v, want %s: %.2000s", is, err, kind, cmp.Diff(want, o))
	}
}

// line is an event in the encoding of the API server.
func line(t testing.TB, kind watch.EventType, object any) string {
	t.Helper()
	content, err := json.Marshal(map[string]any{"type": kind, "object": object})
	if err != nil {
		t.Fatal(err)
	}
	return string(content) + "\n"
}

func TestWatchEvents(t *testing.T) {
	next := anyOrder(3)
	var stream strings.Builder
	var kinds []watch.EventType
	var orders []*v1alpha1.Order
	for n := range 300 {
		o := next()
		o.Name, o.Namespace = fmt.Sprint("o-", n), "shop"
		o.SetGroupVersionKind(kind)
		o.ManagedFields = paidOrder(n).ManagedFields
		kinds = append(kinds, []watch.EventType{watch.Added, watch.Modified, watch.Deleted}[n%3])
		stream.WriteString(line(t, kinds[n], o))
		stream.WriteString(strings.Repeat("\r\n", n%2)) // empty lines mean nothing
		orders = append(orders, kept(o))
	}
	d := decoderOf(strings.NewReader(stream.String()))
	for n := range kinds {
		checkNext(t, d, kinds[n], orders[n])
	}
	if _, _, err := d.Decode(); err != io.EOF { //nolint:errorlint // client-go compares so
		t.Errorf("after the last event: %v", err)
	}
}

// TestUnknownFields: managedFields and the fields of later versions are not read.
func TestUnknownFields(t *testing.T) {
	stream := `{"type":"ADDED","also":1,"object":{"kind":"Order","apiVersion":"payments.paylink.dev/v1alpha1","new":{"a":[1]},` +
		`"metadata":{"name":"a","namespace":"shop","resourceVersion":"7","managedFields":[{"time":"no time","fieldsV1":[]}],"later":"x"},` +
		`"spec":{"productId":"p","amount":1,"currency":"USD","tip":{"amount":2}},"status":{"phase":"Paid","mood":"good"}}}` + "\n"
	want := &v1alpha1.Order{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "shop", ResourceVersion: "7"}}
	want.SetGroupVersionKind(kind)
	want.Spec.ProductID, want.Spec.Amount, want.Spec.Currency, want.Status.Phase = "p", 1, "USD", v1alpha1.OrderPaid
	checkNext(t, decoderOf(strings.NewReader(stream)), watch.Added, want)
}

func TestBookmarks(t *testing.T) {
	for _, end := range []bool{false, true} {
		meta := map[string]any{"resourceVersion": "12345", "creationTimestamp": nil}
		if end {
			meta["annotations"] = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
		}
		is, event, err := decode(line(t, watch.Bookmark, map[string]any{
			"kind": "Order", "apiVersion": "payments.paylink.dev/v1alpha1", "metadata": meta, "spec": map[string]any{},
		}))
		if err != nil || is != watch.Bookmark {
			t.Fatalf("%s: %v", is, err)
		}
		b := event.(*encodedOrder)
		if _, hashes := b.header(); b.GetResourceVersion() != "12345" || (b.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true") != end || len(hashes) != 0 {
			t.Errorf("%+v", b)
		}
	}
}

func TestErrorEvents(t *testing.T) {
	gone := apierrors.NewResourceExpired("too old resource version").Status()
	for name, status := range map[string]any{
		"gone":       gone,
		"a code":     map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "code": 410, "reason": "Expired"},
		"with words": map[string]any{"kind": "Status", "status": "Failure", "message": "etcd is away", "reason": "Expired", "code": 410},
	} {
		t.Run(name, func(t *testing.T) {
			is, event, err := decode(line(t, watch.Error, status))
			if err != nil || is != watch.Error || !apierrors.IsResourceExpired(apierrors.FromObject(event)) {
				t.Errorf("%s %+v: %v", is, event, err)
			}
		})
	}
}

func TestInvalidEvents(t *testing.T) {
	whole := line(t, watch.Added, paidOrder(1))
	nameless, foreign := paidOrder(1), paidOrder(1)
	nameless.Name, foreign.Kind = "", "PaymentLink"
	for name, stream := range map[string]string{
		"an unknown type":    line(t, "RENAMED", paidOrder(1)),
		"no type":            line(t, "", paidOrder(1)),
		"no object":          `{"type":"ADDED"}` + "\n",
		"null":               `{"type":"ADDED","object":null}` + "\n",
		"no name":            line(t, watch.Added, nameless),
		"another kind":       line(t, watch.Modified, foreign),
		"a Status, as added": line(t, watch.Added, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410}),
		"a page":             "<html>\n",
		"a word":             "null\n",
		"a list":             "[]\n",
		"a wrong number":     strings.Replace(whole, `"amount":19900`, `"amount":"19900"`, 1),
		"a wrong time":       strings.Replace(whole, `"paidAt":"2026`, `"paidAt":"twenty`, 1),
		"zeros":              strings.Repeat("\x00", 5000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			if is, event, err := decode(stream); err == nil {
				t.Errorf("got %s %+v, want an error", is, event)
			} else if errors.Is(err, io.EOF) {
				t.Errorf("got %v, which is the end of a watch", err)
			}
		})
	}
}

// TestTruncatedEvent: no part of an event is read as an event.
func TestTruncatedEvent(t *testing.T) {
	whole := line(t, watch.Added, paidOrder(1))
	for end := 1; end < len(strings.TrimSpace(whole)); end++ {
		if is, _, err := decode(whole[:end]); err != io.ErrUnexpectedEOF { //nolint:errorlint // client-go compares so
			t.Fatalf("the first %d bytes are read as %s, %v", end, is, err)
		}
	}
	for _, nothing := range []string{"", "\n", " \r\n \n"} {
		if _, _, err := decode(nothing); err != io.EOF { //nolint:errorlint // client-go compares so
			t.Errorf("%q is read as %v", nothing, err)
		}
	}
	cut := errors.New("cut")
	d := decoderOf(io.MultiReader(strings.NewReader(whole+whole[:99]), failing{cut}))
	if _, _, err := d.Decode(); err != nil {
		t.Error(err)
	}
	if _, _, err := d.Decode(); !errors.Is(err, cut) {
		t.Errorf("a connection that fails: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestLongLine: a line longer than the buffer is read, and the lines after it too.
func TestLongLine(t *testing.T) {
	long := paidOrder(1)
	long.Spec.ProductName = strings.Repeat("long ", 700_000)
	d := decoderOf(strings.NewReader(line(t, watch.Added, long) + line(t, watch.Added, paidOrder(2)) + line(t, watch.Deleted, long)))
	checkNext(t, d, watch.Added, kept(long))
	checkNext(t, d, watch.Added, kept(paidOrder(2)))
	checkNext(t, d, watch.Deleted, kept(long))
}

// listOf is a list in the encoding of the API server.
func listOf(t testing.TB, orders ...*v1alpha1.Order) string {
	t.Helper()
	list := v1alpha1.OrderList{ListMeta: metav1.ListMeta{ResourceVersion: "7", Continue: "next"}}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OrderList"))
	for _, o := range orders {
		list.Items = append(list.Items, *o)
	}
	content, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestLists(t *testing.T) {
	next := anyOrder(4)
	var random []*v1alpha1.Order
	for n := range 300 {
		o := next()
		o.Name, o.Namespace, o.Kind, o.APIVersion = fmt.Sprint("o-", n), "shop", "", ""
		random = append(random, o)
	}
	const meta = `"kind":"OrderList","apiVersion":"payments.paylink.dev/v1alpha1","metadata":{"resourceVersion":"7","continue":"next"}`
	for name, row := range map[string]struct {
		body string
		want []*v1alpha1.Order
	}{
		"random orders":  {listOf(t, random...), random},
		"no items":       {listOf(t), nil},
		"an empty array": {"{" + meta + `,"items":[]}`, nil},
		"items first":    {`{"items":[{"metadata":{"name":"a"}}],` + meta + "}", []*v1alpha1.Order{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}}},
		"unknown fields": {`{"new":{"items":[1]},"items":[],"other":[{}],` + meta + "}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := decodeList(strings.NewReader(row.body), newStore())
			if err != nil {
				t.Fatal(err)
			}
			if list.ResourceVersion != "7" || list.Continue != "next" || len(list.Items) != len(row.want) {
				t.Errorf("got %d items of %+v, want %d", len(list.Items), list.ListMeta, len(row.want))
			}
			for i, want := range row.want {
				if o, err := list.Items[i].decode(); err != nil || !same(o, kept(want)) {
					t.Errorf("item %d: %v: %s", i, err, cmp.Diff(kept(want), o))
				}
			}
		})
	}
}

// TestInvalidLists: an answer that is no whole list must not empty the cache.
func TestInvalidLists(t *testing.T) {
	whole := listOf(t, paidOrder(1), paidOrder(2))
	nameless := paidOrder(1)
	nameless.Name = ""
	bodies := map[string]string{
		"a page": "<html>", "a word": "null", "an array": "[]", "an empty object": "{}",
		"no name":        listOf(t, nameless),
		"another kind":   strings.Replace(whole, "OrderList", "PaymentLinkList", 1),
		"a Status":       `{"kind":"Status","apiVersion":"v1","status":"Failure","code":410}`,
		"without items":  `{"kind":"OrderList","apiVersion":"payments.paylink.dev/v1alpha1","metadata":{"resourceVersion":"7"}}`,
		"items of words": strings.Replace(listOf(t), `"items":null`, `"items":"none"`, 1),
		"a wrong number": strings.Replace(whole, `"amount":19900`, `"amount":"19900"`, 1),
	}
	for end := 0; end < len(whole); end += 7 {
		bodies[fmt.Sprintf("the first %d bytes", end)] = whole[:end]
	}
	for name, body := range bodies {
		if list, err := decodeList(strings.NewReader(body), newStore()); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %+v, %v, want an error", name, list, err)
		}
	}
}
