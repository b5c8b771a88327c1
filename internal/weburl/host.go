// Package weburl writes web addresses in one form, so that they can be compared.
package weburl

import (
	"net/url"
	"strings"
)

// NormalizeHost changes the host of an address to the form that browsers send: in lower case, and without the default port
// of its scheme.
func NormalizeHost(u *url.URL) {
	u.Host = strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		u.Host = strings.TrimSuffix(u.Host, ":443")
	case "http":
		u.Host = strings.TrimSuffix(u.Host, ":80")
	}
}

// Origin returns the origin of an address, as browsers send it: the scheme and the host.
func Origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
