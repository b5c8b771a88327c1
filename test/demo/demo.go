package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/storefront"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// namespace has the orders of the demo, and Paylink's own objects.
const namespace = "paylink-demo"

// demo is one run of `make run`.
type demo struct {
	screen *screen
	stay   bool

	cluster *cluster.Cluster
	api     client.Client
	created bool // whether the demo has created the namespace
	shop    *storefront.Storefront
	paylink *stack.Stack
	link    stripesim.PaymentLink
	watch   *watch // continues after the first order, and shows the user's own
}

// run starts everything, shows one order, stays until it is interrupted, and stops everything.
func (d *demo) run(ctx context.Context) (err error) {
	d.screen.title("Paylink: one order, from Pending to Refunded")
	if err := d.startCluster(ctx); err != nil {
		return err
	}
	defer func() {
		if ctx.Err() != nil {
			err = nil // the interrupted step's
		}
		err = errors.Join(err, d.stop(err))
	}()
	if err := d.takeNamespace(ctx); err != nil {
		return err
	}
	if err := d.startPaylink(ctx); err != nil {
		return err
	}
	if err := d.createLink(ctx); err != nil {
		return err
	}
	if err := d.showOrder(ctx); err != nil {
		return err
	}
	if !d.stay {
		return nil
	}
	if err := d.offer(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	d.screen.line("\nStopping.")
	return nil
}

// startCluster connects to the cluster of KUBECONFIG, or starts one where that is unset.
func (d *demo) startCluster(ctx context.Context) (err error) {
	what := "embedded, for this run alone"
	if os.Getenv("KUBECONFIG") == "" {
		d.cluster, err = cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	} else {
		what = "yours, by KUBECONFIG; its namespace " + namespace + " is removed in the end, the CRDs stay"
		d.cluster, err = cluster.Connect(ctx, "", cluster.Options{Log: os.Stderr})
	}
	if err != nil {
		return err
	}
	if d.cluster.Kubectl() == "" {
		return errors.Join(errors.New("there is no kubectl in PATH to show the orders with: install it, or unset KUBECONFIG to use the embedded cluster"), d.cluster.Stop())
	}
	d.screen.done("Kubernetes API", d.cluster.Config().Host+"  ("+what+")")
	return nil
}

// startPaylink starts the shop's web site, and Paylink behind it.
func (d *demo) startPaylink(ctx context.Context) (err error) {
	if d.shop, err = storefront.Start(ctx, storefront.Options{BuyPath: "/buy/" + namespace + "/lifetime"}); err != nil {
		return fmt.Errorf("open the shop: %w", err)
	}
	d.paylink, err = stack.Start(ctx, stack.Options{
		Cluster:   d.cluster,
		Namespace: namespace,
		Simulator: stripesim.Options{
			RedirectWait: 10 * time.Second, // as at Stripe
			Retry:        stripesim.Backoff{Initial: time.Second, Max: 30 * time.Second},
		},
		ControllerFlags: []string{"--watch-namespaces=" + namespace, "--backfill-period=15s"},
		ControllerEnv:   []string{"STRIPE_SECRET_KEY=" + stripesim.TestKey},
		WebhookFlags:    []string{"--watch-namespaces=" + namespace},
		WebhookEnv:      []string{"NEXT_PUBLIC_APP_URL=" + d.shop.URL(), "STRIPE_SECRET_KEY=" + stripesim.TestKey},
	})
	if err != nil {
		return err
	}
	if err := d.shop.SetPaylink(d.paylink.Webhook.URL); err != nil {
		return err
	}
	d.screen.done("Controller", "log: "+d.paylink.Controller.Log)
	d.screen.done("Webhook server", d.paylink.Endpoint.URL)
	d.screen.done("Stripe simulator", d.paylink.Stripe.URL())
	d.screen.done("Shop", d.shop.URL()+"/")
	return nil
}

// stop stops what run started. It removes the logs with the cluster's folder, and keeps them after an error.
func (d *demo) stop(cause error) error {
	var errs []error
	if cause != nil {
		errs = append(errs, d.keepLogs())
	}
	if d.watch != nil {
		d.watch.stop()
	}
	if d.created && !d.cluster.Embedded() {
		errs = append(errs, d.removeNamespace())
	}
	if d.shop != nil {
		errs = append(errs, d.shop.Close())
	}
	if d.paylink != nil {
		errs = append(errs, d.paylink.Stop())
	}
	return errors.Join(append(errs, d.cluster.Stop())...)
}

// keepLogs copies the servers' logs from the folder that stop removes.
func (d *demo) keepLogs() error {
	logs, err := filepath.Glob(filepath.Join(d.cluster.Dir(), "*.log"))
	if err != nil || len(logs) == 0 {
		return err
	}
	kept, err := os.MkdirTemp("", "paylink-logs-")
	if err != nil {
		return err
	}
	for _, log := range logs {
		content, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(kept, filepath.Base(log)), content, 0o600); err != nil {
			return err
		}
	}
	d.screen.line("\nThe logs are kept in " + kept)
	return nil
}

// offer prints what the user can try.
func (d *demo) offer(ctx context.Context) error {
	order, err := d.createOrder(ctx, "lifetime-2")
	if err != nil {
		return err
	}
	d.screen.title("Your turn")
	d.screen.offer("Buy in the shop:", d.shop.URL()+"/")
	d.screen.offer("Pay lifetime-2:", order.Status.CheckoutURL)
	d.screen.offer("Refund, dispute:", d.paylink.Stripe.URL()+"/")
	d.screen.line("")
	if d.cluster.Embedded() {
		d.screen.offer("In another shell:", "export KUBECONFIG="+d.cluster.Kubeconfig())
		if _, err := exec.LookPath("kubectl"); err != nil {
			d.screen.offer("", "alias kubectl="+d.cluster.Kubectl())
		}
	}
	d.screen.offer("", "kubectl get orders.payments.paylink.dev -n "+namespace+" -o wide")
	d.screen.offer("", "kubectl describe orders.payments.paylink.dev/lifetime-2 -n "+namespace)
	d.screen.offer("", "kubectl create -f config/samples/order.yaml -n "+namespace)
	left := "nothing"
	if !d.cluster.Embedded() {
		left = "nothing but the CRDs"
	}
	d.screen.line("\n" + d.screen.paint(dim, fmt.Sprintf("Card %s succeeds, %s is declined. What becomes of your orders shows here.\nCtrl-C stops everything and leaves %s behind.",
		stripesim.Card4242, stripesim.CardDeclined, left)))
	return nil
}
