package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	clientconfig "sigs.k8s.io/controller-runtime/pkg/client/config"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// selfTest sells one order in test mode, as Stripe and a buyer would: what `helm test` runs, where there is neither a
// shell nor a way to Stripe.
type selfTest struct {
	// URL is the webhook server's route, as its Service has it.
	URL string
	// Namespace is where the order is created.
	Namespace string
	// Secrets are those that the webhook server verifies by.
	Secrets []credentials.NamedSecret
	// Timeout bounds all of it.
	Timeout time.Duration
	API     client.Client
	Clock   clock.PassiveClock
	Out     io.Writer
}

const (
	// selfTestPoll is how often what is awaited is looked at.
	selfTestPoll = 200 * time.Millisecond
	// selfTestCleanup is how long removing the order may take once the test is over.
	selfTestCleanup = 10 * time.Second
	// selfTestExpiry makes an order Failed that could not be removed.
	selfTestExpiry = time.Hour
)

// selfTestCommand reads the flags of `controller selftest`, and runs it.
func selfTestCommand(ctx context.Context, args []string, out io.Writer) error {
	ctrl.SetLogger(logr.Discard())
	fs := flag.NewFlagSet("controller selftest", flag.ExitOnError)
	clientconfig.RegisterFlags(fs)
	test := selfTest{Clock: clock.RealClock{}, Out: out}
	fs.StringVar(&test.URL, "url", "", "Address of the webhook server's route. Required.")
	fs.StringVar(&test.Namespace, "namespace", "", "Namespace to create an order in; one that both servers watch. Required.")
	dir := fs.String("stripe-webhook-secret-dir", "", "Folder of the mounted Secret that the webhook server has too. Required.")
	fs.DurationVar(&test.Timeout, "timeout", time.Minute, "How long all of it may take.")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if test.URL == "" || test.Namespace == "" || *dir == "" || fs.NArg() > 0 {
		return errors.New("selftest needs --url, --namespace and --stripe-webhook-secret-dir, and takes nothing but flags")
	}
	secrets, err := credentials.NewSecretDir(*dir, clock.RealClock{}, logr.Discard())
	if err != nil {
		return fmt.Errorf("--stripe-webhook-secret-dir: %w", err)
	}
	test.Secrets = secrets.Secrets().Current()
	config, err := setup.Config()
	if err != nil {
		return err
	}
	scheme, err := setup.Scheme()
	if err != nil {
		return err
	}
	if test.API, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	return test.Run(ctx)
}

// Run creates an order, sends the webhook that pays it, and sees it Paid. The order is removed however it ends.
func (s *selfTest) Run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	order := &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, GenerateName: "paylink-selftest-"},
		Spec: v1alpha1.OrderSpec{
			ProductID: "paylink-selftest", ProductName: "Self-test: nothing is sold", Amount: 100, Currency: "USD", Livemode: ptr.To(false),
			PaymentLinkURL: "https://buy.stripe.com/test_selftest", ExpiresAfter: &metav1.Duration{Duration: selfTestExpiry},
		},
	}
	if err := s.create(ctx, order); err != nil {
		return fmt.Errorf("create an order: %w", err)
	}
	defer func() { err = errors.Join(err, s.remove(ctx, order)) }()
	s.say("created order %s/%s", order.Namespace, order.Name)

	if err := s.await(ctx, order, v1alpha1.ConditionReady, "does a controller run, and watch this namespace?"); err != nil {
		return err
	}
	s.say("the controller has made it Ready")
	if err := s.pay(ctx, order); err != nil {
		return err
	}
	s.say("the webhook server has taken the event")
	if err := s.await(ctx, order, v1alpha1.ConditionPaid, "does the webhook server watch this namespace?"); err != nil {
		return err
	}
	s.say("the order is Paid")
	return nil
}

// create creates the order. An API server that has just started refuses for some seconds what an admission policy may change.
func (s *selfTest) create(ctx context.Context, order *v1alpha1.Order) (err error) {
	ended := wait.PollUntilContextCancel(ctx, selfTestPoll, true, func(ctx context.Context) (bool, error) {
		err = s.API.Create(ctx, order)
		return !apierrors.IsServiceUnavailable(err), nil
	})
	if err == nil {
		err = ended
	}
	return err
}

func (s *selfTest) say(format string, values ...any) { fmt.Fprintf(s.Out, format+"\n", values...) }

// await reads the order until a condition is true.
func (s *selfTest) await(ctx context.Context, order *v1alpha1.Order, condition, hint string) error {
	var failure error
	err := wait.PollUntilContextCancel(ctx, selfTestPoll, true, func(ctx context.Context) (bool, error) {
		if err := s.API.Get(ctx, client.ObjectKeyFromObject(order), order); err != nil {
			if ctx.Err() == nil {
				failure = err
			}
			return false, nil
		}
		failure = nil
		return meta.IsStatusConditionTrue(order.Status.Conditions, condition), nil
	})
	if err != nil {
		return fmt.Errorf("the order did not become %s: %s Its phase is %q, its conditions are %s: %w",
			condition, hint, order.Status.Phase, summary(order.Status.Conditions), errors.Join(failure, err))
	}
	return nil
}

// summary says what conditions there are, and why.
func summary(conditions []metav1.Condition) string {
	text := []string{}
	for _, c := range conditions {
		text = append(text, fmt.Sprintf("%s=%s (%s)", c.Type, c.Status, c.Reason))
	}
	return fmt.Sprint(text)
}

// pay sends the event of the order's payment, again and again while the server cannot take it, as Stripe would.
func (s *selfTest) pay(ctx context.Context, order *v1alpha1.Order) error {
	body, err := s.event(order)
	if err != nil {
		return err
	}
	var failure error
	err = wait.PollUntilContextCancel(ctx, selfTestPoll, true, func(ctx context.Context) (bool, error) {
		status, err := s.post(ctx, body)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				failure = err
			}
			return false, nil
		case status == http.StatusOK:
			return true, nil
		case status == http.StatusBadRequest:
			return false, errors.New("it refused the signature or its time: does it mount the same Secret, and do the clocks agree? A changed Secret reaches it after about a minute")
		case status < http.StatusInternalServerError:
			return false, fmt.Errorf("it answers %d: is %s the webhook server's route?", status, s.URL)
		}
		failure = fmt.Errorf("it answers %d", status)
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("send the webhook server an event: %w", errors.Join(failure, err))
	}
	return nil
}

// event is what Stripe would send: the little of it that counts.
func (s *selfTest) event(order *v1alpha1.Order) ([]byte, error) {
	id, now := rand.Text(), s.Clock.Now().Unix()
	body, err := json.Marshal(map[string]any{
		"id": "evt_selftest_" + id, "object": "event", "type": "checkout.session.completed", "created": now, "livemode": false,
		"data": map[string]any{"object": map[string]any{
			"id": "cs_test_selftest_" + id, "object": "checkout.session", "created": now, "livemode": false,
			"client_reference_id": order.Status.ClientReferenceID, "payment_intent": "pi_selftest_" + id,
			"amount_total": order.Spec.Amount, "currency": "usd", "mode": "payment", "status": "complete", "payment_status": "paid",
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("make an event: %w", err)
	}
	return body, nil
}

// post sends a body, signed now.
func (s *selfTest) post(ctx context.Context, body []byte) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", webhook.Sign(body, s.Clock.Now(), s.Secrets))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// remove deletes the order, also when the time is over.
func (s *selfTest) remove(ctx context.Context, order *v1alpha1.Order) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), selfTestCleanup)
	defer cancel()
	if err := client.IgnoreNotFound(s.API.Delete(ctx, order)); err != nil {
		return fmt.Errorf("remove order %s/%s: %w", order.Namespace, order.Name, err)
	}
	return nil
}
