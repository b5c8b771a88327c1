package storefront

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync/atomic"
)

//go:embed pages
var pageFiles embed.FS

// contentPolicy allows the shop's one style sheet, its icon, and no script at
// all. It has no form-action: Chrome applies that to the redirect after a form
// was posted as well, and the button's leads to Stripe.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// page is the pricing page. Nothing in it changes but where its form posts to.
type page struct {
	sheet   *template.Template
	buyPath atomic.Value // string
}

func newPage() (*page, error) {
	sheet, err := template.ParseFS(pageFiles, "pages/pricing.html")
	if err != nil {
		return nil, fmt.Errorf("parse the pricing page: %w", err)
	}
	return &page{sheet: sheet}, nil
}

// sell has the form post to this path; empty takes the form away.
func (p *page) sell(buyPath string) error {
	if buyPath != "" && (!strings.HasPrefix(buyPath, "/") || strings.HasPrefix(buyPath, "//")) {
		return fmt.Errorf("%q is no path of this shop to buy at: write it as /buy/shop/lifetime", buyPath)
	}
	p.buyPath.Store(buyPath)
	return nil
}

func (p *page) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.show)
	for path, file := range map[string]string{
		"/shop.css": "shop.css",
		"/icon.svg": "icon.svg",
		// Browsers ask for this one by themselves, as on Paylink's pages, which have no icon of their own.
		"/favicon.ico": "icon.svg",
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			setHeader(w.Header())
			http.ServeFileFS(w, r, pageFiles, "pages/"+file)
		})
	}
}

func (p *page) show(w http.ResponseWriter, _ *http.Request) {
	var out bytes.Buffer
	if err := p.sheet.Execute(&out, struct{ BuyPath any }{p.buyPath.Load()}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	setHeader(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = out.WriteTo(w)
}

func setHeader(header http.Header) {
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	// The form's own origin must be told to /buy, which refuses to be posted to by other sites.
	header.Set("Referrer-Policy", "same-origin")
}
