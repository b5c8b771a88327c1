package ordercache

import (
	"bufio"
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

func decoderOf(stream io.Reader) *decoder {
	body := io.NopCloser(stream)
	return &decoder{body: body, lines: bufio.NewReaderSize(body, 4096), shelf: newShelf()}
}

// decode reads the first event of a stream.
func decode(t testing.TB, stream string) (watch.EventType, runtime.Object, error) {
	t.Helper()
	return decoderOf(strings.NewReader(stream)).Decode()
}

// line is an event as the API server sends it.
func line(t testing.TB, kind watch.EventType, object any) string {
	t.Helper()
	content, err := json.Marshal(map[string]any{"type": kind, "object": object})
	if err != nil {
		t.Fatal(err)
	}
	return string(content) + "\n"
}

func TestEventsAreRead(t *testing.T) {
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
		stream.WriteString(strings.Repeat("\r\n", n%2)) // which says nothing
		orders = append(orders, kept(o))
	}
	d := decoderOf(strings.NewReader(stream.String()))
	for n := range kinds {
		is, event, err := d.Decode()
		if err != nil {
			t.Fatal(err)
		}
		o, err := event.(*packed).unpack()
		if err != nil || is != kinds[n] || !same(o, orders[n]) {
			t.Fatalf("event %d, %s: %v: %s", n, is, err, cmp.Diff(orders[n], o))
		}
	}
	if _, _, err := d.Decode(); err != io.EOF { //nolint:errorlint // client-go compares so
		t.Errorf("after the last event: %v", err)
	}
}

// TestWhatAnOrderHasMore is passed over: managedFields, and fields that a later version has.
func TestWhatAnOrderHasMore(t *testing.T) {
	stream := `{"type":"ADDED","also":1,"object":{"kind":"Order","apiVersion":"payments.paylink.dev/v1alpha1","new":{"a":[1]},` +
		`"metadata":{"name":"a","namespace":"shop","resourceVersion":"7","managedFields":[{"time":"no time","fieldsV1":[]}],"later":"x"},` +
		`"spec":{"productId":"p","amount":1,"currency":"USD","tip":{"amount":2}},"status":{"phase":"Paid","mood":"good"}}}` + "\n"
	_, event, err := decode(t, stream)
	if err != nil {
		t.Fatal(err)
	}
	o, err := event.(*packed).unpack()
	if err != nil || o.Name != "a" || o.Spec.Amount != 1 || o.Status.Phase != "Paid" || o.ResourceVersion != "7" || o.ManagedFields != nil {
		t.Errorf("%v: %+v", err, o)
	}
}

func TestBookmarksAreRead(t *testing.T) {
	for _, end := range []bool{false, true} {
		meta := map[string]any{"resourceVersion": "12345", "creationTimestamp": nil}
		if end {
			meta["annotations"] = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
		}
		is, event, err := decode(t, line(t, watch.Bookmark, map[string]any{
			"kind": "Order", "apiVersion": "payments.paylink.dev/v1alpha1", "metadata": meta, "spec": map[string]any{},
		}))
		if err != nil || is != watch.Bookmark {
			t.Fatalf("%s: %v", is, err)
		}
		b := event.(*packed)
		if b.GetResourceVersion() != "12345" || (b.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true") != end || len(b.keys()) != 0 {
			t.Errorf("%+v", b)
		}
	}
}

func TestErrorsAreRead(t *testing.T) {
	gone := apierrors.NewResourceExpired("too old resource version").Status()
	for name, status := range map[string]any{
		"gone":       gone,
		"a code":     map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "code": 410, "reason": "Expired"},
		"with words": map[string]any{"kind": "Status", "status": "Failure", "message": "etcd is away", "reason": "Expired", "code": 410},
	} {
		t.Run(name, func(t *testing.T) {
			is, event, err := decode(t, line(t, watch.Error, status))
			if err != nil || is != watch.Error || !apierrors.IsResourceExpired(apierrors.FromObject(event)) {
				t.Errorf("%s %+v: %v", is, event, err)
			}
		})
	}
}

func TestJunkIsNoOrder(t *testing.T) {
	whole := line(t, watch.Added, paidOrder(1))
	nameless, stranger := paidOrder(1), paidOrder(1)
	nameless.Name, stranger.Kind = "", "PaymentLink"
	for name, stream := range map[string]string{
		"an unknown type":    line(t, "RENAMED", paidOrder(1)),
		"no type":            line(t, "", paidOrder(1)),
		"no object":          `{"type":"ADDED"}` + "\n",
		"null":               `{"type":"ADDED","object":null}` + "\n",
		"no name":            line(t, watch.Added, nameless),
		"another kind":       line(t, watch.Modified, stranger),
		"a Status, as added": line(t, watch.Added, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410}),
		"a page":             "<html>\n",
		"a word":             "null\n",
		"a list":             "[]\n",
		"a wrong number":     strings.Replace(whole, `"amount":19900`, `"amount":"19900"`, 1),
		"a wrong time":       strings.Replace(whole, `"paidAt":"2026`, `"paidAt":"twenty`, 1),
		"zeros":              strings.Repeat("\x00", 5000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			if is, event, err := decode(t, stream); err == nil {
				t.Errorf("it is read as %s %+v", is, event)
			} else if errors.Is(err, io.EOF) {
				t.Errorf("it is taken for an end: %v", err)
			}
		})
	}
}

// TestATruncatedEventIsNoEvent: whatever of an event came before the connection was cut.
func TestATruncatedEventIsNoEvent(t *testing.T) {
	whole := line(t, watch.Added, paidOrder(1))
	for end := 1; end < len(whole); end++ {
		if is, _, err := decode(t, whole[:end]); err != io.ErrUnexpectedEOF { //nolint:errorlint // client-go compares so
			t.Fatalf("the first %d bytes are read as %s, %v", end, is, err)
		}
	}
	for _, nothing := range []string{"", "\n", " \r\n \n"} {
		if _, _, err := decode(t, nothing); err != io.EOF { //nolint:errorlint // client-go compares so
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

// TestALongLine is read whole, and harms none after it.
func TestALongLine(t *testing.T) {
	long := paidOrder(1)
	long.Annotations = map[string]string{"long": strings.Repeat("long ", 700_000)}
	d := decoderOf(strings.NewReader(line(t, watch.Added, long) + line(t, watch.Added, paidOrder(2)) + line(t, watch.Deleted, long)))
	for _, want := range []*v1alpha1.Order{kept(long), kept(paidOrder(2)), kept(long)} {
		_, event, err := d.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if o, err := event.(*packed).unpack(); err != nil || !same(o, want) {
			t.Errorf("%v: %.500s", err, cmp.Diff(want, o))
		}
	}
}
