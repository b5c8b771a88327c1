package cluster

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// shared is the cluster of this package's tests; a test that ends a cluster starts its own.
var shared *Cluster

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	goleak.VerifyTestMain(Around(m, Options{Audit: true}, func(_ context.Context, c *Cluster) error {
		shared = c
		return nil
	}))
}

func clientFor(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	api, err := client.New(config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func TestServesThePinnedVersion(t *testing.T) {
	if os.Getenv(assetsVariable) != "" {
		t.Skip("the version is pinned only where the programs are built: unset " + assetsVariable)
	}
	pinned, err := newRecipe(t.Context(), "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), shared.Kubectl(), "--kubeconfig", shared.Kubeconfig(), "version", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var versions struct {
		ClientVersion, ServerVersion struct{ GitVersion, Major, Minor string }
	}
	if err := json.Unmarshal(out, &versions); err != nil {
		t.Fatal(err)
	}
	if versions.ClientVersion != versions.ServerVersion || versions.ServerVersion.GitVersion != pinned.version {
		t.Errorf("versions %+v, want %s", versions, pinned.version)
	}
	if versions.ServerVersion.Major == "" || versions.ServerVersion.Minor == "" {
		t.Errorf("versions %+v lack the parts that clients compare", versions)
	}
}

func TestKubeconfigIsPrivate(t *testing.T) {
	info, err := os.Stat(shared.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || !strings.HasPrefix(shared.Kubeconfig(), shared.Dir()+"/") {
		t.Errorf("%s has mode %v, want 0600 and a place in %s", shared.Kubeconfig(), info.Mode(), shared.Dir())
	}
}

func TestInstallCRDs(t *testing.T) {
	dir, err := filepath.Abs("testdata/crds")
	if err != nil {
		t.Fatal(err)
	}
	for _, round := range []string{"create", "update"} {
		if err := shared.InstallCRDs(t.Context(), dir); err != nil {
			t.Fatalf("%s: %v", round, err)
		}
	}
	greeting := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "test.paylink.dev/v1", "kind": "Greeting",
		"metadata": map[string]any{"namespace": "default", "generateName": "hello-"},
		"spec":     map[string]any{"words": "hello"},
	}}
	if err := clientFor(t, shared.Config()).Create(t.Context(), greeting); err != nil {
		t.Error(err)
	}
	if err := shared.InstallCRDs(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "there are none") {
		t.Errorf("a folder without CRDs: error %v", err)
	}
}

func TestUsersHaveTheirOwnRights(t *testing.T) {
	nobody, err := shared.UserConfig("nobody")
	if err != nil {
		t.Fatal(err)
	}
	deputy, err := shared.UserConfig("deputy", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := shared.AddServiceUser(t.Context(), "reader", "test/cluster/testdata/reader-role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		config           *rest.Config
		mayRead, mayMake bool
	}{
		"no role":         {config: nobody},
		"administrators":  {config: deputy, mayRead: true, mayMake: true},
		"its role's only": {config: reader.Config, mayRead: true},
	} {
		t.Run(name, func(t *testing.T) {
			api := clientFor(t, tt.config)
			expectAllowed(t, tt.mayRead, api.List(t.Context(), &corev1.ConfigMapList{}))
			expectAllowed(t, tt.mayMake, api.Create(t.Context(), configMap("made-by-deputy")))
		})
	}
	out, err := exec.CommandContext(t.Context(), shared.Kubectl(), "--kubeconfig", reader.Kubeconfig, "auth", "whoami", "-o", "name").CombinedOutput()
	if err != nil {
		t.Errorf("kubectl with the user's kubeconfig: %v: %s", err, out)
	}
}

func expectAllowed(t *testing.T, want bool, err error) {
	t.Helper()
	if want && err != nil {
		t.Errorf("refused: %v", err)
	}
	if !want && !apierrors.IsForbidden(err) {
		t.Errorf("got %v, want Forbidden", err)
	}
}

func TestConnect(t *testing.T) {
	c, err := Connect(t.Context(), shared.Kubeconfig(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Embedded() {
		t.Error("a cluster that was found counts as started here")
	}
	reader, err := c.AddServiceUser(t.Context(), "visitor", "test/cluster/testdata/reader-role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	api := clientFor(t, reader.Config)
	expectAllowed(t, true, api.List(t.Context(), &corev1.ConfigMapList{}))
	expectAllowed(t, false, api.Create(t.Context(), configMap("made-by-visitor")))
	if err := c.StopAPIServer(); err == nil {
		t.Error("stopped an API server that was not started here")
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	expectGone(t, c.Dir())
	expectAllowed(t, false, api.List(t.Context(), &corev1.ConfigMapList{}))
	expectAllowed(t, true, clientFor(t, shared.Config()).List(t.Context(), &corev1.ConfigMapList{}))
}
