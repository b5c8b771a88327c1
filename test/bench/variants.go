package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/typed/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
)

// onlyMetadata asks for no more of the answer than the ledger does.
const onlyMetadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

// variant is a way to write a status, or a cluster to write it to.
type variant struct {
	name    string
	stopped bool                                                    // nobody watches
	crd     func(*apiextensionsv1.CustomResourceDefinition)         // another definition
	tracked bool                                                    // orders with managedFields
	request func(api rest.Interface, patch, o []byte) *rest.Request // another request
}

// variants of a write; the first is how the ledger writes.
func variants() []variant {
	asMergePatch := func(api rest.Interface, patch, _ []byte) *rest.Request {
		return api.Patch(types.MergePatchType).SetHeader("Accept", onlyMetadata).Body(patch)
	}
	return []variant{
		{name: "merge patch, answered by the metadata (as Paylink writes)", request: asMergePatch},
		{name: "merge patch, answered by the whole order", request: func(api rest.Interface, patch, _ []byte) *rest.Request {
			return api.Patch(types.MergePatchType).Body(patch)
		}},
		{name: "JSON patch", request: func(api rest.Interface, patch, _ []byte) *rest.Request {
			return api.Patch(types.JSONPatchType).SetHeader("Accept", onlyMetadata).Body(jsonPatch(patch))
		}},
		{name: "update (PUT) of the whole status", request: func(api rest.Interface, _, o []byte) *rest.Request {
			return api.Put().SetHeader("Accept", onlyMetadata).SetHeader("Content-Type", "application/json").Body(o)
		}},
		{name: "server-side apply", request: func(api rest.Interface, patch, _ []byte) *rest.Request {
			return api.Patch(types.ApplyPatchType).SetHeader("Accept", onlyMetadata).Param("force", "true").Body(asApply(patch))
		}},
		{name: "merge patch, nobody watches", stopped: true, request: asMergePatch},
		{name: "merge patch, CRD without CEL rules", crd: func(crd *apiextensionsv1.CustomResourceDefinition) {
			withoutRules(crd.Spec.Versions[0].Schema.OpenAPIV3Schema)
		}, request: asMergePatch},
		{name: "merge patch, payments and conditions as atomic lists", crd: func(crd *apiextensionsv1.CustomResourceDefinition) {
			status := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["status"]
			for _, list := range []string{"payments", "conditions"} {
				schema := status.Properties[list]
				atomic := "atomic"
				schema.XListType, schema.XListMapKeys = &atomic, nil
				status.Properties[list] = schema
			}
		}, request: asMergePatch},
		{name: "merge patch, CRD without selectable fields", crd: func(crd *apiextensionsv1.CustomResourceDefinition) {
			crd.Spec.Versions[0].SelectableFields = nil
		}, request: asMergePatch},
		{name: "merge patch, orders that were created with managedFields", tracked: true, request: asMergePatch},
	}
}

// withoutRules takes all CEL rules out of a schema.
func withoutRules(s *apiextensionsv1.JSONSchemaProps) {
	s.XValidations = nil
	for name, property := range s.Properties {
		withoutRules(&property)
		s.Properties[name] = property
	}
	if s.Items != nil && s.Items.Schema != nil {
		withoutRules(s.Items.Schema)
	}
}

// jsonPatch is a merge patch as a JSON patch.
func jsonPatch(merge []byte) []byte {
	var m struct {
		Metadata struct{ ResourceVersion string }
		Status   map[string]any
	}
	if err := json.Unmarshal(merge, &m); err != nil {
		panic(err) // it was made here
	}
	operations := []map[string]any{{"op": "test", "path": "/metadata/resourceVersion", "value": m.Metadata.ResourceVersion}}
	for field, value := range m.Status {
		operations = append(operations, map[string]any{"op": "add", "path": "/status/" + field, "value": value})
	}
	content, _ := json.Marshal(operations)
	return content
}

// asApply is a merge patch as what is applied.
func asApply(merge []byte) []byte {
	var m map[string]any
	if err := json.Unmarshal(merge, &m); err != nil {
		panic(err) // it was made here
	}
	m["apiVersion"], m["kind"] = v1alpha1.GroupVersion.String(), "Order"
	content, _ := json.Marshal(m)
	return content
}

// define changes the CRD of orders, from how it is delivered.
func (w *environment) define(ctx context.Context, change func(*apiextensionsv1.CustomResourceDefinition)) error {
	dir, err := cluster.Repository(ctx)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(dir, cluster.CRDs, v1alpha1.GroupVersion.Group+"_orders.yaml"))
	if err != nil {
		return err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(content, crd); err != nil {
		return err
	}
	change(crd)
	client, err := apiextensions.NewForConfig(w.cluster.Config())
	if err != nil {
		return err
	}
	there, err := client.CustomResourceDefinitions().Get(ctx, crd.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	there.Spec.Versions = crd.Spec.Versions
	if _, err = client.CustomResourceDefinitions().Update(ctx, there, metav1.UpdateOptions{}); err != nil {
		return err
	}
	select {
	case <-time.After(3 * time.Second): // the API server takes it up in the background, and says nothing of it
		return w.settle(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}
