package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// createLink makes a Payment Link at Stripe, and creates the sample PaymentLink with its address.
func (d *demo) createLink(ctx context.Context) error {
	link := &v1alpha1.PaymentLink{}
	if err := readSample(ctx, "paymentlink.yaml", link); err != nil {
		return err
	}
	d.link = d.paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{
		ProductName: link.Spec.ProductName, Amount: link.Spec.Amount, Currency: link.Spec.Currency,
		RedirectURL: d.shop.URL() + "/dashboard/billing?provider=stripe&session_id={CHECKOUT_SESSION_ID}",
	})
	link.Namespace = namespace
	link.Spec.URL, link.Spec.PaymentLinkID = d.link.URL, d.link.ID
	link.Spec.PublicCheckout = true // the shop's page has no backend
	if err := d.paylink.Client.Create(ctx, link); err != nil {
		return fmt.Errorf("create PaymentLink: %w", err)
	}
	err := poll(ctx, func(ctx context.Context) (bool, error) {
		err := d.paylink.Client.Get(ctx, client.ObjectKeyFromObject(link), link)
		return err == nil && meta.IsStatusConditionTrue(link.Status.Conditions, v1alpha1.ConditionReady), err
	})
	if err != nil {
		return fmt.Errorf("wait for PaymentLink %s to be Ready: %w", link.Name, err)
	}
	d.screen.done("Payment Link", link.Spec.ProductName+" at "+link.Status.Price+"  "+d.link.URL)
	return nil
}

// showOrder takes one order from Pending to Refunded, while kubectl watches.
func (d *demo) showOrder(ctx context.Context) error {
	d.screen.title("$ kubectl get orders.payments.paylink.dev -n " + namespace + " --watch")
	watch, err := d.watchOrders(ctx)
	if err != nil {
		return err
	}
	d.watch = watch

	d.screen.step("create Order lifetime-1: 199.00 USD")
	order, err := d.createOrder(ctx, "lifetime-1")
	if err != nil {
		return err
	}
	if err := watch.shows(ctx, "Pending", "199.00 USD"); err != nil {
		return err
	}
	d.screen.step("the buyer pays by card on Stripe's page")
	if _, err := d.paylink.Stripe.Buyer().Pay(ctx, order.Status.CheckoutURL, stripesim.Card4242); err != nil {
		return fmt.Errorf("pay: %w", err)
	}
	if order, err = d.awaitPhase(ctx, order, v1alpha1.OrderPaid); err != nil {
		return err
	}
	if err := watch.shows(ctx, "Paid"); err != nil {
		return err
	}
	d.screen.step("the seller refunds it at Stripe")
	if _, err := d.paylink.Stripe.Refund(order.Status.ProviderCaptureID, 0); err != nil {
		return fmt.Errorf("refund: %w", err)
	}
	if _, err = d.awaitPhase(ctx, order, v1alpha1.OrderRefunded); err != nil {
		return err
	}
	return watch.shows(ctx, "Refunded")
}

// createOrder creates the sample Order and returns it once it is ready.
func (d *demo) createOrder(ctx context.Context, name string) (*v1alpha1.Order, error) {
	order := &v1alpha1.Order{}
	if err := readSample(ctx, "order.yaml", order); err != nil {
		return nil, err
	}
	order.Namespace, order.Name, order.GenerateName = namespace, name, ""
	if err := d.paylink.Client.Create(ctx, order); err != nil {
		return nil, fmt.Errorf("create Order: %w", err)
	}
	return d.await(ctx, order, "Ready", func(o *v1alpha1.Order) bool { return o.Status.CheckoutURL != "" })
}

func (d *demo) awaitPhase(ctx context.Context, order *v1alpha1.Order, phase v1alpha1.OrderPhase) (*v1alpha1.Order, error) {
	return d.await(ctx, order, string(phase), func(o *v1alpha1.Order) bool { return o.Status.Phase == phase })
}

func (d *demo) await(ctx context.Context, order *v1alpha1.Order, what string, is func(*v1alpha1.Order) bool) (*v1alpha1.Order, error) {
	current := &v1alpha1.Order{}
	err := poll(ctx, func(ctx context.Context) (bool, error) {
		err := d.paylink.Client.Get(ctx, client.ObjectKeyFromObject(order), current)
		return err == nil && is(current), err
	})
	if err != nil {
		return nil, fmt.Errorf("wait for Order %s to be %s (it is %s): %w", order.Name, what, current.Status.Phase, err)
	}
	return current, nil
}

// poll polls until a condition holds.
func poll(ctx context.Context, is wait.ConditionWithContextFunc) error {
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, is)
}

// readSample reads an object from config/samples.
func readSample(ctx context.Context, name string, into client.Object) error {
	repository, err := cluster.Repository(ctx)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(repository, "config", "samples", name))
	if err != nil {
		return fmt.Errorf("read sample: %w", err)
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("parse sample %s: %w", name, err)
	}
	return nil
}
