// Package sale_test sells things: real servers on a real API server, paid for through the Stripe simulator's pages.
package sale_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// paylink is the installation that the tests of this package share. Each test sells in a namespace of its own.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Share(m, cluster.Options{Audit: true}, stack.Options{
		Simulator: stripesim.Options{Retry: stack.Retry},
		// Everything that can be logged is, for the test that looks through the logs.
		ControllerFlags: []string{"--leader-elect", "--zap-log-level=debug"},
		WebhookFlags:    []string{"--zap-log-level=debug"},
	}, func(s *stack.Stack) { paylink = s })
}
