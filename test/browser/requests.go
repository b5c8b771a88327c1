package browser

import (
	"slices"
	"strings"

	"github.com/chromedp/cdproto/network"
)

// Request is one that a tab's pages sent; each leg of a redirect is one.
type Request struct {
	// Method and URL are as they were sent; the URL has no fragment.
	Method, URL string
}

// noteRequest takes down what a page asks for; the lock is held.
func (tab *Tab) noteRequest(event any) {
	if e, ok := event.(*network.EventRequestWillBeSent); ok {
		tab.requests = append(tab.requests, Request{Method: e.Request.Method, URL: e.Request.URL})
	}
}

// Requests are those so far whose method is this, and whose URL has a part like
// this: what a page asked for without showing it. They come in order.
func (tab *Tab) Requests(method, part string) []Request {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(tab.requests), func(r Request) bool {
		return r.Method != method || !strings.Contains(r.URL, part)
	})
}
