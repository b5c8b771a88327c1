package fakeshop

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/paylink-dev/paylink/test/check"
)

// Page is a page as a browser without JavaScript shows it.
type Page struct {
	Title, Heading string
	// State and Poll are the data attributes of its main element.
	State string
	Poll  bool
	// Text is the visible text, with single spaces.
	Text string
	// Links are the texts of the links by their addresses.
	Links map[string]string
	// Refresh is the delay of a reload without scripts, and RefreshTo its address; 0: none.
	Refresh   time.Duration
	RefreshTo string
	// Scripts and Styles are the addresses of scripts and style sheets; an inline one is "inline".
	Scripts, Styles []string
	// Forms are the methods and actions of the forms.
	Forms []string
}

// Read parses an answer as a page.
func Read(t testing.TB, answer *httptest.ResponseRecorder) *Page {
	t.Helper()
	if kind := answer.Header().Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Fatalf("got %d of type %q, want a page: %s", answer.Code, kind, answer.Body)
	}
	document, err := html.ParseWithOptions(strings.NewReader(answer.Body.String()), html.ParseOptionEnableScripting(false))
	check.Must(t, err)
	p := &Page{Links: map[string]string{}}
	for node := range document.Descendants() {
		if node.Type == html.ElementNode {
			p.element(t, node)
			noInline(t, node)
		}
	}
	p.Text = strings.Join(strings.Fields(visibleText(document)), " ")
	return p
}

func (p *Page) element(t testing.TB, node *html.Node) {
	t.Helper()
	switch node.Data {
	case "title":
		p.Title = visibleText(node)
	case "h1":
		p.Heading = visibleText(node)
	case "main":
		p.State, p.Poll = attribute(node, "data-state"), attribute(node, "data-poll") == "true"
	case "a":
		p.Links[attribute(node, "href")] = strings.TrimSpace(visibleText(node))
	case "form":
		p.Forms = append(p.Forms, strings.TrimSpace(attribute(node, "method")+" "+attribute(node, "action")))
	case "script":
		p.Scripts = append(p.Scripts, orInline(attribute(node, "src")))
	case "style":
		p.Styles = append(p.Styles, "inline")
	case "link":
		if attribute(node, "rel") == "stylesheet" {
			p.Styles = append(p.Styles, attribute(node, "href"))
		}
	case "meta":
		if attribute(node, "http-equiv") != "refresh" {
			return
		}
		seconds, to, _ := strings.Cut(attribute(node, "content"), ";url=")
		n, err := strconv.Atoi(seconds)
		if err != nil {
			t.Errorf("got a reload after %q, want seconds", seconds)
		}
		p.Refresh, p.RefreshTo = time.Duration(n)*time.Second, to
	}
}

// noInline fails the test where an element has an inline style or script, which the page's policy forbids.
func noInline(t testing.TB, node *html.Node) {
	t.Helper()
	for _, a := range node.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("got <%s> with an inline %s, want none", node.Data, a.Key)
		}
	}
}

func orInline(address string) string {
	if address == "" {
		return "inline"
	}
	return address
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// visibleText is the visible text of a node.
func visibleText(node *html.Node) string {
	if node.Type == html.TextNode {
		return node.Data
	}
	for _, a := range node.Attr {
		if a.Key == "hidden" {
			return ""
		}
	}
	if node.Data == "head" || node.Data == "script" {
		return ""
	}
	var text strings.Builder
	for child := range node.ChildNodes() {
		text.WriteString(visibleText(child))
		if child.Type == html.ElementNode {
			text.WriteString(" ")
		}
	}
	return text.String()
}
