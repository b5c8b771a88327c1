package returnpage

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// Page answers GET page.BillingPath: what the capture route says, for people. Without JavaScript it comes again by
// itself, ever less often, and stops in the end.
func (d *Desk) Page(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	in := captureRequest{Provider: query.Get("provider"), SessionID: query.Get("session_id")}
	if in.Provider == "" {
		in.Provider = "stripe"
	}
	if p := check(in); p != nil {
		d.refuse(w, r, p, page.Billing{State: page.Invalid})
		return
	}
	tries, err := strconv.Atoi(query.Get("try"))
	if err != nil && query.Has("try") {
		tries = maxTries
	}
	who := d.Visitors.Of(r)
	shown := page.Billing{SessionID: in.SessionID, CheckURL: address(in, 0)}
	if p := d.limit(who); p != nil {
		shown.State, shown.Poll = page.Limited, true
		if refreshAfter(tries) > 0 {
			shown.RefreshAfter, shown.RefreshURL = int(p.RetryAfter.Seconds())+1, address(in, tries+1)
		}
		d.refuse(w, r, p, shown)
		return
	}
	if tries == 0 {
		d.awaitNews(r.Context(), in.SessionID)
	}
	o, err := d.find(r.Context(), who, in.SessionID)
	if err != nil { // which the page need not say: it asks again
		d.Log.Error(err, "Look up a payment")
		o = nothingKnown
	}
	status := http.StatusOK
	if o.state == page.Unknown {
		status = http.StatusNotFound
	}
	shown.State, shown.Poll = o.state, !o.final()
	if wait := refreshAfter(tries); shown.Poll && wait > 0 {
		shown.RefreshAfter, shown.RefreshURL = int(wait.Seconds()), address(in, tries+1)
	}
	if o.order != nil {
		shown.OrderID, shown.RetryURL = o.order.ClientReferenceID(), o.retryURL()
		shown.Product, shown.Total = cmp.Or(o.order.Spec.ProductName, o.order.Spec.ProductID), o.order.Status.Total
	}
	d.Pages.ShowBilling(w, status, shown)
}

// newsOnItsWay is how long a webhook's news may take from the API server to this server's cache, and how often to look.
const newsOnItsWay, newsLook = 400 * time.Millisecond, 20 * time.Millisecond

// awaitNews gives news of a session that moment. Stripe sends a buyer on as soon as the webhook was taken, and a page
// that is a blink too early would say that nothing is known. That nothing comes, or that something is wrong, is for
// whoever looks next to say.
func (d *Desk) awaitNews(ctx context.Context, session string) {
	_ = wait.PollUntilContextTimeout(ctx, newsLook, newsOnItsWay, true, func(ctx context.Context) (bool, error) {
		order, err := d.order(ctx, ledger.IndexSession, session)
		return order != nil || err != nil, nil
	})
}

// refuse answers with a page where a browser asks, and with the problem elsewhere.
func (d *Desk) refuse(w http.ResponseWriter, r *http.Request, p *problem.Problem, shown page.Billing) {
	if !page.WantsPage(r) {
		p.Write(w)
		return
	}
	p.Header(w.Header())
	d.Pages.ShowBilling(w, p.Status, shown)
}

// address is the page's, relative to itself, for the try of that number.
func address(in captureRequest, try int) string {
	query := url.Values{"provider": {in.Provider}, "session_id": {in.SessionID}}
	if try > 0 {
		query.Set("try", strconv.Itoa(try))
	}
	return "?" + query.Encode()
}

// maxTries is how often the page comes again without JavaScript: for about ten minutes.
const maxTries = 24

// refreshAfter is how long the page stays after so many tries; 0: it stops.
func refreshAfter(tries int) time.Duration {
	if tries < 0 || tries >= maxTries {
		return 0
	}
	return time.Duration(min(2*math.Pow(1.5, float64(tries)), 30)) * time.Second
}
