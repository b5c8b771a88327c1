package checkout_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/page"
)

const forSale = "/buy/shop/lifetime"

// bought returns the request of a browser for the form.
func bought(t testing.TB, path string, headers ...string) *http.Request {
	t.Helper()
	return fakeshop.Request(t, http.MethodPost, path, "", append([]string{
		"Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://example.com", "Sec-Fetch-Site", "same-origin",
	}, headers...)...)
}

// wantNotice fails the test unless an answer is a page with this text.
func wantNotice(t *testing.T, answer *httptest.ResponseRecorder, code int, want page.Text) {
	t.Helper()
	shown := fakeshop.Read(t, answer)
	if answer.Code != code || shown.State != want.State || shown.Title != want.Title || !strings.Contains(shown.Text, want.Message) || len(shown.Forms) > 0 {
		t.Errorf("got %d %+v, want %d %s", answer.Code, shown, code, want.State)
	}
}

// TestBuyPage: the page shows the product and the price, and creates nothing.
func TestBuyPage(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{Trouble: fakeshop.ReadOnly(t), AppURL: "https://shop.example.com"}, fakeshop.Link("lifetime"),
		fakeshop.Link("nameless", func(l *v1alpha1.PaymentLink) { l.Spec.ProductName, l.Spec.Amount, l.Spec.Livemode = "", 1, nil }))
	for path, says := range map[string]string{
		forSale: "Test mode: no money moves Lifetime 199.00 USD Buy Lifetime", "/buy/shop/nameless": "lifetime 0.01 USD Buy lifetime",
	} {
		for _, accept := range []string{"text/html", "*/*", ""} {
			answer := s.Send(fakeshop.Request(t, http.MethodGet, path, "", "Accept", accept))
			if shown := fakeshop.Read(t, answer); answer.Code != http.StatusOK || !strings.HasPrefix(shown.Text, says) || cmp.Diff([]string{"post"}, shown.Forms) != "" {
				t.Errorf("got %d %+v", answer.Code, shown)
			}
		}
		get, head := s.Send(fakeshop.Request(t, http.MethodGet, path, "")), s.Send(fakeshop.Request(t, http.MethodHead, path, ""))
		check.Equal(t, http.StatusOK, head.Code, "status")
		check.Equal(t, get.Header(), head.Header(), "headers")
	}
}

// TestBuy: the form creates an order that expires, and redirects to its payment page.
func TestBuy(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"a browser": bought(t, forSale), "a program": fakeshop.Request(t, http.MethodPost, forSale, ""), "with a body of somebody's": fakeshop.Post(t, forSale, `{"amount":1,"orderId":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
			answer := s.Send(r)
			orders := s.Orders()
			if len(orders) != 1 {
				t.Fatalf("got %d orders, %d %s, want one", len(orders), answer.Code, answer.Body)
			}
			o, live := orders[0], false
			want := v1alpha1.OrderSpec{
				ProductID: "lifetime", ProductName: "Lifetime", Amount: 19900, Currency: "USD", Livemode: &live,
				PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"}, ExpiresAfter: &metav1.Duration{Duration: 24 * time.Hour},
			}
			check.Equal(t, want, o.Spec, "spec")
			if o.Namespace != "shop" || !strings.HasPrefix(o.Name, "lifetime-") || cmp.Diff(map[string]string{"payments.paylink.dev/checkout": "public"}, o.Labels) != "" {
				t.Errorf("got metadata %+v, want the name and label of its route", o.ObjectMeta)
			}
			header := http.Header{
				"Location":      {"https://buy.stripe.com/test_a?client_reference_id=" + string(o.UID)},
				"Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"},
			}
			if diff := cmp.Diff(header, answer.Header()); diff != "" || answer.Code != http.StatusSeeOther || answer.Body.Len() > 0 {
				t.Errorf("got status %d, body %s, want a redirect; headers (-want +got):\n%s", answer.Code, answer.Body, diff)
			}
			check.Equal(t, 1, s.Counted()[`orders_created_total{checkout="public"}`], "orders counted")
		})
	}
}

// TestNotForSale: a PaymentLink without publicCheckout is answered as one that does not exist.
func TestNotForSale(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{Trouble: fakeshop.ReadOnly(t), Namespaces: []string{"shop"}}, fakeshop.Link("lifetime"),
		fakeshop.Link("backstage", private), fakeshop.Link("broken-backstage", private, unready),
		fakeshop.Link("beyond", func(l *v1alpha1.PaymentLink) { l.Namespace = "annex" }))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		want := s.Send(fakeshop.Request(t, method, "/buy/shop/none", ""))
		p := fakeshop.Refused(t, want, http.StatusNotFound, "paymentLink: there is nothing for sale at this address: a PaymentLink must say publicCheckout: true.")
		if len(p.Errors) != 1 || p.Errors[0].Field != "paymentLink" {
			t.Errorf("got problem %+v", p)
		}
		for _, path := range []string{
			"/buy/shop/backstage", "/buy/shop/broken-backstage", "/buy/annex/beyond", "/buy/nowhere/lifetime", "/buy/shop/Lifetime", "/buy/SHOP/lifetime",
			"/buy/shop/%2E%2E", "/buy/shop/a%2Fb", "/buy/shop/lifetime%00", "/buy/" + strings.Repeat("a", 64) + "/lifetime",
		} {
			got := s.Send(fakeshop.Request(t, method, path, ""))
			if got.Code != want.Code || got.Body.String() != want.Body.String() || cmp.Diff(want.Header(), got.Header()) != "" {
				t.Errorf("%s %s: got %d %s, want the answer for a missing link", method, path, got.Code, got.Body)
			}
			r := bought(t, path)
			r.Method = method
			wantNotice(t, s.Send(r), http.StatusNotFound, checkout.NotForSale)
		}
	}
}

// TestUnavailable: a failure that can pass is answered 503 with Retry-After, and creates nothing.
func TestUnavailable(t *testing.T) {
	broken := errors.New("dial tcp 10.0.0.1:443: connection refused")
	get := fakeshop.Options{Trouble: fakeshop.ReadOnly(t)}
	get.Cached.Get = func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return broken
	}
	list := fakeshop.Options{Trouble: fakeshop.ReadOnly(t)}
	list.Cached.List = func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return broken }
	create := fakeshop.Options{}
	create.Trouble.Create = func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return broken }
	for name, row := range map[string]struct {
		options fakeshop.Options
		link    *v1alpha1.PaymentLink
		looks   bool
		says    string
	}{
		"the link is not ready":        {fakeshop.Options{Trouble: fakeshop.ReadOnly(t)}, fakeshop.Link("lifetime", unready), true, "The PaymentLink is not Ready: try again later."},
		"the link cannot be read":      {get, fakeshop.Link("lifetime"), true, "The PaymentLink could not be read: try again later."},
		"the orders cannot be counted": {list, fakeshop.Link("lifetime"), false, "The orders could not be read: try again later."},
		"the order cannot be created":  {create, fakeshop.Link("lifetime"), false, "The order could not be created: try again later."},
	} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, row.options, row.link)
			methods := []string{http.MethodPost}
			if row.looks {
				methods = append(methods, http.MethodGet)
			}
			for _, method := range methods {
				told, shown := fakeshop.Request(t, method, forSale, ""), bought(t, forSale)
				shown.Method = method
				answer := s.Send(told)
				fakeshop.Refused(t, answer, http.StatusServiceUnavailable, row.says)
				if after := answer.Header().Get("Retry-After"); after != "5" || strings.Contains(answer.Body.String(), "10.0.0.1") {
					t.Errorf("%s: got Retry-After %q and %s, want 5 and nothing of the cluster", method, after, answer.Body)
				}
				wantNotice(t, s.Send(shown), http.StatusServiceUnavailable, checkout.Unavailable)
			}
			check.Equal(t, 0, len(s.Orders()), "orders")
		})
	}
}

// TestBuyWithoutController: a buyer is not redirected while the order is not ready.
func TestBuyWithoutController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
		s.Away()
		start := time.Now()
		wantNotice(t, s.Send(bought(t, forSale)), http.StatusServiceUnavailable, checkout.Unavailable)
		check.Equal(t, 8*time.Second, time.Since(start), "time to the answer")
	})
}

// TestPriceChange: if the price changes while the order is created, the buyer gets a notice.
func TestPriceChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
		s.Away()
		answers := make(chan *httptest.ResponseRecorder)
		go func() { answers <- s.Send(bought(t, forSale)) }()
		<-time.After(time.Second)
		s.Put(fakeshop.Link("lifetime", func(l *v1alpha1.PaymentLink) { l.Spec.Amount = 24900 }))
		wantNotice(t, <-answers, http.StatusConflict, checkout.Unavailable)
	})
}
