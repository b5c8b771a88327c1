package checkout_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
)

// TestBuyPage: the page shows the product and the price, and creates nothing.
func TestBuyPage(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{Failures: fakeshop.ReadOnly(t), AppURL: "https://shop.example.com"}, fakeshop.Link("lifetime"),
		fakeshop.Link("nameless", func(l *v1alpha1.PaymentLink) { l.Spec.ProductName, l.Spec.Amount, l.Spec.Livemode = "", 1, nil }))
	for path, says := range map[string]string{
		forSale: "Test mode: no money moves Lifetime 199.00 USD Buy Lifetime", "/buy/shop/nameless": "lifetime 0.01 USD Buy lifetime",
	} {
		for _, accept := range []string{"text/html", "*/*", ""} {
			answer := s.Send(fakeshop.Request(t, http.MethodGet, path, "", "Accept", accept))
			shown := fakeshop.Read(t, answer)
			check.Equal(t, http.StatusOK, answer.Code, "status")
			check.Equal(t, says, shown.Text[:min(len(says), len(shown.Text))], "beginning of the text")
			check.Equal(t, []string{"post"}, shown.Forms, "forms")
		}
		get, head := s.Send(fakeshop.Request(t, http.MethodGet, path, "")), s.Send(fakeshop.Request(t, http.MethodHead, path, ""))
		check.Equal(t, http.StatusOK, head.Code, "status for HEAD")
		check.Equal(t, get.Header(), head.Header(), "headers for HEAD")
	}
}

// TestBuy: the form creates an order that expires, and redirects to its payment page.
func TestBuy(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"a browser": bought(t, forSale), "a program": form(t), "with a body of somebody's": fakeshop.Post(t, forSale, `{"amount":1,"orderId":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, fakeshop.Options{})
			answer := s.Send(r)
			orders := s.Orders()
			if len(orders) != 1 {
				t.Fatalf("got %d orders, %d %s, want one", len(orders), answer.Code, answer.Body)
			}
			o, live := orders[0], false
			check.Equal(t, v1alpha1.OrderSpec{
				ProductID: "lifetime", ProductName: "Lifetime", Amount: 19900, Currency: "USD", Livemode: &live,
				PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"}, ExpiresAfter: &metav1.Duration{Duration: 24 * time.Hour},
			}, o.Spec, "spec")
			wantMetadata(t, o, "lifetime-", "public")
			check.Equal(t, http.StatusSeeOther, answer.Code, "status")
			check.Equal(t, "", answer.Body.String(), "body")
			check.Equal(t, http.Header{
				"Location": {"https://buy.stripe.com/test_a?client_reference_id=" + string(o.UID)}, "Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"},
			}, answer.Header(), "headers")
			check.Equal(t, 1, s.Counted()[`orders_created_total{checkout="public"}`], "orders counted")
		})
	}
}

// wantMetadata compares the namespace, the beginning of the name, and the only label of an order.
func wantMetadata(t *testing.T, o v1alpha1.Order, prefix, route string) {
	t.Helper()
	check.Equal(t, "shop", o.Namespace, "namespace")
	check.Equal(t, prefix, o.Name[:min(len(prefix), len(o.Name))], "beginning of the name")
	check.Equal(t, map[string]string{"payments.paylink.dev/checkout": route}, o.Labels, "labels")
}

// TestNotForSale: a PaymentLink without publicCheckout is answered as one that does not exist.
func TestNotForSale(t *testing.T) {
	s := newShop(t, fakeshop.Options{Failures: fakeshop.ReadOnly(t), Namespaces: []string{"shop"}},
		fakeshop.Link("backstage", private), fakeshop.Link("broken-backstage", private, unready), fakeshop.Link("beyond", inAnnex))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		want := s.Send(fakeshop.Request(t, method, "/buy/shop/none", ""))
		p := fakeshop.Refused(t, want, http.StatusNotFound, "paymentLink: there is nothing for sale at this address: a PaymentLink must say publicCheckout: true.")
		check.Equal(t, []string{"paymentLink"}, p.Fields(), "fields")
		for _, path := range []string{
			"/buy/shop/backstage", "/buy/shop/broken-backstage", "/buy/annex/beyond", "/buy/nowhere/lifetime", "/buy/shop/Lifetime", "/buy/SHOP/lifetime",
			"/buy/shop/%2E%2E", "/buy/shop/a%2Fb", "/buy/shop/lifetime%00", "/buy/" + strings.Repeat("a", 64) + "/lifetime",
		} {
			wantSame(t, want, s.Send(fakeshop.Request(t, method, path, "")), method+" "+path)
			r := bought(t, path)
			r.Method = method
			wantNotice(t, s.Send(r), http.StatusNotFound, checkout.NotForSale)
		}
	}
}

// TestUnavailable: a failure that can pass is answered 503 with Retry-After, and creates nothing.
func TestUnavailable(t *testing.T) {
	both := []string{http.MethodPost, http.MethodGet}
	for name, row := range map[string]struct {
		options fakeshop.Options
		link    *v1alpha1.PaymentLink
		methods []string
		says    string
	}{
		"the link is not ready":        {readOnly(t), fakeshop.Link("lifetime", unready), both, "The PaymentLink is not Ready: try again later."},
		"the link cannot be read":      {fakeshop.Options{Failures: fakeshop.ReadOnly(t), Cached: fakeapi.FailGet(errUnreachable)}, fakeshop.Link("lifetime"), both, "The PaymentLink could not be read: try again later."},
		"the orders cannot be counted": {fakeshop.Options{Failures: fakeshop.ReadOnly(t), Cached: fakeapi.FailList(errUnreachable)}, fakeshop.Link("lifetime"), both[:1], "The orders could not be read: try again later."},
		"the order cannot be created":  {live(fakeapi.FailCreate(errUnreachable)), fakeshop.Link("lifetime"), both[:1], "The order could not be created: try again later."},
	} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, row.options, row.link)
			for _, method := range row.methods {
				fakeshop.Unavailable(t, s.Send(fakeshop.Request(t, method, forSale, "")), row.says)
				r := bought(t, forSale)
				r.Method = method
				wantNotice(t, s.Send(r), http.StatusServiceUnavailable, checkout.Unavailable)
			}
			check.Equal(t, 0, len(s.Orders()), "orders")
		})
	}
}
