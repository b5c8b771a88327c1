package checkout_test

import (
	"context"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// TestOrderHasTermsOfItsLink: product and price come from the PaymentLink, by the API and by the buy button.
func TestOrderHasTermsOfItsLink(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	for _, c := range []struct {
		sells string
		spec  v1alpha1.PaymentLinkSpec
	}{
		{"in test mode", v1alpha1.PaymentLinkSpec{ProductID: "lifetime", ProductName: "Lifetime", Amount: 19900, Currency: "USD", Livemode: ptr.To(false), URL: s.Link.URL}},
		{"for real money", v1alpha1.PaymentLinkSpec{ProductID: "lifetime", ProductName: "Lifetime", Amount: 19900, Currency: "usd", URL: "https://buy.stripe.com/abc123"}},
		{"in yen, without a name", v1alpha1.PaymentLinkSpec{ProductID: "生涯", Amount: 19900, Currency: "JPY", Livemode: ptr.To(true), URL: "https://buy.stripe.com/abc124?locale=ja"}},
		{"for nothing", v1alpha1.PaymentLinkSpec{ProductID: "gift", ProductName: "Gift <b>\"&\"</b>", Amount: 0, Currency: "EUR", Livemode: ptr.To(false), URL: s.Link.URL}},
		{"as long as can be", v1alpha1.PaymentLinkSpec{
			ProductID: strings.Repeat("p", 200), ProductName: strings.Repeat("ñ", 250), Amount: 999999999999, Currency: "BHD", Livemode: ptr.To(false), URL: s.Link.URL,
		}},
	} {
		t.Run(c.sells, func(t *testing.T) {
			link := s.paymentLink(strings.NewReplacer(" ", "-", ",", "").Replace(c.sells) + strings.Repeat("-x", 50))
			link.Spec, link.Spec.PublicCheckout = c.spec, true
			s.createLink(link)
			o := b.mustCreate(call{body: s.orderBody(link.Name, `"customerId":"customer-7"`)})
			s.expectOrderOf(t, link, v1alpha1.CheckoutAPI, s.orderOf(o.OrderID))
			if o.Amount != c.spec.Amount || o.Currency != c.spec.Currency || o.Status != "pending" || o.Namespace != s.Namespace {
				t.Errorf("got %+v, want the terms of the link", o)
			}
			bought := s.send(call{method: "POST", path: buyPath(s.Namespace, link.Name)})
			s.expectOrderOf(t, link, v1alpha1.CheckoutPublic, s.orderOf(reference(t, bought.header.Get("Location"))))
		})
	}
}

// expectOrderOf compares an order with its PaymentLink.
func (s *fixture) expectOrderOf(t *testing.T, link *v1alpha1.PaymentLink, checkout string, o *v1alpha1.Order) {
	t.Helper()
	if o.Spec.ProductID != link.Spec.ProductID || o.Spec.ProductName != link.Spec.ProductName || o.Spec.Amount != link.Spec.Amount ||
		o.Spec.Currency != link.Spec.Currency || o.Spec.Provider != v1alpha1.ProviderStripe || o.Live() != link.Live() ||
		o.Spec.PaymentLinkRef == nil || o.Spec.PaymentLinkRef.Name != link.Name || o.Spec.PaymentLinkURL != "" {
		t.Errorf("got the order %+v, want the terms of %+v", o.Spec, link.Spec)
	}
	if o.Labels[v1alpha1.LabelCheckout] != checkout {
		t.Errorf("got the labels %v, want checkout %s", o.Labels, checkout)
	}
	public := checkout == v1alpha1.CheckoutPublic
	if (o.Spec.ExpiresAfter != nil) != public || (o.Spec.CustomerID == "") != public || o.Spec.OrderID != "" {
		t.Errorf("got expiresAfter %v, customerId %q and orderId %q of a public order: %t", o.Spec.ExpiresAfter, o.Spec.CustomerID, o.Spec.OrderID, public)
	}
	if !strings.HasPrefix(o.Status.CheckoutURL, link.Spec.URL) || reference(t, o.Status.CheckoutURL) != string(o.UID) {
		t.Errorf("got the checkout URL %s, want one of %s", o.Status.CheckoutURL, link.Spec.URL)
	}
}

// reference is the order's id in a checkout URL.
func reference(t *testing.T, checkoutURL string) string {
	t.Helper()
	u, err := url.Parse(checkoutURL)
	if err != nil || u.Query().Get("client_reference_id") == "" {
		t.Fatalf("got %q, want a checkout URL", checkoutURL)
	}
	return u.Query().Get("client_reference_id")
}

// reprice gives a PaymentLink another price and another Payment Link at Stripe.
func (s *fixture) reprice(link *v1alpha1.PaymentLink, amount int64) {
	s.T.Helper()
	s.Must(paylink.Client.Get(s.Ctx, client.ObjectKeyFromObject(link), link))
	made := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: amount, Currency: "usd"})
	link.Spec.Amount, link.Spec.URL, link.Spec.PaymentLinkID = amount, made.URL, made.ID
	s.createLink(link)
}

func TestRepricedLink(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	before := b.mustCreate(call{})
	s.reprice(s.paymentLink("lifetime"), 24900)
	after := b.mustCreate(call{})
	if before.Amount != testclient.Price || after.Amount != 24900 {
		t.Errorf("got the amounts %d and %d, want %d and 24900", before.Amount, after.Amount, testclient.Price)
	}
	for _, o := range []order{after, before} {
		s.Pay(o.CheckoutURL)
		s.await(o.OrderID, v1alpha1.OrderPaid)
		s.Eventually("the API answers paid", func(context.Context) (bool, error) { return b.get(o.OrderID).order(t, 200).Status == "paid", nil })
		if now := b.get(o.OrderID).order(t, 200); now.Amount != o.Amount {
			t.Errorf("got %+v, want the amount %d", now, o.Amount)
		}
	}
}

// TestOrdersDuringRepricing: an order that is created while the price changes has one price, or is refused.
func TestOrdersDuringRepricing(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	made := make(chan order, 10000)
	stop := make(chan struct{})
	var buyers sync.WaitGroup
	for range 4 {
		buyers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a, err := trySend(s.Ctx, b.order(call{}))
				switch {
				case err != nil:
					t.Error(err)
				case a.status == 201:
					made <- a.order(t, 201)
				case a.problem(t, 409).fields() != "paymentLink":
					t.Errorf("got %s while the price changes, want 201 or a conflict of paymentLink", a.body)
				}
			}
		})
	}
	link := s.paymentLink("lifetime")
	for i := range 10 {
		sold := len(made)
		s.reprice(link, testclient.Price+int64(i))
		if i%2 == 0 { // reprice at once, or after an order
			s.Eventually("an order is created", func(context.Context) (bool, error) { return len(made) > sold, nil })
		}
	}
	close(stop)
	buyers.Wait()
	close(made)
	for o := range made {
		u, err := url.Parse(o.CheckoutURL)
		check.Must(t, err)
		if asked, ok := paylink.Stripe.PaymentLink(path.Base(u.Path)); !ok || asked.Amount != o.Amount {
			t.Errorf("got the amount %d at Stripe, want %d", asked.Amount, o.Amount)
		}
	}
}

// TestDeletedLink: an order outlives its link, which sells no more.
func TestDeletedLink(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	gone := s.paymentLink("gone")
	s.createLink(gone)
	kept := b.mustCreate(call{body: s.orderBody("gone")})
	s.Delete(gone)
	s.Eventually("the webhook server knows the link no more", func(context.Context) (bool, error) {
		a, err := trySend(s.Ctx, call{path: buyPath(s.Namespace, "gone")})
		return err == nil && a.status == 404, err
	})
	if p := b.create(call{body: s.orderBody("gone")}).problem(t, 404); p.fields() != "paymentLink" {
		t.Errorf("got the field %q, want paymentLink", p.fields())
	}
	s.Pay(kept.CheckoutURL)
	s.await(kept.OrderID, v1alpha1.OrderPaid)
}

// TestLinkOfOtherNamespace: links of one name in two namespaces are two links.
func TestLinkOfOtherNamespace(t *testing.T) {
	s := newFixture(t)
	other := newFixture(t)
	other.reprice(other.paymentLink("lifetime"), 500)
	b := s.newBackend("backend", "create")
	b.allow(other.Namespace, rights("create"))
	here, there := b.mustCreate(call{}), b.mustCreate(call{body: other.orderBody("lifetime")})
	if here.Amount != testclient.Price || there.Amount != 500 || there.Namespace != other.Namespace {
		t.Errorf("got %+v and %+v, want the price of each namespace", here, there)
	}
}

// TestFormFieldsAreIgnored: the fields of a buyer's form do not change the order.
func TestFormFieldsAreIgnored(t *testing.T) {
	s := newFixture(t)
	a := s.send(call{
		path: buyPath(s.Namespace, "lifetime") + "?amount=1&orderId=mine&customerId=me&livemode=true", body: "amount=1&orderId=mine&customerId=me&namespace=other",
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	if a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	link := s.paymentLink("lifetime")
	s.expectOrderOf(t, link, v1alpha1.CheckoutPublic, s.orderOf(reference(t, a.header.Get("Location"))))
}
