package sale_test

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// writesTo returns the API server's own record of who changed an order.
func (s *shop) writesTo(name string) (done, refused []cluster.AuditEvent) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.Ctx, seller.Patience)
	defer cancel()
	events, err := paylink.Cluster.AuditEvents(ctx)
	if err != nil {
		s.T.Fatal(err)
	}
	for _, e := range events {
		created := e.Verb == "create" && e.Name == "" // audited before the name is known
		if e.Resource != "orders.payments.paylink.dev" || e.Namespace != s.Namespace || !e.Write() || (e.Name != name && !created) {
			continue
		}
		if e.Code < 300 {
			done = append(done, e)
		} else {
			refused = append(refused, e)
		}
	}
	return done, refused
}

func TestANormalLifeCostsThreeWrites(t *testing.T) {
	s := openShop(t)
	s.awaitLinkReady()
	o := s.Sell("frugal")
	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	s.Settled()

	done, refused := s.writesTo("frugal")
	if len(done) != 3 || len(refused) != 0 {
		t.Errorf("create, checkout URL and Paid are three writes; the API server saw %+v and refused %+v", done, refused)
	}
	if _, err := paylink.Stripe.Refund(s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid)).Status.ProviderCaptureID, 0); err != nil {
		t.Fatal(err)
	}
	s.Await(o, "Refunded", seller.InPhase(v1alpha1.OrderRefunded))
	s.Settled()
	if done, _ := s.writesTo("frugal"); len(done) != 4 {
		t.Errorf("a refund is the fourth write; the API server saw %+v", done)
	}
}

func TestFiftyCopiesAtOnceAreOneWrite(t *testing.T) {
	s := openShop(t)
	s.awaitLinkReady()
	o := s.Sell("copies")
	before, _ := s.writesTo("copies")
	s.Deliver(stripesim.Plan{Copies: 50, Concurrent: true})
	s.Pay(o.Status.CheckoutURL)
	s.Settled()
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	after, _ := s.writesTo("copies")
	if n := len(after) - len(before); n != 1 {
		t.Errorf("50 copies at once made %d writes, want 1: %+v", n, after[len(before):])
	}
}

func TestARedeliveryIsNoWrite(t *testing.T) {
	s := openShop(t)
	o := s.Sell("again")
	s.Pay(o.Status.CheckoutURL)
	s.Await(o, "Paid", seller.InPhase(v1alpha1.OrderPaid))
	s.Settled()
	done, refused := s.writesTo("again")
	attempts := len(paylink.Stripe.Attempts())
	for _, event := range paylink.Stripe.Events() {
		if event.Type == "checkout.session.completed" && !paylink.Stripe.Resend(event.ID) {
			t.Fatalf("event %s could not be sent again", event.ID)
		}
	}
	err := wait.PollUntilContextTimeout(s.Ctx, 20*time.Millisecond, seller.Patience, true, func(context.Context) (bool, error) {
		return len(paylink.Stripe.Attempts()) > attempts, nil
	})
	if err != nil {
		t.Fatal("nothing was sent again")
	}
	s.Settled()
	for _, a := range paylink.Stripe.Attempts()[attempts:] {
		if a.Status != 200 {
			t.Errorf("a redelivery was answered %d", a.Status)
		}
	}
	nowDone, nowRefused := s.writesTo("again")
	if len(nowDone) != len(done) || len(nowRefused) != len(refused) {
		t.Errorf("a redelivery asked for writes: %+v %+v", nowDone[len(done):], nowRefused[len(refused):])
	}
}

// awaitLinkReady keeps the making of the link out of what is counted: an order that is created while its link is not
// ready yet says so in its status, which is one write more.
func (s *shop) awaitLinkReady() {
	s.T.Helper()
	s.kubectl("wait", "paymentlinks.payments.paylink.dev/lifetime", "-n", s.Namespace, "--for=condition=Ready", "--timeout=60s")
}
