package gitops_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/engine"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// flux evaluates health checks as its kustomize-controller does.
type flux struct {
	t      *testing.T
	reader engine.StatusReader
}

func newFlux(t *testing.T) *flux {
	t.Helper()
	var catalogue kustomizev1.Kustomization
	if err := yaml.UnmarshalStrict(read(t, "config/flux/catalogue.yaml"), &catalogue); err != nil {
		t.Fatal(err)
	}
	if !catalogue.Spec.Wait {
		t.Error("got spec.wait false, want true")
	}
	reader, err := cel.NewStatusReader(catalogue.Spec.HealthCheckExprs)
	if err != nil {
		t.Fatal(err)
	}
	return &flux{t, reader(nil)}
}

// look returns Flux's health of an object in Argo CD's words. An expression that fails, as without a status, means that Flux waits.
func (f *flux) look(object *unstructured.Unstructured) health {
	f.t.Helper()
	found, err := f.reader.ReadStatusForObject(f.t.Context(), nil, object)
	if err != nil {
		f.t.Fatal(err)
	}
	_, hasStatus := object.Object["status"]
	switch {
	case found.Status == status.CurrentStatus:
		return healthy
	case found.Status == status.FailedStatus:
		return degraded
	case found.Status == status.InProgressStatus, found.Status == status.UnknownStatus && !hasStatus:
		return progressing
	default:
		f.t.Fatalf("got status %s, %v", found.Status, found.Error)
		return ""
	}
}

// TestFluxTakes: each field of the manifests that install Paylink is one of Flux.
func TestFluxTakes(t *testing.T) {
	into := map[string]any{"Namespace": &corev1.Namespace{}, "GitRepository": &sourcev1.GitRepository{}, "HelmRelease": &helmv2.HelmRelease{}}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(read(t, "config/flux/paylink.yaml"))))
	for range into {
		document, err := documents.Read()
		if err != nil {
			t.Fatal(err)
		}
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(document, into[kind.Kind]); err != nil {
			t.Errorf("%s: %v", kind.Kind, err)
		}
	}
	if _, err := documents.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("got error %v, want the end", err)
	}
}
