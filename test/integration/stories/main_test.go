package stories_test

import (
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// paylink is the installation that the stories share. Each has a namespace of its own.
var paylink *stack.Stack

func TestMain(m *testing.M) {
	stack.Share(m, cluster.Options{}, stack.Options{Simulator: stripesim.Options{Retry: stack.Retry}}, func(s *stack.Stack) { paylink = s })
}

// openShop makes a seller whose PaymentLink is "lifetime", and whose buyers pay at this Stripe.
func openShop(t *testing.T, stripe *stripesim.Simulator) *seller.Seller {
	t.Helper()
	s := seller.New(t, paylink, stripe, "")
	s.Create(s.PaymentLink("lifetime"))
	return &s
}

// startStripe starts another Stripe, with one endpoint, for as long as the test runs.
func startStripe(t *testing.T, options stripesim.Options, url, secret string) *stripesim.Simulator {
	t.Helper()
	options.Retry = stack.Retry
	stripe, err := stripesim.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stripe.Close(); err != nil {
			t.Error(err)
		}
	})
	stripe.AddEndpoint(stripesim.EndpointParams{URL: url, Secret: secret})
	return stripe
}
