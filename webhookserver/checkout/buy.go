package checkout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/weburl"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// BuyPattern is the route of the buy page, in the syntax of http.ServeMux.
const BuyPattern = "/buy/{namespace}/{paymentLink}"

// BuyHandler creates orders for anonymous buyers, of PaymentLinks with publicCheckout.
type BuyHandler struct {
	creator  *OrderCreator
	pages    *page.Pages
	clientIP *clientip.Resolver
	origins  *http.CrossOriginProtection
	metrics  *metrics.Checkout
	log      logr.Logger
	limits   Limits

	addressLimit, linkLimit *ratelimit.Limiter
	openOrders              *openOrders
	openLogRate             *ratelimit.Limiter
}

// NewBuyHandler returns a BuyHandler. It accepts its form from pages of its own origin, and from pages of the shop unless
// appURL is nil.
func NewBuyHandler(creator *OrderCreator, pages *page.Pages, clientIP *clientip.Resolver, appURL *url.URL, limits Limits,
	c clock.PassiveClock, log logr.Logger) (*BuyHandler, error) {
	origins := http.NewCrossOriginProtection()
	if appURL != nil {
		if err := origins.AddTrustedOrigin(weburl.Origin(appURL)); err != nil {
			return nil, err
		}
	}
	return &BuyHandler{
		creator: creator, pages: pages, clientIP: clientIP, origins: origins, metrics: creator.Metrics, log: log, limits: limits,
		addressLimit: ratelimit.New(limits.PerAddress, c),
		linkLimit:    ratelimit.New(limits.PerLink, c),
		openOrders:   &openOrders{cache: creator.Cache, limit: limits.Open},
		openLogRate:  ratelimit.New(ratelimit.OnceAMinute, c),
	}, nil
}

// Page answers GET with a page of one button. It creates nothing, since crawlers and link previews load it.
func (h *BuyHandler) Page(w http.ResponseWriter, r *http.Request) error {
	link, err := h.findLink(r.Context(), r)
	if err != nil {
		return err
	}
	return h.pages.RenderBuy(w, page.Buy{
		Product: cmp.Or(link.Spec.ProductName, link.Spec.ProductID), Price: link.Status.Price, Live: link.Live(),
	})
}

// Order answers POST: it creates an order and redirects the buyer to the payment page.
func (h *BuyHandler) Order(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	order, err := h.createOrder(ctx, r)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, order.Status.CheckoutURL, http.StatusSeeOther)
	return nil
}

// RenderProblem answers a browser with a notice, and other clients with the problem itself.
func (h *BuyHandler) RenderProblem(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	if p.Status == http.StatusMethodNotAllowed || !page.AcceptsHTML(r) || h.pages.RenderNotice(w, p, noticeOf(p)) != nil {
		p.Write(w)
	}
}

// findLink returns the PaymentLink of the path. A link without publicCheckout is answered as one that does not exist.
func (h *BuyHandler) findLink(ctx context.Context, r *http.Request) (*v1alpha1.PaymentLink, error) {
	namespace, name := r.PathValue("namespace"), r.PathValue("paymentLink")
	missing := problem.ForField(http.StatusNotFound, "paymentLink", "there is nothing for sale at this address: a PaymentLink must say publicCheckout: true.")
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return nil, missing
	}
	link, err := h.creator.findLink(ctx, namespace, name)
	var p *problem.Problem
	switch {
	case errors.As(err, &p) && p.Status == http.StatusNotFound:
		return nil, missing
	case err != nil:
		return nil, err
	case !link.Spec.PublicCheckout:
		return nil, missing
	case !link.Ready():
		return nil, problem.Unavailable("The PaymentLink is not Ready: try again later.", nil)
	}
	return link, nil
}

func (h *BuyHandler) createOrder(ctx context.Context, r *http.Request) (*v1alpha1.Order, error) {
	if err := h.origins.Check(r); err != nil {
		return nil, problem.ForField(http.StatusForbidden, "Origin",
			"the form was sent from a page of another origin: send it from one of the shop's, whose address is NEXT_PUBLIC_APP_URL.")
	}
	link, err := h.findLink(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := h.checkRates(r, link); err != nil {
		return nil, err
	}
	reserved, release, err := h.openOrders.reserve(ctx, link)
	switch {
	case err != nil:
		return nil, problem.Unavailable("The orders could not be read: try again later.", fmt.Errorf("count orders of a PaymentLink: %w", err))
	case !reserved:
		h.reportOpenLimit(link)
		return nil, problem.Unavailable("Too many orders of this PaymentLink wait to be paid: try again later.", nil).WithRetryAfter(time.Minute)
	}
	defer release()
	order := newOrder(link, orderParams{checkout: v1alpha1.CheckoutPublic, expiresAfter: h.limits.Expiry})
	if _, err := h.creator.create(ctx, order); err != nil {
		return nil, err
	}
	return h.creator.awaitReady(ctx, order)
}

// checkRates counts one order of the client and of the link. The error is a problem with status 429.
func (h *BuyHandler) checkRates(r *http.Request, link *v1alpha1.PaymentLink) error {
	if wait, ok := h.addressLimit.Allow(h.clientIP.Client(r)); !ok {
		h.metrics.Limited.WithLabelValues(metrics.LimitBuyAddress).Inc()
		return problem.New(http.StatusTooManyRequests, "Too many orders came from your network: try again later.").WithRetryAfter(wait)
	}
	if wait, ok := h.linkLimit.Allow(types.NamespacedName{Namespace: link.Namespace, Name: link.Name}); !ok {
		h.metrics.Limited.WithLabelValues(metrics.LimitBuyLink).Inc()
		return problem.New(http.StatusTooManyRequests, "Too many orders are being made of this PaymentLink: try again later.").WithRetryAfter(wait)
	}
	return nil
}

// reportOpenLimit counts a rejection, and logs it once a minute.
func (h *BuyHandler) reportOpenLimit(link *v1alpha1.PaymentLink) {
	h.metrics.Limited.WithLabelValues(metrics.LimitBuyOpen).Inc()
	if _, ok := h.openLogRate.Allow(nil); ok {
		h.log.Info("Limit of unpaid orders reached", "namespace", link.Namespace, "paymentLink", link.Name, "open", h.limits.Open,
			"effect", "the PaymentLink sells nothing until orders are paid or expire", "remedy", "see --public-orders-open and --public-order-expiry")
	}
}
