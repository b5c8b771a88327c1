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

// takeNamespace creates the demo's namespace. It waits for one of an earlier run to be deleted, and refuses any other.
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
	d.created = true
	return nil
}

// removeNamespace removes the namespace with its orders from the user's cluster.
func (d *demo) removeNamespace() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := d.api.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove namespace %s: %w", namespace, err)
	}
	return nil
}
