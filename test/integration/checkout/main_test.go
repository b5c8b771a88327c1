// Package checkout_test creates orders through the webhook server, pays them at the Stripe simulator, and reads the outcomes.
// The servers, the API server and its users are real.
package checkout_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// appURL is the address of the shop's web site, which does not run.
const appURL = "https://shop.example.com"

// paylink is the installation that the tests of this package share. Each test has a namespace of its own.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Share(m, cluster.Options{Audit: true}, stack.Options{
		Simulator: stripesim.Options{Retry: stack.Retry},
		// The test that searches the logs needs every line.
		ControllerFlags: []string{"--zap-log-level=debug"},
		// The tests are clients of many addresses, by X-Forwarded-For.
		WebhookFlags: []string{"--zap-log-level=debug", "--trusted-proxies=127.0.0.1"},
		WebhookEnv:   []string{"NEXT_PUBLIC_APP_URL=" + appURL},
	}, func(s *stack.Stack) { paylink = s })
}
