package reconciliation_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// Types of Stripe's events.
const (
	sessionCompleted = "checkout.session.completed"
	debitArrived     = "checkout.session.async_payment_succeeded"
	debitFailed      = "checkout.session.async_payment_failed"
	chargeRefunded   = "charge.refunded"
	refundUpdated    = "charge.refund.updated"
	disputeCreated   = "charge.dispute.created"
	disputeUpdated   = "charge.dispute.updated"
	disputeClosed    = "charge.dispute.closed"
)

// Flags of a controller that reads Stripe's events all the time, of one that compares the books all the time, and of one
// that asks nothing by itself.
var (
	backfilling = []string{"--backfill-period=1s", "--backfill-grace=0s", "--audit-period=0"}
	auditing    = []string{"--backfill-period=0", "--backfill-grace=0s", "--audit-period=1s"}
	asking      = []string{"--backfill-period=0", "--audit-period=0"}
)

// shop is one seller with the PaymentLink "lifetime", an installation of his own, and a Stripe of his own.
type shop struct {
	seller.Seller
	// key is that of Stripe's API.
	key string
	// told counts what Stripe's events told so far, by type: one for each that told something new.
	told map[string]float64
}

// install is how an installation differs from one with these flags alone.
type install func(*stack.Options)

// keepRunning has the servers started again whatever ends them.
func keepRunning(o *stack.Options) { o.KeepRunning = true }

// clockOf has Stripe's clock differ from the servers'.
func clockOf(by time.Duration) install {
	return func(o *stack.Options) { o.Simulator.Clock = stripesim.OffsetClock(by) }
}

// withoutKey leaves the controller without a key of Stripe's API.
func withoutKey(o *stack.Options) { o.ControllerEnv = []string{"STRIPE_SECRET_KEY="} }

// openShop starts the servers, with a key of Stripe's API and these flags of the controller.
func openShop(t *testing.T, flags []string, installed ...install) *shop {
	t.Helper()
	s := &shop{key: "rk_test_" + rand.Text(), told: map[string]float64{}}
	options := stack.Options{
		Cluster:         shared,
		Namespace:       fmt.Sprintf("paylink-%x", time.Now().UnixNano()),
		ControllerFlags: append([]string{"--zap-log-level=debug"}, flags...),
		ControllerEnv:   []string{"STRIPE_SECRET_KEY=" + s.key},
		WebhookFlags:    []string{"--zap-log-level=debug"},
		// Stripe gives up soon: what is not delivered stays so.
		Simulator: stripesim.Options{Retry: stripesim.Backoff{Initial: 20 * time.Millisecond, Max: 20 * time.Millisecond, MaxAttempts: 3}},
	}
	for _, change := range installed {
		change(&options)
	}
	paylink, err := stack.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(paylink) })
	s.Seller = seller.New(t, paylink, paylink.Stripe, "")
	s.Create(s.PaymentLink("lifetime"))
	return s
}

// sell creates orders and returns them once every one can be paid.
func (s *shop) sell(n int) []*v1alpha1.Order {
	s.T.Helper()
	sold := make([]*v1alpha1.Order, n)
	already := len(s.Orders())
	for i := range sold {
		sold[i] = s.Order(fmt.Sprintf("order-%03d", already+i))
		s.Create(sold[i])
	}
	for i := range sold {
		sold[i] = s.Await(sold[i], "ready", seller.Ready)
	}
	return sold
}

func (s *shop) card(o *v1alpha1.Order) stripesim.Session {
	s.T.Helper()
	s.told[sessionCompleted]++
	return s.Pay(o.Status.CheckoutURL)
}

// debit is a payment of which the bank says later whether it comes.
func (s *shop) debit(o *v1alpha1.Order, comes bool) {
	s.T.Helper()
	s.told[sessionCompleted]++
	s.told[map[bool]string{true: debitArrived, false: debitFailed}[comes]]++
	session, err := s.Stripe.Buyer().PayByDebit(s.Ctx, o.Status.CheckoutURL)
	s.must(err)
	s.must(s.Stripe.SettleDebit(session.ID, comes))
}

// refund gives an amount back; 0 is all that is left.
func (s *shop) refund(session stripesim.Session, amount int64) stripesim.Refund {
	s.T.Helper()
	s.told[chargeRefunded]++
	refund, err := s.Stripe.Refund(s.Intent(session.ID), amount)
	s.must(err)
	return refund
}

func (s *shop) failRefund(refund stripesim.Refund) {
	s.T.Helper()
	s.told[refundUpdated]++
	s.must(s.Stripe.FailRefund(refund.ID))
}

func (s *shop) dispute(session stripesim.Session) stripesim.Dispute {
	s.T.Helper()
	s.told[disputeCreated]++
	dispute, err := s.Stripe.OpenDispute(s.Intent(session.ID))
	s.must(err)
	return dispute
}

func (s *shop) closeDispute(dispute stripesim.Dispute, status string) {
	s.T.Helper()
	s.told[disputeClosed]++
	s.must(s.Stripe.CloseDispute(dispute.ID, status))
}

// live has every order live a life, and one of each life come to its end for every six orders.
func (s *shop) live(orders []*v1alpha1.Order) {
	s.T.Helper()
	for i, o := range orders {
		switch i % 6 {
		case 0:
			s.card(o)
		case 1:
			s.debit(o, true)
		case 2:
			s.debit(o, false)
		case 3:
			session := s.card(o)
			s.refund(session, 900)
			s.refund(session, 0)
		case 4:
			s.failRefund(s.refund(s.card(o), 900))
		case 5:
			s.closeDispute(s.dispute(s.card(o)), "won")
		}
	}
}

func (s *shop) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// awaitKept waits until the events that are kept of a session's payment are one, and as wanted.
func (s *shop) awaitKept(session stripesim.Session, what string, is func(*v1alpha1.StripeEvent) bool) *v1alpha1.StripeEvent {
	s.T.Helper()
	var kept []v1alpha1.StripeEvent
	s.Eventually("the StripeEvent is "+what, func(context.Context) (bool, error) {
		kept = s.Kept(session)
		return len(kept) == 1 && is(&kept[0]), fmt.Errorf("kept are %+v", kept)
	})
	return &kept[0]
}

func inPhase(phase v1alpha1.StripeEventPhase) func(*v1alpha1.StripeEvent) bool {
	return func(e *v1alpha1.StripeEvent) bool { return e.Status.Phase == phase }
}

// kubectl runs the real one, as the administrator.
func (s *shop) kubectl(args ...string) (string, error) {
	s.T.Helper()
	if shared.Kubectl() == "" {
		s.T.Fatal("no kubectl: install it, or unset KUBECONFIG to have the cluster and kubectl built")
	}
	args = append([]string{"--kubeconfig", shared.Kubeconfig()}, args...)
	out, err := exec.CommandContext(s.Ctx, shared.Kubectl(), args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// removeAll removes what the tests made, so that the next one's servers do not see it.
func removeAll(ctx context.Context, api client.Client) (err error) {
	var orders v1alpha1.OrderList
	var links v1alpha1.PaymentLinkList
	if err := errors.Join(api.List(ctx, &orders), api.List(ctx, &links)); err != nil {
		return err
	}
	var made []client.Object
	for i := range orders.Items {
		made = append(made, &orders.Items[i])
	}
	for i := range links.Items {
		made = append(made, &links.Items[i])
	}
	for _, object := range made {
		if failure := api.Delete(ctx, object); !apierrors.IsNotFound(failure) {
			err = errors.Join(err, failure)
		}
	}
	return err
}
