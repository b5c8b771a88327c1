// Package chart renders the Helm chart, for the tests of it: with both versions of Helm, and with the values that shops
// have.
package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/paylink-dev/paylink/test/cluster"
)

const (
	// Release is the name that Render renders for.
	Release = "paylink"
	// Namespace is the release's.
	Namespace = "paylink-system"
	// oldest is the first version of Kubernetes that the chart is for.
	oldest = "1.31.0"
	// MutatingPolicies are the API versions of Kubernetes from 1.36 on, for Render.
	MutatingPolicies = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
)

// Versions are the modules of the versions of Helm that the chart is for.
func Versions() []string { return []string{"helm3", "helm4"} }

// Path returns the path of a file of the checkout.
func Path(t testing.TB, name ...string) string {
	t.Helper()
	dir, err := cluster.Repository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(append([]string{dir}, name...)...)
}

// Read returns the content of a file of the checkout.
func Read(t testing.TB, name ...string) string {
	t.Helper()
	content, err := os.ReadFile(Path(t, name...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// programs are the paths of those built.
var programs sync.Map

// Tool returns the path of a program that a module under test/tools pins. Go builds it on first use.
func Tool(ctx context.Context, module, name string) (string, error) {
	if path, ok := programs.Load(module); ok {
		return path.(string), nil
	}
	dir, err := cluster.Repository(ctx)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", "-modfile=test/tools/"+module+"/go.mod", name)
	cmd.Dir, cmd.Stderr = dir, &bytes.Buffer{}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, cmd.Stderr)
	}
	path := strings.TrimSpace(string(out))
	programs.Store(module, path)
	return path, nil
}

// Helm is a version of Helm with its own settings and caches.
type Helm struct {
	t       testing.TB
	program string
	env     []string
}

// NewHelm returns the Helm of a module for the cluster of a kubeconfig; empty is no cluster.
func NewHelm(t testing.TB, version, kubeconfig string) *Helm {
	t.Helper()
	program, err := Tool(t.Context(), version, "helm")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if kubeconfig == "" {
		kubeconfig = filepath.Join(home, "no-kubeconfig")
	}
	return &Helm{t: t, program: program, env: []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + kubeconfig}}
}

// Run runs Helm and returns its output, even if it fails.
func (h *Helm) Run(args ...string) (string, error) {
	h.t.Helper()
	return h.RunIn(h.t.Context(), args...)
}

// RunIn is Run with a context, for the time after the test.
func (h *Helm) RunIn(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, h.program, args...)
	cmd.Env = h.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Must is Run for calls that must succeed.
func (h *Helm) Must(args ...string) string {
	h.t.Helper()
	out, err := h.Run(args...)
	if err != nil {
		h.t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Values writes values to a file.
func Values(t testing.TB, values string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Lint lints the chart with some values.
func (h *Helm) Lint(values string) (string, error) {
	h.t.Helper()
	return h.Run("lint", "--strict", Path(h.t, "charts/paylink"), "--kube-version="+oldest, "--values="+Values(h.t, values))
}

// Template renders the chart as text, for the oldest cluster or for one that serves some kinds more, as group/version/kind.
func (h *Helm) Template(release, values string, served ...string) (string, error) {
	h.t.Helper()
	args := []string{"template", release, Path(h.t, "charts/paylink"), "--namespace=" + Namespace, "--kube-version=" + oldest, "--values=" + Values(h.t, values)}
	for _, kind := range served {
		args = append(args, "--api-versions="+kind)
	}
	return h.Run(args...)
}

// Render renders the chart as objects.
func (h *Helm) Render(values string, served ...string) Objects {
	h.t.Helper()
	text, err := h.Template(Release, values, served...)
	if err != nil {
		h.t.Fatalf("render: %v\n%s", err, text)
	}
	return Parse(h.t, text)
}

// Objects are the objects that a chart or kustomize renders.
type Objects []*unstructured.Unstructured

// Parse reads documents of YAML.
func Parse(t testing.TB, text string) Objects {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	var objects Objects
	for {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("parse: %v", err)
		}
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}

// Of returns those of a kind.
func (o Objects) Of(kind string) Objects {
	var found Objects
	for _, object := range o {
		if object.GetKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

// Get reads the one of a kind and name.
func Get[T any](t testing.TB, o Objects, kind, name string) *T {
	t.Helper()
	for _, object := range o.Of(kind) {
		if object.GetName() == name {
			return As[T](t, object)
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return nil
}

// As reads an object as its own type, strictly.
func As[T any](t testing.TB, o *unstructured.Unstructured) *T {
	t.Helper()
	into := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true); err != nil {
		t.Fatalf("%s %s: %v", o.GetKind(), o.GetName(), err)
	}
	return into
}
