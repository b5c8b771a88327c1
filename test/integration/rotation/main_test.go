// Package rotation_test changes the secrets of servers that run, while they sell: nobody restarts anything.
package rotation_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// paylink is the installation that the tests of this package share. Stripe calls none of its webhook servers but those that
// a test adds.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Share(m, cluster.Options{}, stack.Options{Simulator: stripesim.Options{Retry: stack.Retry}}, func(s *stack.Stack) {
		paylink = s
		paylink.Stripe.RemoveEndpoint(paylink.Endpoint.ID)
	})
}
