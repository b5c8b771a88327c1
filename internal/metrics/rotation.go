package metrics

import (
	"iter"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lastUse collects the time of the last use of each secret. It reads the secrets at every scrape, so that a removed
// secret disappears at once and a new one appears before its first use.
type lastUse struct {
	desc *prometheus.Desc
	uses func() iter.Seq2[string, time.Time]
}

func (l *lastUse) Describe(descs chan<- *prometheus.Desc) { descs <- l.desc }

func (l *lastUse) Collect(out chan<- prometheus.Metric) {
	for name, at := range l.uses() {
		seconds := 0.0
		if !at.IsZero() {
			seconds = float64(at.UnixMilli()) / 1000
		}
		out <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, seconds, name)
	}
}

// RegisterWebhookSecrets registers the time when each webhook signing secret last verified a delivery. uses yields the
// name of each secret in use and that time, or zero if never.
func RegisterWebhookSecrets(r prometheus.Registerer, uses func() iter.Seq2[string, time.Time]) {
	r.MustRegister(&lastUse{uses: uses, desc: prometheus.NewDesc(
		prometheus.BuildFQName(namespace, "webhook", "secret_last_verified_timestamp_seconds"),
		"Time when each webhook signing secret last verified a delivery, by its file or position. 0: never since the start. "+
			"In a rotation, remove the old secret when the new one is above 0 and the old one no longer grows, on every replica.",
		[]string{"secret"}, nil)})
}

// RegisterStripeAPIKeys registers the time when Stripe last accepted each API key. uses yields the name of each key in
// use and that time, or zero if never.
func RegisterStripeAPIKeys(r prometheus.Registerer, uses func() iter.Seq2[string, time.Time]) {
	r.MustRegister(&lastUse{uses: uses, desc: prometheus.NewDesc(
		prometheus.BuildFQName(namespace, "stripe_api", "key_last_used_timestamp_seconds"),
		"Time when Stripe last accepted each API key, by its position. 0: never since the start. "+
			"In a rotation, remove the old key when the new one is above 0 and the old one no longer grows, on every replica. "+
			"Stripe refuses a new key that stays at 0 while an old key grows.",
		[]string{"key"}, nil)})
}
