package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// writes measures what a status write costs in each variant, and then in clusters that run otherwise. A quick run leaves out
// those that take long to set up.
func (w *world) writes(ctx context.Context, n int, quick bool) ([]WriteRow, error) {
	all := variants()
	if quick {
		all = slices.DeleteFunc(all, func(v variant) bool { return v.stopped || v.crd != nil })
	}
	if _, err := w.write(ctx, all[0], n); err != nil { // all is warm then
		return nil, err
	}
	var rows []WriteRow
	for _, v := range all {
		row, err := w.write(ctx, v, n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		rows = append(rows, row)
	}
	others := []struct {
		name, gogc string
		flags      []string
	}{
		{"merge patch, API server with GOGC=400", "400", nil},
		{"merge patch, API server that keeps CBOR in etcd (alpha)", "", []string{"--feature-gates=CBORServingAndStorage=true"}},
	}
	if quick {
		others = nil
	}
	for _, c := range others {
		row, err := elsewhere(ctx, all[0], n, c.gogc, c.flags)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		row.Variant = c.name
		rows = append(rows, row)
	}
	sale, err := w.sale(ctx, n)
	if err != nil {
		return nil, err
	}
	rows = append(rows, sale)
	for i := range rows {
		rows[i].Ratio = float64(rows[i].APIServer) / float64(rows[0].APIServer)
	}
	return rows, nil
}

// sale measures all writes of a sale: an order is created, gets its checkout URL, and is paid.
func (w *world) sale(ctx context.Context, n int) (WriteRow, error) {
	before, err := w.cpu()
	if err != nil {
		return WriteRow{}, err
	}
	orders, err := w.orders(ctx, n)
	if err != nil {
		return WriteRow{}, err
	}
	bodies, err := payments(ctx, orders)
	if err != nil {
		return WriteRow{}, err
	}
	pay, err := w.webhooks(orders, bodies)
	if err != nil {
		return WriteRow{}, err
	}
	if _, err := timed(ctx, n, 8, pay); err != nil {
		return WriteRow{}, err
	}
	if err := w.settle(ctx); err != nil {
		return WriteRow{}, err
	}
	after, err := w.cpu()
	of := func(program string) time.Duration { return (after[program] - before[program]) / time.Duration(n) }
	return WriteRow{
		Variant: "a whole sale: created, checkout URL, paid", APIServer: of("kube-apiserver"), Etcd: of("etcd"), Bytes: w.templates.bytes,
	}, err
}

// elsewhere measures a variant in another cluster, with another GOGC where it is not empty.
func elsewhere(ctx context.Context, v variant, n int, gogc string, flags []string) (row WriteRow, err error) {
	if gogc != "" {
		before, was := os.LookupEnv("GOGC")
		if err := os.Setenv("GOGC", gogc); err != nil { // which the cluster's processes inherit
			return row, err
		}
		defer func() {
			if was {
				_ = os.Setenv("GOGC", before)
			} else {
				_ = os.Unsetenv("GOGC")
			}
		}()
	}
	w, err := openWorld(ctx, flags...)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if _, err := w.write(ctx, v, n); err != nil { // all is warm then
		return row, err
	}
	return w.write(ctx, v, n)
}

// write measures one variant.
func (w *world) write(ctx context.Context, v variant, n int) (row WriteRow, err error) {
	if v.crd != nil {
		if err := w.define(ctx, v.crd); err != nil {
			return row, err
		}
		defer func() {
			if e := w.define(ctx, func(*apiextensionsv1.CustomResourceDefinition) {}); err == nil {
				err = e
			}
		}()
	}
	from := w.templates.ready
	if v.tracked {
		from = w.templates.tracked
	}
	stock, err := w.stock(ctx, from, n)
	if err != nil {
		return row, err
	}
	orders, err := w.read(ctx, stock)
	if err != nil {
		return row, err
	}
	call, err := w.writer(ctx, v, orders)
	if err != nil {
		return row, err
	}
	programs := []string{"kube-apiserver", "etcd", "webhookserver", "controller"}
	if v.stopped {
		if err := w.stopServers(); err != nil {
			return row, err
		}
		defer func() {
			if _, e := w.restartAll(ctx); err == nil {
				err = e
			}
		}()
		programs = programs[:2]
	}
	if err := w.settleOf(ctx, programs...); err != nil {
		return row, err
	}
	l, err := w.measured(ctx, n, 8, call)
	if err != nil {
		return row, err
	}
	var after v1alpha1.Order
	if err := w.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: stock.names[0]}, &after); err != nil {
		return row, err
	}
	if after.Status.Phase != v1alpha1.OrderPaid {
		return row, fmt.Errorf("wrote nothing: the order is %s", after.Status.Phase)
	}
	content, err := json.Marshal(after)
	cpu := l.side().CPU
	return WriteRow{Variant: v.name, APIServer: cpu["kube-apiserver"], Etcd: cpu["etcd"], Bytes: len(content)}, err
}

// writer makes the requests of a variant.
func (w *world) writer(ctx context.Context, v variant, orders []v1alpha1.Order) (func(context.Context, int) error, error) {
	api, err := bareClient(w.cluster.Config())
	if err != nil {
		return nil, err
	}
	bodies, err := payments(ctx, orders)
	if err != nil {
		return nil, err
	}
	patches, wholes := make([][]byte, len(orders)), make([][]byte, len(orders))
	for i := range orders {
		next, patch, err := settled(ctx, &orders[i], bodies[i])
		if err != nil {
			return nil, err
		}
		next.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Order"}
		patches[i] = patch
		if wholes[i], err = json.Marshal(next); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, i int) error {
		return status(v.request(api, patches[i], wholes[i]), orders[i].Name).Do(ctx).Error()
	}, nil
}

// define changes the CRD of orders, from how it is delivered.
func (w *world) define(ctx context.Context, change func(*apiextensionsv1.CustomResourceDefinition)) error {
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
