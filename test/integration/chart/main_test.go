// Package chart_test shows a real API server what the chart and config/ make, installs the chart by Helm, and runs the
// servers as its Deployments say, each with the rights of its own ServiceAccount. There is no kubelet: a stand-in runs the
// containers as processes.
package chart_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
)

// What the tests of this package share: the cluster, its administrator, and the folder of the servers' programs.
var (
	shared *cluster.Cluster
	admin  client.Client
	bin    string
)

func TestMain(m *testing.M) {
	stack.Main(func(ctx context.Context) (int, error) { return run(ctx, m) })
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	if shared, err = cluster.Start(ctx, cluster.Options{Log: os.Stderr}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.Stop()) }()
	if err := prepare(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func prepare(ctx context.Context) error {
	repository, err := cluster.Repository(ctx)
	if err != nil {
		return err
	}
	if err := installOthersCRDs(ctx, filepath.Join(repository, "test/tools/crds")); err != nil {
		return err
	}
	scheme, err := setup.Scheme()
	if err != nil {
		return err
	}
	if admin, err = client.New(shared.Config(), client.Options{Scheme: scheme}); err != nil {
		return err
	}
	for _, name := range []string{chart.Namespace, "shop", "other-shop"} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
		if err := admin.Create(ctx, namespace); err != nil {
			return err
		}
	}
	bin = filepath.Join(shared.Dir(), "bin")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), "./cmd/controller", "./cmd/webhookserver")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the servers: %w\n%s", err, out)
	}
	return nil
}

// installOthersCRDs installs those of the Gateway API and of the Prometheus Operator, out of their modules.
func installOthersCRDs(ctx context.Context, module string) error {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", "sigs.k8s.io/gateway-api", "github.com/prometheus-operator/prometheus-operator")
	download.Dir = module
	out, err := download.Output()
	if err != nil {
		return fmt.Errorf("download the modules with CRDs: %w", err)
	}
	files := map[string][]string{
		"sigs.k8s.io/gateway-api": {"config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
		"github.com/prometheus-operator/prometheus-operator": {
			"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
			"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		},
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var found struct{ Path, Dir string }
		if err := decoder.Decode(&found); err != nil {
			return err
		}
		for _, file := range files[found.Path] {
			if err := shared.InstallCRDs(ctx, filepath.Join(found.Dir, file)); err != nil {
				return err
			}
		}
	}
	return nil
}
