package sale_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/mount"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// rotation is a client with a Stripe and a webhook server of its own. The server reads its signing secrets from a folder.
// Secrets are read again every 10 s, so the tests of rotations run at once.
type rotation struct {
	*testclient.Client
	server   *stack.Server
	endpoint stripesim.Endpoint
	secrets  *mount.Secret
	// selling is held during a sale, from the order to the payment.
	selling sync.Mutex
	sold    int
}

// newRotation starts a webhook server whose folder has the endpoint's secret in the file "first".
func newRotation(t *testing.T) *rotation {
	t.Helper()
	t.Parallel()
	s := &rotation{Client: newClientAt(t, startStripe(t, stripesim.Options{}))}
	secret := newSecret()
	s.secrets = mount.NewSecret(t, map[string]string{"first": secret + "\n"})
	server, endpoint, err := paylink.AddWebhookServerOf(s.Ctx, s.Namespace, stack.WebhookServer{
		Secret: secret, Flags: []string{"--stripe-webhook-secret-dir=" + s.secrets.Dir, "--zap-log-level=debug"},
	})
	s.Must(err)
	check.AtEnd(t, server.Stop)
	paylink.Stripe.RemoveEndpoint(endpoint.ID)
	s.server, s.endpoint = server, s.Stripe.AddEndpoint(stripesim.EndpointParams{URL: endpoint.URL, Secret: secret})
	return s
}

func newSecret() string { return "whsec_" + rand.Text() }

// sellAll sells to one buyer after another until stop is called.
func (s *rotation) sellAll() (stop func()) {
	ctx, cancel := context.WithCancel(s.Ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			if err := s.sell(); err != nil {
				s.T.Error(err)
				return
			}
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	s.T.Cleanup(stop)
	return stop
}

// sell creates an order and pays it at Stripe. Its webhook may still be on its way.
func (s *rotation) sell() error {
	s.selling.Lock()
	defer s.selling.Unlock()
	o := s.Order(fmt.Sprintf("sale-%d", s.sold))
	if err := paylink.Client.Create(s.Ctx, o); err != nil {
		return err
	}
	s.sold++
	err := wait.PollUntilContextTimeout(s.Ctx, 20*time.Millisecond, testclient.Timeout, true, func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(o), o)
		return testclient.Ready(o), err
	})
	if err != nil {
		return fmt.Errorf("wait until %s is ready: %w", o.Name, err)
	}
	_, err = s.Stripe.Buyer().Pay(s.Ctx, o.Status.CheckoutURL, stripesim.Card4242)
	return err
}

// expectAllPaid waits until Stripe has delivered every event, and fails the test unless each order is paid.
func (s *rotation) expectAllPaid() {
	s.T.Helper()
	s.AwaitDelivered()
	orders := s.Orders()
	check.Equal(s.T, s.sold, len(orders), "orders")
	for i := range orders {
		if o := &orders[i]; o.Status.Phase != v1alpha1.OrderPaid {
			s.T.Errorf("got %s %s, want Paid", o.Name, o.Status.Phase)
		}
	}
}

// rejected counts the deliveries that the server did not accept.
func (s *rotation) rejected() int {
	n := 0
	for _, attempt := range s.Stripe.Attempts() {
		if attempt.Endpoint == s.endpoint.ID && !attempt.Delivered() {
			n++
		}
	}
	return n
}

// lastVerified is when each secret last verified a delivery, by its name.
func (s *rotation) lastVerified() map[string]float64 {
	s.T.Helper()
	found := map[string]float64{}
	for series, at := range s.Samples(s.server) {
		if name, is := strings.CutPrefix(series, `paylink_webhook_secret_last_verified_timestamp_seconds{secret="`); is {
			found[strings.TrimSuffix(name, `"}`)] = at
		}
	}
	return found
}

// awaitVerified waits until a condition on lastVerified holds, and returns its value then.
func (s *rotation) awaitVerified(what string, holds func(map[string]float64) bool) (now map[string]float64) {
	s.T.Helper()
	s.Eventually(what, func(context.Context) (bool, error) {
		now = s.lastVerified()
		return holds(now), fmt.Errorf("the secrets last verified at %v", now)
	})
	return now
}

// awaitUse waits until each of these secrets has verified another delivery. It does not look at other secrets.
func (s *rotation) awaitUse(what string, names ...string) map[string]float64 {
	s.T.Helper()
	before := s.lastVerified()
	return s.awaitVerified(what, func(now map[string]float64) bool {
		for _, name := range names {
			if now[name] <= before[name] {
				return false
			}
		}
		return true
	})
}

// onlySecrets reports whether the server has these secrets, and no others.
func onlySecrets(names ...string) func(map[string]float64) bool {
	return func(now map[string]float64) bool {
		for _, name := range names {
			if _, is := now[name]; !is {
				return false
			}
		}
		return len(now) == len(names)
	}
}

// post sends an event that Paylink ignores, signed with a secret, and returns the status of the answer.
func (s *rotation) post(secret string) int {
	s.T.Helper()
	body := []byte(`{"id":"evt_rotation","object":"event","type":"customer.created","data":{"object":{"id":"cus_1"}}}`)
	return s.PostSigned(s.endpoint.URL, body, stripesim.SignatureHeader([]string{secret}, time.Now(), body))
}
