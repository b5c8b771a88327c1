package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/test/check"
)

// shared is the cluster of this package's tests. A test that stops a cluster starts its own.
var shared *Cluster

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	goleak.VerifyTestMain(Around(m, Options{}, func(_ context.Context, c *Cluster) error {
		shared = c
		return nil
	}))
}

func clientFor(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	api, err := client.New(config, client.Options{Scheme: scheme.Scheme})
	check.Must(t, err)
	return api
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

// TestVersion: the cluster serves the version that is pinned, and says so as clients compare it.
func TestVersion(t *testing.T) {
	if os.Getenv(assetsVariable) != "" {
		t.Skip("the version is pinned only where the programs are built here: unset " + assetsVariable)
	}
	pinned, err := newRecipe(t.Context(), "kubernetes")
	check.Must(t, err)
	out, err := exec.CommandContext(t.Context(), shared.Kubectl(), "--kubeconfig", shared.Kubeconfig(), "version", "-o", "json").Output()
	check.Must(t, err)
	var got struct {
		ClientVersion, ServerVersion struct{ GitVersion, Major, Minor string }
	}
	check.Must(t, json.Unmarshal(out, &got))
	if got.ClientVersion != got.ServerVersion || got.ServerVersion.GitVersion != pinned.version || got.ServerVersion.Major == "" || got.ServerVersion.Minor == "" {
		t.Errorf("got versions %+v, want %s", got, pinned.version)
	}
}

// TestUsers: a user has the rights of its groups and roles and no others, in a cluster of our own and in one that was found.
func TestUsers(t *testing.T) {
	const role = "test/cluster/testdata/reader-role.yaml"
	found, err := Connect(t.Context(), shared.Kubeconfig(), Options{})
	check.Must(t, err)
	nobody, err := shared.AddUser("nobody")
	check.Must(t, err)
	deputy, err := shared.AddUser("deputy", "system:masters")
	check.Must(t, err)
	reader, err := shared.AddServiceUser(t.Context(), "reader", role)
	check.Must(t, err)
	visitor, err := found.AddServiceUser(t.Context(), "visitor", role)
	check.Must(t, err)
	for _, row := range []struct {
		user         *User
		read, create bool
	}{{nobody, false, false}, {deputy, true, true}, {reader, true, false}, {visitor, true, false}} {
		api := clientFor(t, row.user.Config)
		expectAllowed(t, row.user.Name+" reads", row.read, api.List(t.Context(), &corev1.ConfigMapList{}))
		expectAllowed(t, row.user.Name+" creates", row.create, api.Create(t.Context(), configMap("made-by-"+row.user.Name)))
	}
	if info, err := os.Stat(shared.Kubeconfig()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got kubeconfig %v, %v, want mode 0600", info, err)
	}

	// A cluster that was found is left as it was, and its servers are not touched.
	for name, act := range map[string]func() error{
		"stop": found.StopAPIServer, "pause": found.PauseAPIServer, "resume": found.ResumeAPIServer, "kill etcd": found.KillEtcd, "start etcd": found.StartEtcd,
	} {
		if act() == nil {
			t.Errorf("%s of a cluster that was not started here: got no error", name)
		}
	}
	if err := found.Stop(); err != nil || found.Embedded() {
		t.Errorf("stop of a cluster that was found: got %v, embedded: %t", err, found.Embedded())
	}
	expectGone(t, found.Dir())
	expectAllowed(t, "visitor reads afterwards", false, clientFor(t, visitor.Config).List(t.Context(), &corev1.ConfigMapList{}))
	expectAllowed(t, "admin reads afterwards", true, clientFor(t, shared.Config()).List(t.Context(), &corev1.ConfigMapList{}))
}

func expectAllowed(t *testing.T, what string, want bool, err error) {
	t.Helper()
	if want && err != nil || !want && !apierrors.IsForbidden(err) {
		t.Errorf("%s: got error %v, want it allowed: %t", what, err, want)
	}
}

// TestOutages: during an outage the API server does not answer, or hangs. Afterwards it answers and has lost nothing, nor has
// the audit log.
func TestOutages(t *testing.T) {
	c, err := Start(t.Context(), Options{Audit: true})
	check.Must(t, err)
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	api := clientFor(t, c.Config())
	check.Must(t, api.Create(t.Context(), configMap("kept")))
	get := func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return api.Get(ctx, client.ObjectKeyFromObject(configMap("kept")), &corev1.ConfigMap{})
	}
	var before []AuditEvent
	for _, row := range []struct {
		name       string
		begin, end func() error
		hangs      bool
	}{
		{"stop", c.StopAPIServer, c.StartAPIServer, false},
		{"kill", c.KillAPIServer, c.StartAPIServer, false},
		{"pause", c.PauseAPIServer, c.ResumeAPIServer, true},
		{"kill etcd", c.KillEtcd, c.StartEtcd, false},
	} {
		if err := row.begin(); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if err := get(time.Second); err == nil || row.hangs && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want an error, a time-out: %t", row.name, err, row.hangs)
		}
		if err := row.end(); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		eventually(t, row.name+": it answers again", func() bool { return get(10*time.Second) == nil })
		after, err := c.AuditEvents(t.Context())
		if err != nil || len(after) <= len(before) || !slices.Equal(after[:len(before)], before) {
			t.Errorf("%s: got audit log %+v, %v, want it to begin with %+v", row.name, after, err, before)
		}
		before = after
	}
	creates := slices.DeleteFunc(before, func(e AuditEvent) bool { return !e.Write() || e.Resource != "configmaps" || e.Name != "kept" })
	if len(creates) != 1 {
		t.Errorf("got %d writes of the object, want 1", len(creates))
	}

	// A cluster whose API server hangs can be stopped too.
	check.Must(t, c.PauseAPIServer())
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	expectGone(t, c.Dir())
}
