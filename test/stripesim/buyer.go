package stripesim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html"
)

// ErrInactive is the error for a link that is not active any more.
var ErrInactive = errors.New("this payment link is no longer active")

// Buyer visits payment pages over HTTP and fills in their forms. Use one for each goroutine.
type Buyer struct {
	// Name, Email and the address are entered in the form. They are personal data: only Stripe may have them.
	Name, Email, Line1, City, PostalCode, Country string

	transport http.RoundTripper
	session   func(id string) (Session, bool)
	returned  string
}

// Buyer returns a new buyer. No part of the name and address is a number alone: a test that searches a log for personal data
// would find a number by chance.
func (s *Simulator) Buyer() *Buyer {
	b := RemoteBuyer(s.buyers)
	b.session = s.Session
	return b
}

// RemoteBuyer is Buyer for a simulator in another process. The sessions that it returns have only an id.
func RemoteBuyer(transport http.RoundTripper) *Buyer {
	return &Buyer{
		Name: "Erika Mustermann", Email: "erika.mustermann@example.com",
		Line1: "Musterstrasse 1", City: "Berlin", PostalCode: "D-10115", Country: "DE",
		transport: transport,
		session:   func(id string) (Session, bool) { return Session{Object: Object{ID: id}}, true },
	}
}

// Pay opens a link, or the page of an open session, and pays by card. A refused card is a *DeclinedError beside the open
// session; pay its URL to try again.
func (b *Buyer) Pay(ctx context.Context, checkoutURL, card string) (Session, error) {
	return b.submit(ctx, checkoutURL, url.Values{"method": {methodCard}, "card": {card}})
}

// PayByDebit opens a link or a session and pays by bank debit. SettleDebit decides its outcome.
func (b *Buyer) PayByDebit(ctx context.Context, checkoutURL string) (Session, error) {
	return b.submit(ctx, checkoutURL, url.Values{"method": {methodDebit}})
}

// Visit opens a link and leaves without paying.
func (b *Buyer) Visit(ctx context.Context, checkoutURL string) (Session, error) {
	session, _, err := b.open(ctx, checkoutURL)
	return session, err
}

// ReturnedTo returns the address that the last payment redirected to: the shop's return page, or the simulator's page of
// thanks. The Buyer does not open it.
func (b *Buyer) ReturnedTo() string { return b.returned }

// form is a payment form as it stands on a page.
type form struct {
	action *url.URL
	fields url.Values
}

func (b *Buyer) open(ctx context.Context, address string) (Session, *form, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Session{}, nil, fmt.Errorf("open payment page: %w", err)
	}
	client := &http.Client{Transport: b.transport}
	answer, err := client.Do(request)
	if err != nil {
		return Session{}, nil, fmt.Errorf("open payment page: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusGone:
		_, _ = io.Copy(io.Discard, answer.Body)
		if strings.HasPrefix(answer.Request.URL.Path, sessionPath) {
			return Session{}, nil, ErrNotPayable
		}
		return Session{}, nil, ErrInactive
	default:
		return Session{}, nil, fmt.Errorf("open payment page: %s", answer.Status)
	}
	found, err := paymentForm(answer.Body, answer.Request.URL)
	if err != nil {
		return Session{}, nil, err
	}
	session, ok := b.session(path.Base(answer.Request.URL.Path))
	if !ok {
		return Session{}, nil, fmt.Errorf("open payment page: no session at %s", answer.Request.URL.Path)
	}
	return session, found, nil
}

func (b *Buyer) submit(ctx context.Context, address string, choice url.Values) (Session, error) {
	session, page, err := b.open(ctx, address)
	if err != nil {
		return session, err
	}
	typed := url.Values{
		"email": {b.Email}, "name": {b.Name}, "line1": {b.Line1}, "city": {b.City},
		"postal_code": {b.PostalCode}, "country": {b.Country},
	}
	for _, values := range []url.Values{typed, choice} {
		for name, value := range values {
			page.fields[name] = value
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, page.action.String(), strings.NewReader(page.fields.Encode()))
	if err != nil {
		return session, fmt.Errorf("submit payment: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{
		Transport:     b.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(request)
	if err != nil {
		return session, fmt.Errorf("submit payment: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body)
	session, _ = b.session(session.ID)
	switch answer.StatusCode {
	case http.StatusSeeOther:
		b.returned = answer.Header.Get("Location")
		return session, nil
	case http.StatusPaymentRequired:
		return session, &DeclinedError{Message: answer.Header.Get(declineHeader)}
	case http.StatusGone:
		return session, ErrNotPayable
	}
	return session, fmt.Errorf("submit payment: %s", answer.Status)
}

// paymentForm reads the form's action and what is filled in already.
func paymentForm(page io.Reader, at *url.URL) (*form, error) {
	document, err := html.Parse(page)
	if err != nil {
		return nil, fmt.Errorf("parse payment page: %w", err)
	}
	var found *form
	for node := range document.Descendants() {
		switch {
		case node.Type != html.ElementNode:
		case node.Data == "form" && attribute(node, "id") == "payment":
			action, err := at.Parse(attribute(node, "action"))
			if err != nil {
				return nil, fmt.Errorf("parse payment page: %w", err)
			}
			found = &form{action: action, fields: url.Values{}}
		case node.Data == "input" && found != nil && attribute(node, "type") == "hidden":
			found.fields.Set(attribute(node, "name"), attribute(node, "value"))
		}
	}
	if found == nil {
		return nil, ErrNotPayable
	}
	return found, nil
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
