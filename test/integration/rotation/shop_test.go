package rotation_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/mount"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// shop is one seller, whose webhooks go to one server that reads its signing secrets from a folder.
type shop struct {
	seller.Seller
	server   *stack.Server
	endpoint stripesim.Endpoint
	secrets  *mount.Secret
	// till is held for the time of a sale, from the order to the money.
	till sync.Mutex
	sold int
}

// openShop starts a webhook server whose folder has the endpoint's secret in the file "first".
func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Seller: seller.New(t, paylink, paylink.Stripe, "")}
	secret := newSecret()
	s.secrets = mount.NewSecret(t, map[string]string{"first": secret + "\n"})
	var err error
	s.server, s.endpoint, err = paylink.AddWebhookServerOf(s.Ctx, s.Namespace, stack.WebhookServer{
		Secret: secret, Flags: []string{"--stripe-webhook-secret-dir=" + s.secrets.Dir, "--zap-log-level=debug"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		paylink.Stripe.RemoveEndpoint(s.endpoint.ID)
		if err := s.server.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.Create(s.PaymentLink("lifetime"))
	return s
}

func newSecret() string { return "whsec_" + rand.Text() }

// sell sells to one buyer after another until the returned function is called.
func (s *shop) sell() (stop func()) {
	ctx, cancel := context.WithCancel(s.Ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			if err := s.sale(); err != nil {
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

// sale is one order and its payment, at Stripe. The webhook may still be on its way when it returns.
func (s *shop) sale() error {
	s.till.Lock()
	defer s.till.Unlock()
	o := s.Order(fmt.Sprintf("sale-%d", s.sold))
	if err := paylink.Client.Create(s.Ctx, o); err != nil {
		return err
	}
	s.sold++
	err := wait.PollUntilContextTimeout(s.Ctx, 20*time.Millisecond, seller.Patience, true, func(ctx context.Context) (bool, error) {
		err := paylink.Client.Get(ctx, client.ObjectKeyFromObject(o), o)
		return seller.Ready(o), err
	})
	if err != nil {
		return fmt.Errorf("wait until %s is ready: %w", o.Name, err)
	}
	_, err = paylink.Stripe.Buyer().Pay(s.Ctx, o.Status.CheckoutURL, stripesim.Card4242)
	return err
}

// allPaid waits until Stripe has delivered everything, and fails the test unless each order is paid.
func (s *shop) allPaid() {
	s.T.Helper()
	s.Settled()
	orders := s.Orders()
	if len(orders) != s.sold {
		s.T.Errorf("there are %d orders, and %d were sold", len(orders), s.sold)
	}
	for i := range orders {
		if o := &orders[i]; o.Status.Phase != v1alpha1.OrderPaid {
			s.T.Errorf("%s is %s", o.Name, o.Status.Phase)
		}
	}
}

// refused counts the attempts to deliver that were refused.
func (s *shop) refused() int {
	n := 0
	for _, attempt := range paylink.Stripe.Attempts() {
		if attempt.Endpoint == s.endpoint.ID && !attempt.Delivered() {
			n++
		}
	}
	return n
}

// metrics are the server's, by name and labels.
func (s *shop) metrics() map[string]float64 {
	s.T.Helper()
	text, err := s.server.Scrape(s.Ctx)
	if err != nil {
		s.T.Fatal(err)
	}
	return scrape.Samples(s.T, text)
}

// lastVerified is when each secret last verified something, by its name.
func (s *shop) lastVerified() map[string]float64 {
	s.T.Helper()
	found := map[string]float64{}
	for series, at := range s.metrics() {
		if name, is := strings.CutPrefix(series, `paylink_webhook_secret_last_verified_timestamp_seconds{secret="`); is {
			found[strings.TrimSuffix(name, `"}`)] = at
		}
	}
	return found
}

// awaitVerified waits until the secrets are as wanted, and returns them.
func (s *shop) awaitVerified(what string, are func(map[string]float64) bool) (now map[string]float64) {
	s.T.Helper()
	s.Eventually(what, func(context.Context) (bool, error) {
		now = s.lastVerified()
		return are(now), fmt.Errorf("the secrets last verified at %v", now)
	})
	return now
}

// has reports whether these secrets are in force, and no others.
func has(names ...string) func(map[string]float64) bool {
	return func(now map[string]float64) bool {
		for _, name := range names {
			if _, is := now[name]; !is {
				return false
			}
		}
		return len(now) == len(names)
	}
}

// log is what the server has logged.
func (s *shop) log() string {
	s.T.Helper()
	text, err := os.ReadFile(s.server.Log)
	if err != nil {
		s.T.Fatal(err)
	}
	return string(text)
}
