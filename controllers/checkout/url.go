// Package checkout builds the checkout URLs of orders.
package checkout

import (
	"errors"
	"fmt"
	"net/url"
)

// maxCheckoutURL is the maximum length in the CRD, in bytes. Escaping can make an address longer.
const maxCheckoutURL = 4096

// WithReference adds an order's reference to the address of a Payment Link, and leaves the rest of its query unchanged.
func WithReference(address, reference string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("parse payment link: %w", err)
	}
	if u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", errors.New("payment link is not an http address")
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "client_reference_id=" + url.QueryEscape(reference)
	if checkoutURL := u.String(); len(checkoutURL) <= maxCheckoutURL {
		return checkoutURL, nil
	}
	return "", errors.New("payment link is too long")
}
