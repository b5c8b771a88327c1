// Package stripestate keeps what the controller knows of Stripe in a ConfigMap.
package stripestate

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// ConfigMap keeps how far Stripe's books were read, and what was found, in a ConfigMap: one for each mode, so that
// the key of one never goes on from where that of the other was.
type ConfigMap struct {
	// Reader asks the API server itself: ConfigMaps are not cached.
	Reader client.Reader
	Writer client.Client
	// Namespace is that of the StripeEvents.
	Namespace string
	Live      bool
}

// Name is that of the ConfigMap: paylink-stripe-live or paylink-stripe-test.
func (s *ConfigMap) Name() string { return "paylink-stripe-" + v1alpha1.Mode(s.Live) }

// Read returns what is kept; nothing where nothing was kept yet.
func (s *ConfigMap) Read(ctx context.Context) (map[string]string, error) {
	var kept corev1.ConfigMap
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Name()}, &kept)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read ConfigMap %s: %w", s.Name(), err)
	}
	return kept.Data, nil
}

// Write keeps some values beside those that are kept already; an empty one is removed.
func (s *ConfigMap) Write(ctx context.Context, values map[string]string) error {
	change := map[string]any{}
	for key, value := range values {
		change[key] = value
		if value == "" {
			change[key] = nil
		}
	}
	patch, err := json.Marshal(map[string]any{"data": change})
	if err != nil {
		return err
	}
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name()}}
	err = s.Writer.Patch(ctx, kept, client.RawPatch(types.MergePatchType, patch))
	if apierrors.IsNotFound(err) {
		kept = &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name(), Labels: map[string]string{"app.kubernetes.io/managed-by": "paylink"}},
			Data:       values,
		}
		err = s.Writer.Create(ctx, kept)
	}
	if err != nil {
		return fmt.Errorf("write ConfigMap %s: %w", s.Name(), err)
	}
	return nil
}
