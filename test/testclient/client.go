// Package testclient has a client of a Paylink installation for tests: a namespace of its own, a Payment Link at Stripe,
// and the requests of buyers and administrators. A request that fails ends the test.
package testclient

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
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

const (
	// Price is the price of the one product, in cents.
	Price = 19900
	// Timeout is how long a test waits for a condition. It is no measure of speed: only a failing test waits so long.
	Timeout = 2 * time.Minute
)

// Client is the client of one test.
type Client struct {
	T *testing.T
	// Ctx ends with the test, or after ten minutes.
	Ctx context.Context
	// Stack is the installation, and Stripe takes the buyers' payments.
	Stack  *stack.Stack
	Stripe *stripesim.Simulator
	// Namespace is unique to this test and this run.
	Namespace string
	// Link is the Payment Link at Stripe.
	Link stripesim.PaymentLink
}

// New makes the namespace and the Payment Link. The link redirects buyers who have paid to redirectURL; empty: to a page
// at Stripe.
func New(t *testing.T, paylink *stack.Stack, stripe *stripesim.Simulator, redirectURL string) Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	c := Client{T: t, Ctx: ctx, Stack: paylink, Stripe: stripe}
	c.Namespace = c.MakeNamespace()
	c.Link = stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: Price, Currency: "usd", RedirectURL: redirectURL})
	return c
}

// Must ends the test on an error.
func (c *Client) Must(err error) {
	c.T.Helper()
	check.Must(c.T, err)
}

// invalidInName are the characters of a test's name that a namespace's cannot have.
var invalidInName = regexp.MustCompile(`[^a-z0-9]+`)

// MakeNamespace makes a namespace named after the test.
func (c *Client) MakeNamespace() string {
	c.T.Helper()
	name := invalidInName.ReplaceAllString(strings.ToLower(c.T.Name()), "-")
	name = fmt.Sprintf("%.40s-%x", name, time.Now().UnixNano()&0xffffffff)
	c.Must(c.Stack.MakeNamespace(c.Ctx, name))
	return name
}

// PaymentLink returns a PaymentLink, not yet created, that sells through Link.
func (c *Client) PaymentLink(name string) *v1alpha1.PaymentLink {
	return &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: name},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: Price, Currency: "USD", Livemode: ptr.To(false),
			URL: c.Link.URL, PaymentLinkID: c.Link.ID,
		},
	}
}

// Create creates an object as the administrator.
func (c *Client) Create(o client.Object) {
	c.T.Helper()
	c.Must(c.Stack.Client.Create(c.Ctx, o))
}

// Delete deletes an object as the administrator.
func (c *Client) Delete(o client.Object) {
	c.T.Helper()
	c.Must(c.Stack.Client.Delete(c.Ctx, o))
}

// Eventually polls until a condition holds. It ignores errors until then, as some tests stop the API server; the failure
// reports the last one.
func (c *Client) Eventually(what string, is func(context.Context) (bool, error)) {
	c.T.Helper()
	var failure error
	err := wait.PollUntilContextTimeout(c.Ctx, 20*time.Millisecond, Timeout, true, func(ctx context.Context) (bool, error) {
		var done bool
		done, failure = is(ctx)
		return done, nil
	})
	if err != nil {
		c.T.Fatalf("waiting until %s: %v (last error: %v)", what, err, failure)
	}
}
