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

// contentPolicy allows the style sheet and the icon, and no script. It has no
// form-action: Chrome would apply it to the redirect after the form, which leads
// to Stripe.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// page is the pricing page. It is static but for the action of its form.
type page struct {
	template *template.Template
	buyPath  atomic.Value // string
}

func newPage() (*page, error) {
	parsed, err := template.ParseFS(pageFiles, "pages/pricing.html")
	if err != nil {
		return nil, fmt.Errorf("parse the pricing page: %w", err)
	}
	return &page{template: parsed}, nil
}

// setBuyPath sets the action of the form; empty removes the form.
func (p *page) setBuyPath(buyPath string) error {
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
		// Browsers request this one by themselves, also on Paylink's pages.
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
	if err := p.template.Execute(&out, struct{ BuyPath any }{p.buyPath.Load()}); err != nil {
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
	// The form must send its origin to /buy, which refuses forms of other sites.
	header.Set("Referrer-Policy", "same-origin")
}
