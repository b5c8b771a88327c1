// Package seller is who sells in the tests that run on an installation of package stack: one seller in a namespace of
// his own, whose link is known to Stripe.
package seller

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const (
	// Price is that of the one product, in cents.
	Price = 19900
	// Patience is how long a test waits for what must happen. It is no measure of speed: only a failing test waits so
	// long.
	Patience = 2 * time.Minute
)

// Seller is one seller, for one test.
type Seller struct {
	T *testing.T
	// Ctx ends with the test, or after ten minutes.
	Ctx context.Context
	// Paylink is the installation, and Stripe where the buyers pay.
	Paylink *stack.Stack
	Stripe  *stripesim.Simulator
	// Namespace is one that no other test has, nor another run of this one.
	Namespace string
	// Link is the Payment Link at Stripe.
	Link stripesim.PaymentLink
}

// New makes a namespace, and a Payment Link at Stripe that sends buyers to redirectURL once they have paid; empty: it has
// a page of its own for them.
func New(t *testing.T, paylink *stack.Stack, stripe *stripesim.Simulator, redirectURL string) Seller {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	s := Seller{T: t, Ctx: ctx, Paylink: paylink, Stripe: stripe}
	s.Namespace = s.MakeNamespace()
	s.Link = stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: Price, Currency: "usd", RedirectURL: redirectURL})
	return s
}

// unfit is what a test's name can have, and a namespace's cannot.
var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// MakeNamespace makes a namespace named after the test.
func (s *Seller) MakeNamespace() string {
	s.T.Helper()
	name := unfit.ReplaceAllString(strings.ToLower(s.T.Name()), "-")
	name = fmt.Sprintf("%.40s-%x", name, time.Now().UnixNano()&0xffffffff)
	if err := s.Paylink.MakeNamespace(s.Ctx, name); err != nil {
		s.T.Fatal(err)
	}
	return name
}

// PaymentLink returns a PaymentLink, not yet created, that sells through Link.
func (s *Seller) PaymentLink(name string) *v1alpha1.PaymentLink {
	return &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: Price, Currency: "USD", Livemode: ptr.To(false),
			URL: s.Link.URL, PaymentLinkID: s.Link.ID,
		},
	}
}

// Create creates an object as the administrator.
func (s *Seller) Create(o client.Object) {
	s.T.Helper()
	if err := s.Paylink.Client.Create(s.Ctx, o); err != nil {
		s.T.Fatal(err)
	}
}

// Orders returns all of the seller's orders.
func (s *Seller) Orders() []v1alpha1.Order {
	s.T.Helper()
	var list v1alpha1.OrderList
	if err := s.Paylink.Client.List(s.Ctx, &list, client.InNamespace(s.Namespace)); err != nil {
		s.T.Fatal(err)
	}
	return list.Items
}

// Pay pays by card at a checkout URL, through Stripe's page.
func (s *Seller) Pay(checkoutURL string) stripesim.Session {
	s.T.Helper()
	session, err := s.Stripe.Buyer().Pay(s.Ctx, checkoutURL, stripesim.Card4242)
	if err != nil {
		s.T.Fatal(err)
	}
	return session
}

// Deliver has Stripe follow a plan until the test ends.
func (s *Seller) Deliver(plan stripesim.Plan) {
	s.Stripe.Delivery(plan)
	s.T.Cleanup(func() { s.Stripe.Delivery(stripesim.Plan{}) })
}

// Settled waits until Stripe has delivered everything.
func (s *Seller) Settled() {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.Ctx), Patience) // also when the test has ended
	defer cancel()
	if err := s.Stripe.WaitDelivered(ctx); err != nil {
		s.T.Fatalf("Stripe still has events to deliver: %v", err)
	}
}

// Eventually polls until a condition holds. Errors are passed over until then, as some tests take the API server away; the
// last one is told.
func (s *Seller) Eventually(what string, is func(context.Context) (bool, error)) {
	s.T.Helper()
	var failure error
	err := wait.PollUntilContextTimeout(s.Ctx, 20*time.Millisecond, Patience, true, func(ctx context.Context) (bool, error) {
		var done bool
		done, failure = is(ctx)
		return done, nil
	})
	if err != nil {
		s.T.Fatalf("waiting until %s: %v (last error: %v)", what, err, failure)
	}
}

// words are the fields of Stripe's events that hold something of the buyer.
var words = regexp.MustCompile(`"(?:name|email|line1|city|postal_code)": ?"([^"]{4,})"`)

// BuyersWords returns the buyer's name, e-mail and address as the simulator's own events have them, so that a test which
// looks for them looks for what was really sent.
func (s *Seller) BuyersWords() []string {
	s.T.Helper()
	var found []string
	for _, event := range s.Stripe.Events() {
		if event.Type != "checkout.session.completed" {
			continue
		}
		for _, match := range words.FindAllStringSubmatch(string(event.Data), -1) {
			found = append(found, match[1])
		}
		break
	}
	if len(found) < 4 {
		s.T.Fatalf("the events hold only %q of the buyer: the test looks for too little", found)
	}
	return found
}
