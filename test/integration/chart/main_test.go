// Package chart_test applies the objects of the chart and of config/ to a real API server, installs the chart by Helm, and
// runs the servers of its Deployments, each with the rights of its ServiceAccount. In place of a kubelet, the tests run the
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

// The tests of this package share the cluster, its administrator, and the folder of the servers' programs.
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
	bin, err = stack.Build(ctx, shared.Dir())
	return err
}

// installOthersCRDs installs the CRDs of the Gateway API and of the Prometheus Operator, from their modules.
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
