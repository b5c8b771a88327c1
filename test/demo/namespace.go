package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/internal/setup"
)

// takeNamespace makes the demo's namespace. One of an earlier run may still be going away; one that is somebody's is
// not touched.
func (d *demo) takeNamespace(ctx context.Context) error {
	scheme, err := setup.Scheme()
	if err != nil {
		return err
	}
	if d.api, err = client.New(d.cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	var there corev1.Namespace
	err = poll(ctx, func(ctx context.Context) (bool, error) {
		err := d.api.Get(ctx, client.ObjectKey{Name: namespace}, &there)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err == nil && there.DeletionTimestamp.IsZero() {
			err = fmt.Errorf("namespace %s is there already: if it is of no use, kubectl delete namespace %s", namespace, namespace)
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("take namespace %s: %w", namespace, err)
	}
	if err := d.api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return fmt.Errorf("create namespace %s: %w", namespace, err)
	}
	d.sells = true
	return nil
}

// leaveNamespace removes the namespace, and all that was sold in it, from a cluster that is not ours.
func (d *demo) leaveNamespace() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := d.api.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove namespace %s: %w", namespace, err)
	}
	return nil
}
