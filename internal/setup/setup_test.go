package setup_test

import (
	"errors"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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
)

// parse reads flags as a server's command does.
func parse(t *testing.T, args ...string) *setup.Options {
	t.Helper()
	o := &setup.Options{}
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	o.Bind(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFlags(t *testing.T) {
	type settings struct {
		Metrics, Probe string
		Secure         bool
		Namespaces     []string
	}
	for name, row := range map[string]struct {
		args []string
		want settings
	}{
		"none":                 {nil, settings{":8443", ":8081", true, nil}},
		"metrics off":          {[]string{"--metrics-bind-address=0", "--health-probe-bind-address=0"}, settings{"0", "0", true, nil}},
		"metrics to anybody":   {[]string{"--metrics-bind-address=:8080", "--metrics-secure=false"}, settings{":8080", ":8081", false, nil}},
		"one namespace":        {[]string{"--watch-namespaces=shop"}, settings{":8443", ":8081", true, []string{"shop"}}},
		"several":              {[]string{"--watch-namespaces=shop,annex"}, settings{":8443", ":8081", true, []string{"shop", "annex"}}},
		"several, with spaces": {[]string{"--watch-namespaces= shop, annex ,"}, settings{":8443", ":8081", true, []string{"shop", "annex"}}},
		"blank means all":      {[]string{"--watch-namespaces= , "}, settings{":8443", ":8081", true, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, row.args...)
			got := settings{o.MetricsAddress, o.ProbeAddress, o.MetricsSecure, o.Namespaces()}
			if len(got.Namespaces) == 0 {
				got.Namespaces = nil
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestComplete: without a namespace of its own a server would not know where to keep what it cannot apply.
func TestComplete(t *testing.T) {
	for value, want := range map[string]string{"paylink-system": "paylink-system", " paylink-system\n": "paylink-system", "": "", " \n": ""} {
		t.Setenv("POD_NAMESPACE", value)
		o := parse(t)
		err := o.Complete()
		if o.EventNamespace != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", value, o.EventNamespace, err)
		}
		if err != nil && !strings.Contains(err.Error(), "POD_NAMESPACE is not set: set it to") {
			t.Errorf("%q does not say what to do", err)
		}
	}
}

// kinds answers, in a cluster's stead, which kinds there are.
func kinds(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	for _, kind := range []string{"Order", "PaymentLink", "StripeEvent"} {
		mapper.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	return mapper, nil
}

// TestManager looks at what is made of the flags.
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
			var made ctrl.Options
			mgr, err := o.NewManager(&rest.Config{Host: "127.0.0.1:1"}, func(options *ctrl.Options) {
				options.MapperProvider = kinds
				made = *options
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.watched, slices.Sorted(maps.Keys(made.Cache.DefaultNamespaces))); diff != "" {
				t.Errorf("watched: %s", diff)
			}
			for kind, by := range made.Cache.ByObject {
				if _, is := kind.(*v1alpha1.StripeEvent); !is {
					t.Errorf("%T is cached in its own way", kind)
				}
				if diff := cmp.Diff([]string{"paylink-system"}, slices.Sorted(maps.Keys(by.Namespaces))); diff != "" {
					t.Errorf("events: %s", diff)
				}
			}
			if (made.Metrics.FilterProvider != nil) != row.secure || made.Metrics.SecureServing != row.secure {
				t.Errorf("metrics are served as %+v", made.Metrics)
			}
			// A look at a Secret must not end in a copy of every Secret of the cluster.
			var missing *cache.ErrResourceNotCached
			if err := mgr.GetClient().Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "stripe"}, &corev1.Secret{}); !errors.As(err, &missing) {
				t.Errorf("a kind that is not meant to be cached: %v", err)
			}
		})
	}
}

// TestOneFieldManager: both servers write under one name, which keeps an object's managed fields short.
func TestOneFieldManager(t *testing.T) {
	asked := make(chan string, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path + " by " + r.URL.Query().Get("fieldManager")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"payments.paylink.dev/v1alpha1","kind":"Order"}`)
	}))
	defer api.Close()
	o := parse(t, "--metrics-bind-address=0", "--health-probe-bind-address=0")
	o.EventNamespace = "paylink-system"
	mgr, err := o.NewManager(&rest.Config{Host: api.URL}, func(options *ctrl.Options) { options.MapperProvider = kinds })
	if err != nil {
		t.Fatal(err)
	}
	before := &v1alpha1.Order{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "o1"}}
	after := before.DeepCopy()
	after.Status.Phase = v1alpha1.OrderPaid
	if err := mgr.GetClient().Status().Patch(t.Context(), after, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	if got, want := <-asked, "PATCH /apis/payments.paylink.dev/v1alpha1/namespaces/shop/orders/o1/status by paylink"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// TestScheme knows Kubernetes' own kinds, for leases and Events, and ours.
func TestScheme(t *testing.T) {
	scheme, err := setup.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []client.Object{&v1alpha1.Order{}, &v1alpha1.PaymentLink{}, &v1alpha1.StripeEvent{}, &corev1.Event{}} {
		if _, _, err := scheme.ObjectKinds(object); err != nil {
			t.Error(err)
		}
	}
}
