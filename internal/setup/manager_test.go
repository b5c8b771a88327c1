package setup_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/check"
)

// newMapper returns the REST mapper of a cluster with Paylink's CRDs.
func newMapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	for _, kind := range []string{"Order", "PaymentLink", "StripeEvent"} {
		mapper.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	return mapper, nil
}

// TestManager checks the options of a manager against the flags.
func TestManager(t *testing.T) {
	for name, row := range map[string]struct {
		args    []string
		watched []string
		secure  bool
	}{
		"all namespaces": {nil, nil, true},
		"two of them":    {[]string{"--metrics-secure=false", "--watch-namespaces=shop,annex"}, []string{"annex", "shop"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, append(row.args, "--metrics-bind-address=0", "--health-probe-bind-address=0")...)
			o.EventNamespace = "paylink-system"
			var got ctrl.Options
			mgr, err := o.NewManager(&rest.Config{Host: "127.0.0.1:1"}, func(options *ctrl.Options) {
				options.MapperProvider = newMapper
				got = *options
			})
			check.Must(t, err)
			if diff := cmp.Diff(row.watched, slices.Sorted(maps.Keys(got.Cache.DefaultNamespaces))); diff != "" {
				t.Errorf("watched namespaces (-want +got): %s", diff)
			}
			for kind, by := range got.Cache.ByObject {
				if _, ok := kind.(*v1alpha1.StripeEvent); !ok {
					t.Errorf("got cache options for %T, want them for StripeEvents only", kind)
				}
				if diff := cmp.Diff([]string{"paylink-system"}, slices.Sorted(maps.Keys(by.Namespaces))); diff != "" {
					t.Errorf("namespaces of StripeEvents (-want +got): %s", diff)
				}
			}
			if (got.Metrics.FilterProvider != nil) != row.secure || got.Metrics.SecureServing != row.secure {
				t.Errorf("got metrics options %+v, want secure %t", got.Metrics, row.secure)
			}
			// A read of one Secret must not cache every Secret of the cluster.
			var missing *cache.ErrResourceNotCached
			if err := mgr.GetClient().Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "stripe"}, &corev1.Secret{}); !errors.As(err, &missing) {
				t.Errorf("read of a kind without a cache: got error %v, want %T", err, missing)
			}
		})
	}
}

// TestOneFieldManager: all writes have one field manager, which keeps managedFields short.
func TestOneFieldManager(t *testing.T) {
	requests := make(chan string, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Method + " " + r.URL.Path + " by " + r.URL.Query().Get("fieldManager")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"payments.paylink.dev/v1alpha1","kind":"Order"}`)
	}))
	defer api.Close()
	o := parse(t, "--metrics-bind-address=0", "--health-probe-bind-address=0")
	o.EventNamespace = "paylink-system"
	mgr, err := o.NewManager(&rest.Config{Host: api.URL}, func(options *ctrl.Options) { options.MapperProvider = newMapper })
	check.Must(t, err)
	before := &v1alpha1.Order{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "o1"}}
	after := before.DeepCopy()
	after.Status.Phase = v1alpha1.OrderPaid
	check.Must(t, mgr.GetClient().Status().Patch(t.Context(), after, client.MergeFrom(before)))
	if got, want := <-requests, "PATCH /apis/payments.paylink.dev/v1alpha1/namespaces/shop/orders/o1/status by paylink"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestScheme: the scheme knows the kinds of Kubernetes and of Paylink.
func TestScheme(t *testing.T) {
	scheme, err := setup.Scheme()
	check.Must(t, err)
	for _, object := range []client.Object{&v1alpha1.Order{}, &v1alpha1.PaymentLink{}, &v1alpha1.StripeEvent{}, &corev1.Event{}} {
		if _, _, err := scheme.ObjectKinds(object); err != nil {
			t.Error(err)
		}
	}
}
