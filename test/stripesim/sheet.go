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

// The templates that a page is made of, each inside one frame.
const (
	checkoutSheet = "checkout.html"
	noticeSheet   = "notice.html"
	overviewSheet = "overview.html"
)

// sheets are the parsed templates by name.
type sheets map[string]*template.Template

func parseSheets() (sheets, error) {
	parsed := sheets{}
	for _, name := range []string{checkoutSheet, noticeSheet, overviewSheet} {
		sheet, err := template.ParseFS(pageFiles, "pages/frame.html", "pages/"+name)
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		parsed[name] = sheet
	}
	return parsed, nil
}

// show answers with a page. Its policy allows the one style sheet and no script
// at all; it has no form-action, which would forbid the redirect to the shop.
func (s sheets) show(w http.ResponseWriter, status int, name string, view any) {
	var out bytes.Buffer
	if err := s[name].ExecuteTemplate(&out, "frame", view); err != nil {
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
