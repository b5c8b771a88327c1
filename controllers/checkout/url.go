// Package checkout builds the addresses at which buyers pay.
package checkout

import (
	"errors"
	"fmt"
	"net/url"
)

// maxCheckoutURL is what the CRD allows, in bytes; escaping can make an address longer than it was written.
const maxCheckoutURL = 4096

// WithReference adds the order's reference to a Payment Link's address. The address keeps its own query as it is, to
// the letter.
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
