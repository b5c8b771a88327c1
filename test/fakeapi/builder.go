// Package fakeapi is an API server for unit tests: controller-runtime's fake client with Paylink's kinds, the indices
// that a cache has, and the fields that the CRDs let the API server select by.
package fakeapi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// Builder returns a builder of a client that holds the objects. Selecting by a field that neither a cache nor the
// CRDs know fails, as it does at the API server.
func Builder(t testing.TB, objects ...client.Object) *fake.ClientBuilder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	kinds := []client.Object{&v1alpha1.Order{}, &v1alpha1.PaymentLink{}, &v1alpha1.StripeEvent{}}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(kinds...).WithObjects(objects...).
		WithInterceptorFuncs(interceptor.Funcs{List: listNames})
	if err := ledger.Index(t.Context(), Indexer{builder}); err != nil {
		t.Fatal(err)
	}
	for plural, kind := range map[string]client.Object{"orders": kinds[0], "paymentlinks": kinds[1], "stripeevents": kinds[2]} {
		for _, field := range CRD(t, plural).Spec.Versions[0].SelectableFields {
			path := strings.TrimPrefix(field.JSONPath, ".")
			builder.WithIndex(kind, path, valueAt(path))
		}
	}
	return builder
}

// Indexer gives a cache's indices to the fake client, as a package's Index function registers them.
type Indexer struct{ *fake.ClientBuilder }

// IndexField registers one.
func (i Indexer) IndexField(_ context.Context, object client.Object, field string, keys client.IndexerFunc) error {
	i.WithIndex(object, field, keys)
	return nil
}

// valueAt selects as the API server does: a field that is unset is the empty string.
func valueAt(path string) client.IndexerFunc {
	return func(o client.Object) []string {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			return nil
		}
		value, _, err := unstructured.NestedString(content, strings.Split(path, ".")...)
		if err != nil {
			return nil
		}
		return []string{value}
	}
}

// CRD returns the definition of one of Paylink's kinds, of the checkout that the test runs in.
func CRD(t testing.TB, plural string) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	all, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	if all[plural] == nil {
		t.Fatalf("there is no definition of %s", plural)
	}
	return all[plural]
}

// definitions reads all there are, once.
var definitions = sync.OnceValues(func() (map[string]*apiextensionsv1.CustomResourceDefinition, error) {
	root, err := checkout()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return nil, err
	}
	all := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(content, crd); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		all[crd.Spec.Names.Plural] = crd
	}
	return all, nil
})

// checkout finds the folder of go.mod, upwards from the test's own.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no go.mod in any folder above the test's")
}
