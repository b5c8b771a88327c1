package checkout

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// BuyPattern is the route of the buy page, as http.ServeMux has it.
const BuyPattern = "/buy/{namespace}/{paymentLink}"

// Counter sells to anybody, without a token, what PaymentLinks with publicCheckout offer.
type Counter struct {
	maker    *Maker
	pages    *page.Pages
	visitors *clientip.Addresses
	origins  *http.CrossOriginProtection
	metrics  *metrics.Buyer
	log      logr.Logger
	limits   Limits

	perAddress, perLink *ratelimit.Limit
	open                *openOrders
	// lines is how often a link that sells nothing more is worth a line in the log.
	lines *ratelimit.Limit
}

// NewCounter returns a Counter. Its form may be sent from pages of its own origin and of the shop's, where appURL is
// not nil.
func NewCounter(m *Maker, pages *page.Pages, visitors *clientip.Addresses, appURL *url.URL, limits Limits, c clock.PassiveClock) (*Counter, error) {
	origins := http.NewCrossOriginProtection()
	if appURL != nil {
		if err := origins.AddTrustedOrigin(appURL.Scheme + "://" + appURL.Host); err != nil {
			return nil, err
		}
	}
	return &Counter{
		maker: m, pages: pages, visitors: visitors, origins: origins, metrics: m.Metrics, log: m.Log, limits: limits,
		perAddress: ratelimit.NewLimit(limits.PerAddress, c),
		perLink:    ratelimit.NewLimit(limits.PerLink, c),
		open:       &openOrders{cache: m.Cache, most: limits.Open},
		lines:      ratelimit.NewLimit(ratelimit.Rate{Events: 1, Per: time.Minute, Burst: 1}, c),
	}, nil
}

// Page answers GET with a page of one button. It creates nothing: crawlers and previews come this far.
func (c *Counter) Page(w http.ResponseWriter, r *http.Request) {
	link, state, p := c.link(r.Context(), r)
	if p != nil {
		c.pages.Refuse(w, r, state, p)
		return
	}
	c.pages.ShowBuy(w, page.Buy{
		Product: cmp.Or(link.Spec.ProductName, link.Spec.ProductID), Price: link.Status.Price, Live: link.Live(),
	})
}

// Order answers POST: it creates an order and sends the buyer on to Stripe.
func (c *Counter) Order(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	order, state, p := c.order(ctx, r)
	if p != nil {
		c.pages.Refuse(w, r, state, p)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, order.Status.CheckoutURL, http.StatusSeeOther)
}

// link returns the PaymentLink of a request's path. Whether one is there that is not for everybody, nobody learns.
func (c *Counter) link(ctx context.Context, r *http.Request) (*v1alpha1.PaymentLink, page.State, *problem.Problem) {
	namespace, name := r.PathValue("namespace"), r.PathValue("paymentLink")
	none := problem.Of(http.StatusNotFound, "paymentLink", "there is nothing for sale at this address: a PaymentLink must say publicCheckout: true.")
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return nil, page.NotForSale, none
	}
	link, p := c.maker.find(ctx, namespace, name)
	switch {
	case p != nil && p.Status == http.StatusNotFound:
		return nil, page.NotForSale, none
	case p != nil:
		return nil, page.NotNow, p
	case !link.Spec.PublicCheckout:
		return nil, page.NotForSale, none
	case !link.Ready():
		return nil, page.NotNow, tryAgain("The PaymentLink is not Ready: try again later.", retryAfter)
	}
	return link, "", nil
}

func (c *Counter) order(ctx context.Context, r *http.Request) (*v1alpha1.Order, page.State, *problem.Problem) {
	if err := c.origins.Check(r); err != nil {
		return nil, page.Elsewhere, problem.Of(http.StatusForbidden, "Origin",
			"the form was sent from a page of another origin: send it from one of the shop's, whose address is NEXT_PUBLIC_APP_URL.")
	}
	link, state, p := c.link(ctx, r)
	if p != nil {
		return nil, state, p
	}
	if p := c.limit(r, link); p != nil {
		return nil, page.Limited, p
	}
	may, leave, err := c.open.enter(ctx, link)
	switch {
	case err != nil:
		c.log.Error(err, "Count the orders of a PaymentLink")
		return nil, page.NotNow, tryAgain("The orders could not be read: try again later.", retryAfter)
	case !may:
		c.refused(link)
		return nil, page.NotNow, tryAgain("Too many orders of this PaymentLink wait to be paid: try again later.", time.Minute)
	}
	defer leave()
	order := orderOf(link, wish{checkout: v1alpha1.CheckoutPublic, expiresAfter: c.limits.Expiry})
	if _, p := c.maker.create(ctx, order); p != nil {
		return nil, page.NotNow, p
	}
	if order, p = c.maker.awaitReady(ctx, order); p != nil {
		return nil, page.NotNow, p
	}
	return order, "", nil
}

// limit counts one order against the client and the link.
func (c *Counter) limit(r *http.Request, link *v1alpha1.PaymentLink) *problem.Problem {
	if wait, ok := c.perAddress.Take(c.visitors.Of(r)); !ok {
		c.metrics.Limited.WithLabelValues(metrics.LimitBuyAddress).Inc()
		p := problem.New(http.StatusTooManyRequests, "Too many orders came from your network: try again later.")
		p.RetryAfter = wait
		return p
	}
	if wait, ok := c.perLink.Take(types.NamespacedName{Namespace: link.Namespace, Name: link.Name}); !ok {
		c.metrics.Limited.WithLabelValues(metrics.LimitBuyLink).Inc()
		p := problem.New(http.StatusTooManyRequests, "Too many orders are being made of this PaymentLink: try again later.")
		p.RetryAfter = wait
		return p
	}
	return nil
}

// refused counts, and sometimes logs, that a link has as many open orders as it may.
func (c *Counter) refused(link *v1alpha1.PaymentLink) {
	c.metrics.Limited.WithLabelValues(metrics.LimitBuyOpen).Inc()
	if _, ok := c.lines.Take(nil); ok {
		c.log.Info("A PaymentLink has as many unpaid orders as it may, and sells nothing to others until they are paid or expire: see --public-orders-open and --public-order-expiry",
			"namespace", link.Namespace, "paymentLink", link.Name, "open", c.limits.Open)
	}
}
