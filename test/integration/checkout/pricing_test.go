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
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// What is sold and for how much is the PaymentLink's, whoever asks and in whatever way.
func TestAnOrderIsWhatItsLinkSells(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
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
			s.offer(link)
			o := b.buys(call{body: s.wants(link.Name, `"customerId":"customer-7"`)})
			s.sells(t, link, v1alpha1.CheckoutAPI, s.orderOf(o.OrderID))
			if o.Amount != c.spec.Amount || o.Currency != c.spec.Currency || o.Status != "pending" || o.Namespace != s.Namespace {
				t.Errorf("the answer is %+v", o)
			}
			bought := s.ask(call{method: "POST", path: buyPath(s.Namespace, link.Name)})
			s.sells(t, link, v1alpha1.CheckoutPublic, s.orderOf(reference(t, bought.header.Get("Location"))))
		})
	}
}

// sells compares an order with the link that it was made of.
func (s *shop) sells(t *testing.T, link *v1alpha1.PaymentLink, checkout string, o *v1alpha1.Order) {
	t.Helper()
	if o.Spec.ProductID != link.Spec.ProductID || o.Spec.ProductName != link.Spec.ProductName || o.Spec.Amount != link.Spec.Amount ||
		o.Spec.Currency != link.Spec.Currency || o.Spec.Provider != v1alpha1.ProviderStripe || o.Live() != link.Live() ||
		o.Spec.PaymentLinkRef == nil || o.Spec.PaymentLinkRef.Name != link.Name || o.Spec.PaymentLinkURL != "" {
		t.Errorf("the order is %+v of the link %+v", o.Spec, link.Spec)
	}
	if o.Labels[v1alpha1.LabelCheckout] != checkout {
		t.Errorf("the order's labels are %v", o.Labels)
	}
	public := checkout == v1alpha1.CheckoutPublic
	if (o.Spec.ExpiresAfter != nil) != public || (o.Spec.CustomerID == "") != public || o.Spec.OrderID != "" {
		t.Errorf("the order expires after %v, for customer %q, with id %q", o.Spec.ExpiresAfter, o.Spec.CustomerID, o.Spec.OrderID)
	}
	if !strings.HasPrefix(o.Status.CheckoutURL, link.Spec.URL) || reference(t, o.Status.CheckoutURL) != string(o.UID) {
		t.Errorf("the buyer is sent to %s", o.Status.CheckoutURL)
	}
}

// reference is the order's id in a checkout URL.
func reference(t *testing.T, checkoutURL string) string {
	t.Helper()
	u, err := url.Parse(checkoutURL)
	if err != nil || u.Query().Get("client_reference_id") == "" {
		t.Fatalf("%q is no checkout URL", checkoutURL)
	}
	return u.Query().Get("client_reference_id")
}

// reprice sells a link's product through a new link of Stripe's.
func (s *shop) reprice(link *v1alpha1.PaymentLink, amount int64) {
	s.T.Helper()
	if err := paylink.Client.Get(s.Ctx, client.ObjectKeyFromObject(link), link); err != nil {
		s.T.Fatal(err)
	}
	made := paylink.Stripe.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Lifetime", Amount: amount, Currency: "usd"})
	link.Spec.Amount, link.Spec.URL, link.Spec.PaymentLinkID = amount, made.URL, made.ID
	s.offer(link)
}

func TestANewPriceIsForOrdersToCome(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	before := b.buys(call{})
	s.reprice(s.paymentLink("lifetime"), 24900)
	after := b.buys(call{})
	if before.Amount != seller.Price || after.Amount != 24900 {
		t.Errorf("the prices are %d and then %d", before.Amount, after.Amount)
	}
	for _, o := range []order{after, before} {
		s.Pay(o.CheckoutURL)
		s.await(o.OrderID, v1alpha1.OrderPaid)
		s.Eventually("the API says so too", func(context.Context) (bool, error) { return b.reads(o.OrderID).order(t, 200).Status == "paid", nil })
		if now := b.reads(o.OrderID).order(t, 200); now.Amount != o.Amount {
			t.Errorf("an order at %d became %+v", o.Amount, now)
		}
	}
}

// Whoever buys while the price changes pays what his order says, or is told to try again.
func TestNobodyPaysAnotherPriceThanHisOrders(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
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
				a, err := send(s.Ctx, b.order(call{}))
				switch {
				case err != nil:
					t.Error(err)
				case a.status == 201:
					made <- a.order(t, 201)
				case a.problem(t, 409).fields() != "paymentLink":
					t.Errorf("while the price changes: %s", a.body)
				}
			}
		})
	}
	link := s.paymentLink("lifetime")
	for i := range 10 {
		sold := len(made)
		s.reprice(link, seller.Price+int64(i))
		if i%2 == 0 { // the next price comes at once, or after a sale at this one
			s.Eventually("somebody buys", func(context.Context) (bool, error) { return len(made) > sold, nil })
		}
	}
	close(stop)
	buyers.Wait()
	close(made)
	for o := range made {
		u, err := url.Parse(o.CheckoutURL)
		if err != nil {
			t.Fatal(err)
		}
		if asked, ok := paylink.Stripe.PaymentLink(path.Base(u.Path)); !ok || asked.Amount != o.Amount {
			t.Errorf("an order at %d leads to a page that asks %d", o.Amount, asked.Amount)
		}
	}
}

func TestALinkThatCannotBeSold(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	b.allowEverywhere("create")
	broken := s.paymentLink("broken")
	broken.Spec.URL = "http://nobody@/pay" // of no host
	s.Create(broken)
	gone := s.paymentLink("gone")
	s.offer(gone)
	kept := b.buys(call{body: s.wants("gone")})
	if err := paylink.Client.Delete(s.Ctx, gone); err != nil {
		t.Fatal(err)
	}
	private := s.paymentLink("private")
	private.Spec.PublicCheckout = false
	s.offer(private)
	s.Eventually("the webhook server knows of all that", func(context.Context) (bool, error) {
		broken, err := send(s.Ctx, b.order(call{body: s.wants("broken")}))
		if err != nil {
			return false, err
		}
		gone, err := send(s.Ctx, call{path: buyPath(s.Namespace, "gone")})
		return err == nil && broken.status == 409 && gone.status == 404, err
	})
	other := openShop(t)

	before := s.balance()
	for _, c := range []struct {
		what, namespace, link string
		api, page             int
	}{
		{"never there", s.Namespace, "never", 404, 404},
		{"deleted", s.Namespace, "gone", 404, 404},
		{"not Ready", s.Namespace, "broken", 409, 503},
		{"of another namespace", other.Namespace, "broken", 404, 404},
		{"in no namespace", "nowhere", "lifetime", 404, 404},
		{"not for everybody", s.Namespace, "private", 0, 404},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.api != 0 {
				p := b.asks(call{body: `{"paymentLink":"` + c.link + `","namespace":"` + c.namespace + `"}`}).problem(t, c.api)
				if p.fields() != "paymentLink" {
					t.Errorf("the refusal names %q", p.fields())
				}
			}
			for _, method := range []string{"GET", "POST"} {
				a := s.ask(call{method: method, path: buyPath(c.namespace, c.link)})
				a.problem(t, c.page)
				page := s.ask(call{method: method, path: buyPath(c.namespace, c.link), header: map[string]string{"Accept": "text/html"}})
				if page.status != c.page || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
					t.Errorf("a browser is answered %d %s", page.status, page.header.Get("Content-Type"))
				}
			}
		})
	}
	s.unchanged(before)
	b.buys(call{body: s.wants("private")})
	s.Pay(kept.CheckoutURL) // made before its link was deleted
	s.await(kept.OrderID, v1alpha1.OrderPaid)
}

// The same name is another link in another namespace.
func TestALinkIsThatOfItsNamespace(t *testing.T) {
	s := openShop(t)
	other := openShop(t)
	other.reprice(other.paymentLink("lifetime"), 500)
	b := s.hire("backend", "create")
	b.allow(other.Namespace, rights("create"))
	here, there := b.buys(call{}), b.buys(call{body: other.wants("lifetime")})
	if here.Amount != seller.Price || there.Amount != 500 || there.Namespace != other.Namespace {
		t.Errorf("the orders are %+v and %+v", here, there)
	}
}

// A plain form can say what it likes.
func TestABuyersFormChangesNothing(t *testing.T) {
	s := openShop(t)
	a := s.ask(call{
		path: buyPath(s.Namespace, "lifetime") + "?amount=1&orderId=mine&customerId=me&livemode=true", body: "amount=1&orderId=mine&customerId=me&namespace=other",
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	if a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	link := s.paymentLink("lifetime")
	s.sells(t, link, v1alpha1.CheckoutPublic, s.orderOf(reference(t, a.header.Get("Location"))))
}
