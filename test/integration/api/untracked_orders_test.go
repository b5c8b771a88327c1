package api_test

import (
	"context"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// untrack has the policy of config/admission in force until the test ends.
func untrack(t *testing.T) {
	t.Helper()
	policy := chart.Parse(t, chart.Read(t, "config/admission/untracked_orders.yaml"))
	t.Cleanup(func() {
		for _, o := range policy {
			check.NoError(t, client.IgnoreNotFound(api.Delete(context.WithoutCancel(t.Context()), o)))
		}
		awaitTracked(t, true)
	})
	for _, o := range policy {
		check.Must(t, api.Create(t.Context(), o.DeepCopy(), client.FieldValidation(metav1.FieldValidationStrict)))
	}
	awaitTracked(t, false)
}

// awaitTracked waits until orders are created with managedFields, or without. A policy is in force some time after it was
// created, and that it is in force where the API server does not know the schema of orders yet makes this say 503.
func awaitTracked(t *testing.T, want bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		probe := object(t, order, `{}`)
		err := send(t, probe, func(raw *unstructured.Unstructured) error { return api.Create(ctx, raw, client.DryRunAll) })
		if apierrors.IsServiceUnavailable(err) {
			return false, nil
		}
		return len(probe.GetManagedFields()) > 0 == want, err
	})
	if err != nil {
		t.Fatalf("wait until orders are tracked: %t: %v", want, err)
	}
}

// managers are the names of those who set fields of an object, each with how.
func managers(o *unstructured.Unstructured) []string {
	var found []string
	for _, m := range o.GetManagedFields() {
		found = append(found, m.Manager+" by "+string(m.Operation))
	}
	slices.Sort(found)
	return found
}

// writeStatus writes an order's status twice, as both servers do.
func writeStatus(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	servers := client.WithFieldOwner(api, ledger.FieldOwner)
	for _, change := range []string{`{status: {phase: Pending, clientReferenceId: ref-1, checkoutUrl: "https://buy.stripe.com/abc123"}}`, paidOrder} {
		check.Must(t, servers.Status().Patch(t.Context(), o.DeepCopy(), client.RawPatch(types.MergePatchType, body(t, change))))
	}
}

// TestUntrackedOrders: however an order is created without being applied server-side, it has no managedFields, and gets none.
func TestUntrackedOrders(t *testing.T) {
	untrack(t)
	for name, create := range map[string]func(t *testing.T, namespace string){
		"the API": func(t *testing.T, ns string) {
			o := created(t, order, `{metadata: {generateName: null, name: mine, namespace: `+ns+`}}`)
			if found := managers(o); len(found) > 0 {
				t.Errorf("the answer names %q", found)
			}
		},
		"the checkout API": func(t *testing.T, ns string) {
			o := &v1alpha1.Order{
				ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "mine", Labels: map[string]string{v1alpha1.LabelCheckout: "api"}},
				Spec: v1alpha1.OrderSpec{
					ProductID: "lifetime", Amount: 19900, Currency: "USD", Livemode: ptr.To(true),
					PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
				},
			}
			if err := client.WithFieldOwner(api, ledger.FieldOwner).Create(t.Context(), o); err != nil || len(o.ManagedFields) > 0 {
				t.Fatalf("%v, and the answer has %d managedFields", err, len(o.ManagedFields))
			}
		},
		"kubectl create": func(t *testing.T, ns string) { kubectl(t, ns, "create", "-f", orderFile(t, `{}`)) },
		"kubectl apply": func(t *testing.T, ns string) {
			kubectl(t, ns, "apply", "-f", orderFile(t, `{metadata: {labels: {season: summer, team: sales}}}`))
			kubectl(t, ns, "apply", "-f", orderFile(t, `{metadata: {labels: {team: support}}}`))
			if got := kubectl(t, ns, "get", "payorder/mine", "-o", "jsonpath={.metadata.labels}"); got != `{"team":"support"}` {
				t.Errorf("the labels are %s", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, order, `{metadata: {name: mine, namespace: `+shop(t)+`}}`)
			create(t, o.GetNamespace())
			if found := managers(live(t, o)); len(found) > 0 {
				t.Errorf("it is created with the managers %q", found)
			}
			writeStatus(t, o)
			now := live(t, o)
			if found := managers(now); len(found) > 0 {
				t.Errorf("writing its status leaves the managers %q", found)
			}
			if phase, _, _ := unstructured.NestedString(now.Object, "status", "phase"); phase != string(v1alpha1.OrderPaid) {
				t.Errorf("it is %s", phase)
			}
		})
	}
}

// TestAppliedOrders are tracked nevertheless: server-side apply takes away what it once set by knowing that it did.
func TestAppliedOrders(t *testing.T) {
	untrack(t)
	for name, row := range map[string]struct {
		before func(t *testing.T, namespace string)
		also   []string
	}{
		"from the start": {before: func(*testing.T, string) {}},
		"later": {
			func(t *testing.T, ns string) { kubectl(t, ns, "create", "-f", orderFile(t, `{}`)) },
			[]string{"before-first-apply by Update"}, // whoever it was
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, order, `{metadata: {name: mine, namespace: `+shop(t)+`}}`)
			row.before(t, o.GetNamespace())
			apply := func(labels string) *unstructured.Unstructured {
				kubectl(t, o.GetNamespace(), "apply", "--server-side", "--field-manager=git", "-f", orderFile(t, `{metadata: {labels: `+labels+`}}`))
				return live(t, o)
			}
			want := append(row.also, "git by Apply")
			if found := managers(apply(`{season: summer, team: sales}`)); !slices.Equal(found, want) {
				t.Errorf("its managers are %q, not %q", found, want)
			}
			writeStatus(t, o)
			want = append(want, ledger.FieldOwner+" by Update")
			now := apply(`{team: support}`)
			if found := managers(now); !slices.Equal(found, want) {
				t.Errorf("its managers are then %q, not %q", found, want)
			}
			if labels := now.GetLabels(); len(labels) != 1 || labels["team"] != "support" {
				t.Errorf("its labels are %v", labels)
			}
		})
	}
}
