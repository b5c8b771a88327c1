// Package stripestate stores the state of the controller's work at Stripe in a ConfigMap.
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

// ConfigMap stores the progress of reading from Stripe, and its results, for people too. Each mode has its own ConfigMap, so
// that the API key of one mode never continues the progress of the other.
type ConfigMap struct {
	// Reader reads from the API server: ConfigMaps are not cached.
	Reader client.Reader
	Writer client.Client
	// Namespace is the namespace of the StripeEvents.
	Namespace string
	Live      bool
}

// Name returns the name of the ConfigMap: paylink-stripe-live or paylink-stripe-test.
func (s *ConfigMap) Name() string { return "paylink-stripe-" + v1alpha1.Mode(s.Live) }

// Read returns the values; none if the ConfigMap does not exist.
func (s *ConfigMap) Read(ctx context.Context) (map[string]string, error) {
	var current corev1.ConfigMap
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Name()}, &current)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read ConfigMap %s: %w", s.Name(), err)
	}
	return current.Data, nil
}

// Write sets some values, and removes those that are empty. Other values stay.
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
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name()}}
	err = s.Writer.Patch(ctx, configMap, client.RawPatch(types.MergePatchType, patch))
	if apierrors.IsNotFound(err) {
		configMap = &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name(), Labels: map[string]string{"app.kubernetes.io/managed-by": "paylink"}},
			Data:       values,
		}
		err = s.Writer.Create(ctx, configMap)
	}
	if err != nil {
		return fmt.Errorf("write ConfigMap %s: %w", s.Name(), err)
	}
	return nil
}
