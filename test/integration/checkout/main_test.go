// Package checkout_test is a shop: it creates orders through the webhook server, sends buyers to the Stripe simulator,
// and asks what became of their payments. The servers, the API server and its users are real.
package checkout_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// appURL is the shop's own address, at which nobody serves here.
const appURL = "https://shop.example.com"

// paylink is the installation that the tests of this package share. Each test sells in a namespace of its own.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Share(m, cluster.Options{Audit: true}, stack.Options{
		Simulator: stripesim.Options{Retry: stack.Retry},
		// Everything that can be logged is, for the test that looks through the logs.
		ControllerFlags: []string{"--zap-log-level=debug"},
		// Tests come as clients of many addresses, by X-Forwarded-For.
		WebhookFlags: []string{"--zap-log-level=debug", "--trusted-proxies=127.0.0.1"},
		WebhookEnv:   []string{"NEXT_PUBLIC_APP_URL=" + appURL},
	}, func(s *stack.Stack) { paylink = s })
}
