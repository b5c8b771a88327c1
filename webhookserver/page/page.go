// Package page renders the HTML pages of buyers: the billing page, the buy page, and notices. Their texts
// come from the handlers. The pages load everything from the same server, and have no inline script or style, so that the
// Content-Security-Policy can forbid anything else.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// BillingPath is the route of the billing page. The assets are below it, so that a proxy that forwards this path also
// forwards them.
const BillingPath = "/dashboard/billing"

//go:embed files
var files embed.FS

// Pages renders pages.
type Pages struct {
	// appURL is the address of the shop; nil: not known.
	appURL *url.URL

	billing, buy, notice *template.Template
}

// New returns Pages that link to the address of the shop. Nil: they have no such link.
func New(appURL *url.URL) (*Pages, error) {
	p := &Pages{appURL: appURL}
	for name, into := range map[string]**template.Template{"billing": &p.billing, "buy": &p.buy, "notice": &p.notice} {
		parsed, err := template.ParseFS(files, "files/frame.html", "files/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("parse the page %s: %w", name, err)
		}
		*into = parsed
	}
	return p, nil
}

// Text is the text of a page.
type Text struct {
	// State is the key of the text. The style sheet selects the icon by it.
	State          string
	Title, Message string
	// Next is the next step of the buyer; empty: none.
	Next string
}

// TooManyRequests is the text for a client that is over a limit.
var TooManyRequests = Text{
	State: "limited", Title: "One moment, please", Message: "There were many requests from your network.",
	Next: "Try again in a minute. If you have paid, your order does not depend on this page.",
}

// Billing is the content of the billing page.
type Billing struct {
	Text
	// Poll makes the page ask again for the state of the payment.
	Poll bool
	// RefreshAfter is the number of seconds after which a browser without JavaScript loads RefreshURL; 0: never.
	RefreshAfter int
	RefreshURL   string
	// Product and Total describe the order, OrderID is its id, and SessionID the payment's session. Empty: not known.
	Product, Total, OrderID, SessionID string
	// RetryURL is the payment page, if the buyer can pay again. Empty otherwise.
	RetryURL string
	// CheckURL is the address of this page, with which it starts to poll anew.
	CheckURL string
}

// Buy is the content of the buy page.
type Buy struct {
	Product, Price string
	Live           bool
}

// view is the data of every template.
type view struct {
	Text
	// Root is the relative path from the page to the root of all routes.
	Root string
	// ShopURL and ShopName are the address and the host of the shop; empty: not known.
	ShopURL, ShopName string
	// Page is the data of the one template.
	Page any
}

func (p *Pages) view(text Text, root string, page any) view {
	v := view{Text: text, Root: root, Page: page}
	if p.appURL != nil {
		v.ShopURL, v.ShopName = p.appURL.String(), p.appURL.Host
	}
	return v
}

// RenderBilling answers with the billing page.
func (p *Pages) RenderBilling(w http.ResponseWriter, status int, b Billing) error {
	return render(w, status, p.billing, noForm, p.view(b.Text, "../", b))
}

// RenderBuy answers with the buy page. Its policy allows any form action: browsers apply form-action to redirects too, and
// the address at Stripe is not known in advance.
func (p *Pages) RenderBuy(w http.ResponseWriter, b Buy) error {
	return render(w, http.StatusOK, p.buy, "", p.view(Text{}, buyRoot, b))
}

// buyRoot is the relative path from /buy/NAMESPACE/NAME to the root of all routes.
const buyRoot = "../../"

// RenderNotice answers a request for /buy/NAMESPACE/NAME with a problem, as a page with a text.
func (p *Pages) RenderNotice(w http.ResponseWriter, cause *problem.Problem, text Text) error {
	cause.SetHeaders(w.Header())
	return render(w, cause.Status, p.notice, noForm, p.view(text, buyRoot, nil))
}

// AcceptsHTML reports whether a request comes from a browser.
func AcceptsHTML(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// noForm is the policy of a page without a form.
const noForm = "; form-action 'none'"

func render(w http.ResponseWriter, status int, t *template.Template, formPolicy string, v view) error {
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "frame", v); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'"+formPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // the address contains the id of a payment
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // fails only if the client has closed the connection
	return nil
}

// assets are the content types of the assets, by their path below BillingPath.
var assets = map[string]string{
	"/page.css":   "text/css; charset=utf-8",
	"/billing.js": "text/javascript; charset=utf-8",
	"/icon.svg":   "image/svg+xml",
}

// ServeAsset answers with a file that the pages load.
func ServeAsset(w http.ResponseWriter, r *http.Request) error {
	name := strings.TrimPrefix(r.URL.Path, BillingPath)
	contentType, ok := assets[name]
	if !ok {
		return problem.New(http.StatusNotFound, "There is no such file.")
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "public, max-age=300") // short: after an upgrade, pages need the new files
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, files, "files"+name)
	return nil
}
