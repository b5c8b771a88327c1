package chart_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// kustomize builds a folder of config/, without warnings.
func kustomize(t *testing.T, folder string) chart.Objects {
	t.Helper()
	return build(t, chart.Path(t, "config", folder))
}

func build(t *testing.T, path string) chart.Objects {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), shared.Kubectl(), "kustomize", path)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("kubectl kustomize %s: %v\n%s", path, err, errs.String())
	}
	return chart.Parse(t, out.String())
}

// TestKustomize: each folder builds, and the API server accepts its objects.
func TestKustomize(t *testing.T) {
	for _, folder := range []string{"default", "admission", "network-policy", "prometheus", "samples/overlay"} {
		t.Run(folder, func(t *testing.T) { dryRun(t, kustomize(t, folder)) })
	}
	for _, folder := range []string{"crd", "rbac", "controller", "webhookserver", "samples"} {
		t.Run(folder, func(t *testing.T) { kustomize(t, folder) })
	}
}

// TestKustomizeOptions: the optional resources of config/default can be added.
func TestKustomizeOptions(t *testing.T) {
	config := t.TempDir()
	check.Must(t, os.CopyFS(config, os.DirFS(chart.Path(t, "config"))))
	file := filepath.Join(config, "default/kustomization.yaml")
	content, err := os.ReadFile(file)
	check.Must(t, err)
	check.Must(t, os.WriteFile(file, bytes.ReplaceAll(content, []byte("# - ../"), []byte("- ../")), 0o600))
	objects := build(t, filepath.Dir(file))
	for _, kind := range []string{"MutatingAdmissionPolicyBinding", "NetworkPolicy", "ServiceMonitor"} {
		if len(objects.Of(kind)) == 0 {
			t.Errorf("got no %s, want one", kind)
		}
	}
	dryRun(t, objects)
}

// TestOverlay: the sample changes the fields that it names, and no others.
func TestOverlay(t *testing.T) {
	before, after := kustomize(t, "default"), kustomize(t, "samples/overlay")
	for _, server := range []string{"controller", "webhookserver"} {
		was, is := chart.Get[appsv1.Deployment](t, before, "Deployment", "paylink-"+server), chart.Get[appsv1.Deployment](t, after, "Deployment", "paylink-"+server)
		want := &was.Spec.Template.Spec
		container := &want.Containers[0]
		container.Image = "registry.example.com/" + strings.TrimPrefix(container.Image, "ghcr.io/paylink-dev/")
		container.Env = append(container.Env, corev1.EnvVar{Name: "NEXT_PUBLIC_APP_URL", Value: "https://shop.example.com"})
		if server == "controller" {
			container.Args = append(container.Args, "--stripe-secret-key-file=/etc/paylink/stripe/key")
			container.VolumeMounts = []corev1.VolumeMount{{Name: "stripe-key", MountPath: "/etc/paylink/stripe", ReadOnly: true}}
			secret := &corev1.SecretVolumeSource{SecretName: "paylink-stripe", DefaultMode: ptr.To[int32](0o440)}
			want.Volumes = []corev1.Volume{{Name: "stripe-key", VolumeSource: corev1.VolumeSource{Secret: secret}}}
		}
		if diff := cmp.Diff(was, is); diff != "" {
			t.Error(diff)
		}
	}
	kept := slices.Concat(after.Of("CustomResourceDefinition"), after.Of("Namespace"))
	check.Equal(t, 4, len(kept), "CRDs and namespaces")
	for _, o := range kept {
		if a := o.GetAnnotations(); a["argocd.argoproj.io/sync-options"] != "Prune=false,Delete=false" || a["kustomize.toolkit.fluxcd.io/prune"] != "disabled" {
			t.Errorf("%s: got the annotations %v, want those that keep Argo CD and Flux from removing it", o.GetName(), a)
		}
	}
}

// TestKustomizeAndChartAgree: config/ and the chart with its default values have the same specs.
func TestKustomizeAndChartAgree(t *testing.T) {
	rendered := chart.NewHelm(t, "helm4", "").Render("networkPolicy: {enabled: true}\nmetrics: {serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}}", chart.MutatingPolicies)
	var built chart.Objects
	for _, folder := range []string{"default", "admission", "network-policy", "prometheus"} {
		built = append(built, kustomize(t, folder)...)
	}
	for _, kind := range []string{
		"CustomResourceDefinition", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor", "PrometheusRule",
		"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	} {
		if diff := cmp.Diff(specs(t, built.Of(kind)), specs(t, rendered.Of(kind))); diff != "" {
			t.Errorf("%s (-config +chart):\n%s", kind, diff)
		}
	}
}

// specs are the specs of objects by name, without the fields that only a chart sets.
func specs(t *testing.T, objects chart.Objects) map[string]any {
	t.Helper()
	found := map[string]any{}
	for _, o := range objects {
		if o.GetKind() == "Deployment" {
			o = plain(t, o)
		}
		spec := o.Object["spec"]
		strip(spec)
		found[o.GetName()] = spec
	}
	return found
}

// plain is a Deployment without the flags that have their default.
func plain(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	d := chart.As[appsv1.Deployment](t, o)
	container := &d.Spec.Template.Spec.Containers[0]
	container.Args = changed(t, *container)
	container.ImagePullPolicy = ""
	d.Spec.Template.Labels = nil
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	check.Must(t, err)
	return &unstructured.Unstructured{Object: content}
}

// strip removes the name of the release and the settings of scraping, at any depth.
func strip(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range []string{"app.kubernetes.io/instance", "interval", "scrapeTimeout", "type"} {
			if key != "type" || v[key] == "ClusterIP" {
				delete(v, key)
			}
		}
		for _, inner := range v {
			strip(inner)
		}
	case []any:
		for _, inner := range v {
			strip(inner)
		}
	}
}
