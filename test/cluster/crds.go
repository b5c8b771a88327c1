package cluster

import (
	"context"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// CRDs is where the checkout keeps Paylink's custom resource definitions.
const CRDs = "config/crd/bases"

// InstallCRDs creates or updates the custom resource definitions in a folder and returns when the API server
// serves them. A relative path is taken from the checkout's folder.
func (c *Cluster) InstallCRDs(ctx context.Context, dir string) error {
	path, err := inRepository(ctx, dir)
	if err != nil {
		return err
	}
	found := envtest.CRDInstallOptions{Paths: []string{path}, ErrorIfPathMissing: true}
	if err := envtest.ReadCRDFiles(&found); err != nil {
		return fmt.Errorf("read the CRDs: %w", err)
	}
	if len(found.CRDs) == 0 {
		return fmt.Errorf("read the CRDs: there are none in %s", dir)
	}
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		return err
	}
	api, err := client.New(c.config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	for _, crd := range found.CRDs {
		if err := applyCRD(ctx, api, crd); err != nil {
			return fmt.Errorf("install CRD %s: %w", crd.Name, err)
		}
	}
	if err := envtest.WaitForCRDs(c.config, found.CRDs, envtest.CRDInstallOptions{MaxTime: time.Minute, PollInterval: 50 * time.Millisecond}); err != nil {
		return fmt.Errorf("wait for the CRDs to be served: %w", err)
	}
	return nil
}

// applyCRD writes one definition and waits until it is established.
func applyCRD(ctx context.Context, api client.Client, crd *apiextensionsv1.CustomResourceDefinition) error {
	err := api.Create(ctx, crd)
	if apierrors.IsAlreadyExists(err) {
		current := &apiextensionsv1.CustomResourceDefinition{}
		if err := api.Get(ctx, client.ObjectKeyFromObject(crd), current); err != nil {
			return err
		}
		crd.ResourceVersion = current.ResourceVersion
		err = api.Update(ctx, crd)
	}
	if err != nil {
		return err
	}
	last := "it has no conditions yet"
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		if err := api.Get(ctx, client.ObjectKeyFromObject(crd), crd); err != nil {
			return false, err
		}
		for _, condition := range crd.Status.Conditions {
			if condition.Type == apiextensionsv1.Established {
				last = condition.Message
				return condition.Status == apiextensionsv1.ConditionTrue, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("wait until it is established: %w (%s)", err, last)
	}
	return nil
}
