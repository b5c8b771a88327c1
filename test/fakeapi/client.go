package fakeapi

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
)

// Builder returns controller-runtime's builder of a fake client that holds the objects. Selecting by a field that is
// neither indexed nor selectable in the CRD fails, as it does at the API server.
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

// Indexer is the client.FieldIndexer of a fake client, for a package's Index function.
type Indexer struct{ *fake.ClientBuilder }

// IndexField registers one index.
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
