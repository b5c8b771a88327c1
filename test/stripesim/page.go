package stripesim

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed pages
var pageFiles embed.FS

// The templates of pages, each inside the frame.
const (
	checkoutPage = "checkout.html"
	noticePage   = "notice.html"
	overviewPage = "overview.html"
)

// pageTemplates are the parsed templates by name.
type pageTemplates map[string]*template.Template

func parsePages() (pageTemplates, error) {
	parsed := pageTemplates{}
	for _, name := range []string{checkoutPage, noticePage, overviewPage} {
		page, err := template.ParseFS(pageFiles, "pages/frame.html", "pages/"+name)
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		parsed[name] = page
	}
	return parsed, nil
}

// render answers with a page. Its policy allows the one style sheet and no script
// at all; it has no form-action, which would forbid the redirect to the shop.
func (t pageTemplates) render(w http.ResponseWriter, status int, name string, view any) {
	var out bytes.Buffer
	if err := t[name].ExecuteTemplate(&out, "frame", view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}
