// Package selftest tests an installation from inside the cluster: it creates an order in test mode and sends the webhook
// that pays it. `helm test` runs it in an image without a shell, and without access to Stripe.
package selftest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// Options configure a self-test. All are required.
type Options struct {
	// URL is the address of the webhook server's route, as its Service exposes it.
	URL string
	// Namespace is the namespace of the order. Both servers must watch it.
	Namespace string
	// Secrets are the signing secrets of the webhook server.
	Secrets []credentials.NamedSecret
	// Timeout bounds the whole test, without the removal of the order.
	Timeout time.Duration
	Client  client.Client
	Clock   clock.PassiveClock
	// Out receives one line for each step that succeeds.
	Out io.Writer
}

// pollInterval is the time between two attempts at a step.
const pollInterval = 200 * time.Millisecond

// Run creates an order, sends the webhook that pays it, and waits until it is Paid. It removes the order in any case.
func Run(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	order := newOrder(o.Namespace)
	if err := o.createOrder(ctx, order); err != nil {
		return fmt.Errorf("create an order: %w", err)
	}
	defer func() { err = errors.Join(err, o.removeOrder(ctx, order)) }()
	o.print("created order %s/%s", order.Namespace, order.Name)

	if err := o.awaitCondition(ctx, order, v1alpha1.ConditionReady, "does a controller run, and watch this namespace?"); err != nil {
		return err
	}
	o.print("the controller has made it Ready")
	if err := o.sendPayment(ctx, order); err != nil {
		return err
	}
	o.print("the webhook server has accepted the event")
	if err := o.awaitCondition(ctx, order, v1alpha1.ConditionPaid, "does the webhook server watch this namespace?"); err != nil {
		return err
	}
	o.print("the order is Paid")
	return nil
}

func (o *Options) print(format string, values ...any) { fmt.Fprintf(o.Out, format+"\n", values...) }
