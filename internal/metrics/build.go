package metrics

import "github.com/prometheus/client_golang/prometheus"

// Build is the build of a server.
type Build struct{ Version, Commit, Date, GoVersion string }

// RegisterBuild registers which build a server is.
func RegisterBuild(r prometheus.Registerer, b Build) {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: "build", Name: "info",
		Help: "Always 1: its labels are the version of this server, its commit and the date of that, and the Go that compiled it. More than one version at a time is a rollout under way, or one that is stuck.",
	}, []string{"version", "commit", "date", "go_version"})
	info.WithLabelValues(b.Version, b.Commit, b.Date, b.GoVersion).Set(1)
	r.MustRegister(info)
}
