package metrics

import "github.com/prometheus/client_golang/prometheus"

// Build is the build information of a server.
type Build struct{ Version, Commit, Date, GoVersion string }

// RegisterBuild registers the metric of a server's build.
func RegisterBuild(r prometheus.Registerer, b Build) {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: "build", Name: "info",
		Help: "Always 1. The labels are the version of this server, its commit, the date of the commit, and the Go version of its compiler. More than one version at a time means that a rollout is in progress or stuck.",
	}, []string{"version", "commit", "date", "go_version"})
	info.WithLabelValues(b.Version, b.Commit, b.Date, b.GoVersion).Set(1)
	r.MustRegister(info)
}
