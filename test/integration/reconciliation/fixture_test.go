package reconciliation_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
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

// Flags of a controller that reads Stripe's events every second, of one that compares its sessions every second, and of
// one that reads Stripe only for events whose order is unknown.
var (
	backfilling = []string{"--backfill-period=1s", "--backfill-grace=0s", "--reconcile-period=0"}
	reconciling = []string{"--backfill-period=0", "--backfill-grace=0s", "--reconcile-period=1s"}
	asking      = []string{"--backfill-period=0", "--reconcile-period=0"}
)

// fixture is a client with the PaymentLink "lifetime", and an installation and a Stripe of its own.
type fixture struct {
	testclient.Client
	// key is the API key.
	key string
	// expected counts the events with a new fact, by type.
	expected map[string]float64
}

// option changes the installation.
type option func(*stack.Options)

// keepRunning starts a server again when it has ended.
func keepRunning(o *stack.Options) { o.KeepRunning = true }

// clockOf has Stripe's clock differ from the servers'.
func clockOf(by time.Duration) option {
	return func(o *stack.Options) { o.Simulator.Clock = stripesim.OffsetClock(by) }
}

// withoutKey leaves the controller without an API key.
func withoutKey(o *stack.Options) { o.ControllerEnv = []string{"STRIPE_SECRET_KEY="} }

// newFixture starts the servers, with an API key and these flags of the controller.
func newFixture(t *testing.T, flags []string, changes ...option) *fixture {
	t.Helper()
	s := &fixture{key: "rk_test_" + rand.Text(), expected: map[string]float64{}}
	options := stack.Options{
		Cluster:         shared,
		Namespace:       fmt.Sprintf("paylink-%x", time.Now().UnixNano()),
		ControllerFlags: append([]string{"--zap-log-level=debug"}, flags...),
		ControllerEnv:   []string{"STRIPE_SECRET_KEY=" + s.key},
		WebhookFlags:    []string{"--zap-log-level=debug"},
		// Stripe gives up soon, so that lost events stay lost.
		Simulator: stripesim.Options{Retry: stripesim.Backoff{Initial: 20 * time.Millisecond, Max: 20 * time.Millisecond, MaxAttempts: 3}},
	}
	for _, change := range changes {
		change(&options)
	}
	paylink, err := stack.Start(t.Context(), options)
	check.Must(t, err)
	t.Cleanup(func() { s.stop(paylink) })
	s.Client = testclient.New(t, paylink, paylink.Stripe, "")
	s.Create(s.PaymentLink("lifetime"))
	return s
}

func (s *fixture) card(o *v1alpha1.Order) stripesim.Session {
	s.T.Helper()
	s.expected[sessionCompleted]++
	return s.Pay(o.Status.CheckoutURL)
}

// debit is a payment that the bank accepts, or returns, later.
func (s *fixture) debit(o *v1alpha1.Order, accept bool) {
	s.T.Helper()
	s.expected[sessionCompleted]++
	s.expected[map[bool]string{true: debitArrived, false: debitFailed}[accept]]++
	s.SettleDebit(s.PayByDebit(o.Status.CheckoutURL), accept)
}

// refund refunds an amount; 0 is the rest.
func (s *fixture) refund(session stripesim.Session, amount int64) stripesim.Refund {
	s.T.Helper()
	s.expected[chargeRefunded]++
	return s.Refund(session, amount)
}

func (s *fixture) failRefund(refund stripesim.Refund) {
	s.T.Helper()
	s.expected[refundUpdated]++
	s.Must(s.Stripe.FailRefund(refund.ID))
}

func (s *fixture) dispute(session stripesim.Session) stripesim.Dispute {
	s.T.Helper()
	s.expected[disputeCreated]++
	return s.Dispute(session)
}

func (s *fixture) closeDispute(dispute stripesim.Dispute, status string) {
	s.T.Helper()
	s.expected[disputeClosed]++
	s.Must(s.Stripe.CloseDispute(dispute.ID, status))
}

// payAll pays all orders, in six ways in turn: card, debit, returned debit, refund, failed refund and dispute.
func (s *fixture) payAll(orders []*v1alpha1.Order) {
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

// awaitStripeEvent waits until a session's payment has one StripeEvent, for which a condition holds.
func (s *fixture) awaitStripeEvent(session stripesim.Session, what string, is func(*v1alpha1.StripeEvent) bool) *v1alpha1.StripeEvent {
	s.T.Helper()
	var kept []v1alpha1.StripeEvent
	s.Eventually("the StripeEvent is "+what, func(context.Context) (bool, error) {
		kept = s.StripeEventsOf(session)
		return len(kept) == 1 && is(&kept[0]), fmt.Errorf("the StripeEvents are %+v", kept)
	})
	return &kept[0]
}

func inPhase(phase v1alpha1.StripeEventPhase) func(*v1alpha1.StripeEvent) bool {
	return func(e *v1alpha1.StripeEvent) bool { return e.Status.Phase == phase }
}

// removeAll removes the test's objects, so that the next one's servers do not cache them.
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
