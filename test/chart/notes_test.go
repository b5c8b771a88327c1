package chart_test

import (
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/chart"
)

// TestNotes: the notes list the steps that are left with these values, and no others.
func TestNotes(t *testing.T) {
	const (
		register = "Register an endpoint at Stripe"
		unseen   = "Nothing outside of the cluster reaches the Service"
		noTLS    = "ingress.tls is empty"
		noKey    = "controller.stripeKey.secretName is empty"
		noURL    = "appURL is empty"
	)
	for name, row := range map[string]struct {
		values       string
		says, leaves []string
	}{
		"as it comes": {"", []string{register, "https://YOUR-HOST/api/webhooks/stripe", unseen, noKey, noURL, "kubectl create secret generic paylink-webhook -n sales"}, []string{noTLS}},
		"an ingress without TLS": {
			"ingress: {enabled: true, hosts: [shop.example.com]}",
			[]string{register, "https://shop.example.com/api/webhooks/stripe", noTLS},
			[]string{unseen},
		},
		"a route": {
			"appURL: https://shop.example.com\nhttpRoute: {enabled: true, parentRefs: [{name: public}], hostnames: [shop.example.com]}\ncontroller: {stripeKey: {secretName: books}}",
			[]string{register, "https://shop.example.com/api/webhooks/stripe"},
			[]string{unseen, noTLS, noKey, noURL},
		},
		"an endpoint that is made": {
			"appURL: https://shop.example.com\nwebhookSecret: {name: signing}\ncontroller: {webhookEndpoint: {manage: true}, stripeKey: {secretName: books}}",
			[]string{"The controller makes the endpoint at Stripe, https://shop.example.com/api/webhooks/stripe", "kubectl create secret generic signing -n sales"},
			[]string{register, "The pods wait for it:"},
		},
		"two namespaces": {"watchNamespaces: [shop, other-shop]", []string{"Create a PaymentLink in shop or other-shop"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			out := chart.NewHelm(t, "helm4", "").Must("install", chart.Release, chart.Path(t, "charts/paylink"), "--namespace=sales", "--dry-run=client", "--values="+chart.Values(t, row.values))
			_, notes, _ := strings.Cut(out, "\nNOTES:\n")
			for _, text := range row.says {
				if !strings.Contains(notes, text) {
					t.Errorf("got notes without %q:\n%s", text, notes)
				}
			}
			for _, text := range row.leaves {
				if strings.Contains(notes, text) {
					t.Errorf("got notes with %q:\n%s", text, notes)
				}
			}
		})
	}
}
