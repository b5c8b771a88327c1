package setup

import (
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/version"
)

// ReportBuild logs the build of this server and registers its metric.
func ReportBuild() {
	build := version.Get()
	ctrl.Log.Info("Starting", "version", build.Version, "commit", build.Commit, "date", build.Date, "go", build.GoVersion)
	metrics.RegisterBuild(ctrlmetrics.Registry, metrics.Build(build))
}
