package sale_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// paylink is the installation that the tests of this package share. Each test has a namespace of its own.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Share(m, cluster.Options{Audit: true}, stack.Options{
		Simulator: stripesim.Options{Retry: stack.Retry},
	}, func(s *stack.Stack) { paylink = s })
}

// newClient returns a client with the PaymentLink "lifetime".
func newClient(t *testing.T) *testclient.Client {
	t.Helper()
	return newClientAt(t, paylink.Stripe)
}

// newClientAt is newClient with another Stripe.
func newClientAt(t *testing.T, stripe *stripesim.Simulator) *testclient.Client {
	t.Helper()
	s := testclient.New(t, paylink, stripe, "")
	s.Create(s.PaymentLink("lifetime"))
	return &s
}

// startStripe starts another Stripe until the test ends.
func startStripe(t *testing.T, options stripesim.Options) *stripesim.Simulator {
	t.Helper()
	options.Retry = stack.Retry
	stripe, err := stripesim.Start(options)
	check.Must(t, err)
	check.AtEnd(t, stripe.Close)
	return stripe
}
