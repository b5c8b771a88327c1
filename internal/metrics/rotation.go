package metrics

import (
	"iter"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lastUse tells when each of some secrets was last good for something. It asks at every scrape, so that a secret that
// is removed is gone at once, and one that is added is there before it is used.
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

// RegisterWebhookSecrets registers when each webhook signing secret, by its name, last verified something. uses tells
// the secrets that are in force when it is called; the zero time is never.
func RegisterWebhookSecrets(r prometheus.Registerer, uses func() iter.Seq2[string, time.Time]) {
	r.MustRegister(&lastUse{uses: uses, desc: prometheus.NewDesc(
		prometheus.BuildFQName(namespace, "webhook", "secret_last_verified_timestamp_seconds"),
		"When each webhook signing secret last verified a delivery, by its file or position; 0 if none since the start. "+
			"While one is being rolled: remove the old one when the new one is above 0 and the old one has stopped growing, on every replica.",
		[]string{"secret"}, nil)})
}

// RegisterStripeAPIKeys registers when each key of Stripe's API, by its name, was last accepted. uses tells the keys
// that are in force when it is called; the zero time is never.
func RegisterStripeAPIKeys(r prometheus.Registerer, uses func() iter.Seq2[string, time.Time]) {
	r.MustRegister(&lastUse{uses: uses, desc: prometheus.NewDesc(
		prometheus.BuildFQName(namespace, "stripe_api", "key_last_used_timestamp_seconds"),
		"When Stripe last did what was asked with each API key, by its position; 0 if never since the start. "+
			"While one is being rolled: remove the old one when the new one is above 0 and the old one has stopped growing, on every replica. "+
			"A new one that stays at 0 while an old one grows is refused by Stripe.",
		[]string{"key"}, nil)})
}
