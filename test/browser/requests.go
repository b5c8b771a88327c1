package browser

import (
	"slices"
	"strings"

	"github.com/chromedp/cdproto/network"
)

// Request is a request of a page. Each step of a redirect is one.
type Request struct {
	// Method and URL are those of the request, without a fragment.
	Method, URL string
}

// recordRequest records a request of a page. The caller holds the lock.
func (tab *Tab) recordRequest(event any) {
	if e, ok := event.(*network.EventRequestWillBeSent); ok {
		tab.requests = append(tab.requests, Request{Method: e.Request.Method, URL: e.Request.URL})
	}
}

// Requests are the requests so far with this method, and with this part in their
// URL, in order.
func (tab *Tab) Requests(method, part string) []Request {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(tab.requests), func(r Request) bool {
		return r.Method != method || !strings.Contains(r.URL, part)
	})
}
