package fakeshop

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// Sheet is a page as a browser without JavaScript has it.
type Sheet struct {
	// Title and Heading are the page's.
	Title, Heading string
	// State and Poll are those of its main part.
	State string
	Poll  bool
	// Text is all that can be read, white space aside; what is hidden is left out.
	Text string
	// Links are the texts of its links by their addresses.
	Links map[string]string
	// Refresh is after how long the page goes where by itself; 0: never.
	Refresh   time.Duration
	RefreshTo string
	// Scripts and Styles are the addresses of what it loads; an inline one is "inline".
	Scripts, Styles []string
	// Forms are their methods and actions.
	Forms []string
}

// Read reads a page.
func Read(t testing.TB, answer *httptest.ResponseRecorder) *Sheet {
	t.Helper()
	if kind := answer.Header().Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Fatalf("%d, a page of type %q: %s", answer.Code, kind, answer.Body)
	}
	document, err := html.ParseWithOptions(strings.NewReader(answer.Body.String()), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	s := &Sheet{Links: map[string]string{}}
	for node := range document.Descendants() {
		if node.Type == html.ElementNode {
			s.element(t, node)
			noInline(t, node)
		}
	}
	s.Text = strings.Join(strings.Fields(words(document)), " ")
	return s
}

func (s *Sheet) element(t testing.TB, node *html.Node) {
	t.Helper()
	switch node.Data {
	case "title":
		s.Title = words(node)
	case "h1":
		s.Heading = words(node)
	case "main":
		s.State, s.Poll = attribute(node, "data-state"), attribute(node, "data-poll") == "true"
	case "a":
		s.Links[attribute(node, "href")] = strings.TrimSpace(words(node))
	case "form":
		s.Forms = append(s.Forms, strings.TrimSpace(attribute(node, "method")+" "+attribute(node, "action")))
	case "script":
		s.Scripts = append(s.Scripts, orInline(attribute(node, "src")))
	case "style":
		s.Styles = append(s.Styles, "inline")
	case "link":
		if attribute(node, "rel") == "stylesheet" {
			s.Styles = append(s.Styles, attribute(node, "href"))
		}
	case "meta":
		if attribute(node, "http-equiv") != "refresh" {
			return
		}
		seconds, to, _ := strings.Cut(attribute(node, "content"), ";url=")
		n, err := strconv.Atoi(seconds)
		if err != nil {
			t.Errorf("the page comes again after %q", seconds)
		}
		s.Refresh, s.RefreshTo = time.Duration(n)*time.Second, to
	}
}

// noInline fails the test where an element brings a style or a script of its own, which the policy would refuse.
func noInline(t testing.TB, node *html.Node) {
	t.Helper()
	for _, a := range node.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("<%s> has an inline %s", node.Data, a.Key)
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

// words is what can be read of a node.
func words(node *html.Node) string {
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
		text.WriteString(words(child))
		if child.Type == html.ElementNode {
			text.WriteString(" ")
		}
	}
	return text.String()
}
