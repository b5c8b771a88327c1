// Package page holds what buyers see: the billing page, the buy page, and notices. Everything they need comes from the
// same server; nothing is inline, so that the Content-Security-Policy forbids all that is not ours.
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

// BillingPath is the route of the billing page. The files that the pages use are below it, so that whoever passes
// this path on to the server passes them on too.
const BillingPath = "/dashboard/billing"

//go:embed files
var files embed.FS

// Pages shows pages.
type Pages struct {
	// appURL is the shop's address; nil: not known.
	appURL *url.URL

	billing, buy, notice *template.Template
}

// New returns the pages of a shop, which they link back to where its address is not nil.
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

// Billing is what the billing page shows.
type Billing struct {
	State State
	// Poll says that the page is to ask again; RefreshAfter is in how many seconds where there is no JavaScript, and
	// RefreshURL at what address. 0: not at all.
	Poll         bool
	RefreshAfter int
	RefreshURL   string
	// Product and Total name what was sold, OrderID the order and SessionID the payment. Empty: not known.
	Product, Total, OrderID, SessionID string
	// RetryURL is where to pay again or go on paying; empty: nowhere.
	RetryURL string
	// CheckURL is this page from the beginning.
	CheckURL string
}

// Buy is what the buy page shows.
type Buy struct {
	Product, Price string
	Live           bool
}

// view is what every template gets.
type view struct {
	Text
	// Root leads from the page's address to where all routes are.
	Root string
	// ShopURL and ShopName are of the shop; empty: not known.
	ShopURL, ShopName string
	// Page is what the one template shows.
	Page any
}

func (p *Pages) view(text Text, root string, page any) view {
	v := view{Text: text, Root: root, Page: page}
	if p.appURL != nil {
		v.ShopURL, v.ShopName = p.appURL.String(), p.appURL.Host
	}
	return v
}

// ShowBilling answers with the billing page.
func (p *Pages) ShowBilling(w http.ResponseWriter, status int, b Billing) {
	show(w, status, p.billing, noForm, p.view(TextOf(b.State), "../", b))
}

// ShowBuy answers with the buy page. Its policy names no place for the form: browsers apply that to every redirect
// after it, too, and where Stripe leads a buyer is not known here.
func (p *Pages) ShowBuy(w http.ResponseWriter, b Buy) {
	show(w, http.StatusOK, p.buy, "", p.view(Text{}, buyRoot, b))
}

// buyRoot leads from /buy/NAMESPACE/NAME to where all routes are.
const buyRoot = "../../"

// Refuse answers a request for a page of /buy/NAMESPACE/NAME that cannot be: with a page that says the state where a
// browser asks, and with the problem elsewhere.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, state State, why *problem.Problem) {
	if !WantsPage(r) {
		why.Write(w)
		return
	}
	why.Header(w.Header())
	show(w, why.Status, p.notice, noForm, p.view(TextOf(state), buyRoot, state))
}

// WantsPage reports whether a request comes from somebody who reads pages.
func WantsPage(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// noForm is the policy of a page without a form.
const noForm = "; form-action 'none'"

func show(w http.ResponseWriter, status int, t *template.Template, formPolicy string, v view) {
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "frame", v); err != nil {
		problem.New(http.StatusInternalServerError, "The page could not be shown.").Write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'"+formPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // the address names a payment
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone; there is nobody else to tell
}

// assets are the files that pages use, by their path below BillingPath.
var assets = map[string]string{
	"/page.css":   "text/css; charset=utf-8",
	"/billing.js": "text/javascript; charset=utf-8",
	"/icon.svg":   "image/svg+xml",
}

// Assets serves the files that the pages use.
func Assets(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, BillingPath)
	kind, ok := assets[name]
	if !ok {
		problem.New(http.StatusNotFound, "There is no such file.").Write(w)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=300") // soon after an upgrade, pages and files fit again
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, files, "files"+name)
}
