package checkout_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
)

// TestOrigins: the form is accepted from pages of its own origin and of the shop, and from clients that are no browsers.
func TestOrigins(t *testing.T) {
	const app = "https://shop.example.com/en"
	for name, row := range map[string]struct {
		appURL, site, origin string
		may                  bool
	}{
		"the page itself":                  {"", "same-origin", "http://example.com", true},
		"typed in":                         {"", "none", "", true},
		"a program":                        {"", "", "", true},
		"an old browser, the page itself":  {"", "", "http://example.com", true},
		"the shop":                         {app, "same-site", "https://shop.example.com", true},
		"the shop, of another site":        {app, "cross-site", "https://shop.example.com", true},
		"the shop, an old browser":         {app, "", "https://shop.example.com", true},
		"the shop, whose address is unset": {"", "cross-site", "https://shop.example.com", false},
		"another site":                     {app, "cross-site", "https://evil.example", false},
		"another site, an old browser":     {app, "", "https://evil.example", false},
		"another site of no origin":        {app, "cross-site", "null", false},
		"a neighbour of the shop":          {app, "same-site", "https://www.example.com", false},
		"the shop without encryption":      {app, "cross-site", "http://shop.example.com", false},
		"the shop at another port":         {app, "cross-site", "https://shop.example.com:8443", false},
		"a name that begins like it":       {app, "cross-site", "https://shop.example.com.evil.example", false},
		"cross-site without an origin":     {app, "cross-site", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, fakeshop.Options{AppURL: row.appURL})
			send := func(accept string) *httptest.ResponseRecorder {
				r := fakeshop.Request(t, http.MethodPost, forSale, "", "Accept", accept)
				for header, value := range map[string]string{"Sec-Fetch-Site": row.site, "Origin": row.origin} {
					if value != "" {
						r.Header.Set(header, value)
					}
				}
				return s.Send(r)
			}
			answer := send("text/html")
			if row.may {
				check.Equal(t, http.StatusSeeOther, answer.Code, "status with %s", answer.Body)
				check.Equal(t, 1, len(s.Orders()), "orders")
				return
			}
			wantNotice(t, answer, http.StatusForbidden, checkout.CrossOrigin)
			p := fakeshop.Refused(t, send("*/*"), http.StatusForbidden, "Origin: the form was sent from a page of another origin")
			check.Equal(t, []string{"Origin"}, p.Fields(), "fields")
			check.Equal(t, 0, len(s.Orders()), "orders")
		})
	}
}

// TestPageFromAnyOrigin: any web site can link to the page.
func TestPageFromAnyOrigin(t *testing.T) {
	check.Equal(t, http.StatusOK, newShop(t, fakeshop.Options{}).Send(fakeshop.Request(t, http.MethodGet, forSale, "", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")).Code, "status")
}

// TestInvalidAppURL: an address without a host is an error.
func TestInvalidAppURL(t *testing.T) {
	creator := &checkout.OrderCreator{Metrics: metrics.NewCheckout(prometheus.NewRegistry())}
	if _, err := checkout.NewBuyHandler(creator, nil, nil, &url.URL{Scheme: "https"}, checkout.DefaultLimits(), nil, logr.Discard()); err == nil {
		t.Error("got no error, want one")
	}
}
