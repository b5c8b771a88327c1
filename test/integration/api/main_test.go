// Package api_test asks a real API server what it makes of Orders, PaymentLinks and StripeEvents: what it refuses
// and how it says so, what it fills in, and what kubectl shows.
package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
)

var (
	shared *cluster.Cluster
	api    client.Client
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	goleak.VerifyTestMain(cluster.Around(m, cluster.Options{}, func(ctx context.Context, c *cluster.Cluster) error {
		scheme := runtime.NewScheme()
		shared = c
		return errors.Join(
			v1alpha1.AddToScheme(scheme),
			c.InstallCRDs(ctx, cluster.CRDs),
			c.InstallCRDs(ctx, "test/integration/api/testdata"),
			connect(scheme),
		)
	}))
}

func connect(scheme *runtime.Scheme) (err error) {
	api, err = client.New(shared.Config(), client.Options{Scheme: scheme})
	return err
}

// The least that each kind needs; every case changes something about one of them.
const (
	order = `
apiVersion: payments.paylink.dev/v1alpha1
kind: Order
metadata: {generateName: case-, namespace: default}
spec: {productId: lifetime, amount: 19900, currency: USD, paymentLinkRef: {name: lifetime}}`

	paymentLink = `
apiVersion: payments.paylink.dev/v1alpha1
kind: PaymentLink
metadata: {generateName: case-, namespace: default}
spec: {productId: lifetime, amount: 19900, currency: USD, url: "https://buy.stripe.com/abc123"}`

	stripeEvent = `
apiVersion: payments.paylink.dev/v1alpha1
kind: StripeEvent
metadata: {generateName: case-, namespace: default}
spec:
  fact:
    eventId: evt_1
    type: checkout.session.completed
    created: "2026-01-02T03:04:05Z"
    livemode: true
    clientReferenceId: order-1
    paymentIntentId: pi_1
    session: {id: cs_1, outcome: Paid, amount: 19900, currency: usd}`
)

// object reads a manifest with a change laid over it, as a merge patch is: null removes.
func object(t *testing.T, manifest, change string) *unstructured.Unstructured {
	t.Helper()
	return &unstructured.Unstructured{Object: merge(read(t, manifest), read(t, change))}
}

func read(t *testing.T, text string) map[string]any {
	t.Helper()
	var content map[string]any
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.UseNumber() // 19900 and 19.9 reach the server as they are written
	if err := decoder.Decode(&content); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return content
}

func merge(base, change map[string]any) map[string]any {
	merged := maps.Clone(base)
	for key, value := range change {
		below, ok := value.(map[string]any)
		if onto, both := merged[key].(map[string]any); ok && both {
			value = merge(onto, below)
		} else if ok {
			value = merge(map[string]any{}, below)
		}
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = value
		}
	}
	return merged
}

// created creates the object for real and fails the test if the server does not take it.
func created(t *testing.T, manifest, change string) *unstructured.Unstructured {
	t.Helper()
	o := object(t, manifest, change)
	if err := send(t, o, func(raw *unstructured.Unstructured) error { return api.Create(t.Context(), raw) }); err != nil {
		t.Fatalf("create %s: %v", change, err)
	}
	return o
}

// withStatus creates an object and gives it a status.
func withStatus(t *testing.T, manifest, change, status string) *unstructured.Unstructured {
	t.Helper()
	o := created(t, manifest, change)
	if err := patchStatus(t, o, types.MergePatchType, status); err != nil {
		t.Fatalf("give it the status %s: %v", status, err)
	}
	return o
}

// send hands an object with json.Numbers to a client, and takes over what the server answered if it took it.
func send(t *testing.T, o *unstructured.Unstructured, by func(*unstructured.Unstructured) error) error {
	t.Helper()
	raw, err := json.Marshal(o.Object)
	check.Must(t, err)
	sent := &unstructured.Unstructured{}
	check.Must(t, sent.UnmarshalJSON(raw))
	if err := by(sent); err != nil {
		return err
	}
	o.Object = sent.Object
	return nil
}

// body is a change in JSON, as it goes over the wire.
func body(t *testing.T, change string) []byte {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(change))
	if err != nil {
		t.Fatalf("%s: %v", change, err)
	}
	return raw
}

func patch(t *testing.T, o *unstructured.Unstructured, change string) error {
	t.Helper()
	return api.Patch(t.Context(), o.DeepCopy(), client.RawPatch(types.MergePatchType, body(t, change)))
}

func patchStatus(t *testing.T, o *unstructured.Unstructured, kind types.PatchType, change string) error {
	t.Helper()
	return api.Status().Patch(t.Context(), o.DeepCopy(), client.RawPatch(kind, body(t, change)))
}

// live reads the object as it is now.
func live(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	now := &unstructured.Unstructured{}
	now.SetGroupVersionKind(o.GroupVersionKind())
	check.Must(t, api.Get(t.Context(), client.ObjectKeyFromObject(o), now))
	return now
}

// refused fails the test unless the server called the object invalid, naming the field and saying these words.
func refused(t *testing.T, err error, field, says string) {
	t.Helper()
	var answer apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &answer) {
		t.Fatalf("the server said %v, want it to refuse %s: %s", err, field, says)
	}
	var causes []metav1.StatusCause
	if details := answer.Status().Details; details != nil {
		causes = details.Causes
	}
	for _, cause := range causes {
		if cause.Field == field && strings.Contains(cause.Message, says) {
			return
		}
	}
	t.Errorf("the server refused for another reason than %s: %s\n%v", field, says, err)
}
