package webhookendpoint

import (
	"net/url"
	"strings"

	"github.com/paylink-dev/paylink/internal/weburl"
)

// sameURL reports whether two addresses reach the same route. A slash at the end makes no difference; http and https do.
func sameURL(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil {
		return false
	}
	y, err := url.Parse(b)
	return err == nil && normalize(x) == normalize(y)
}

// normalize returns the one spelling of an address.
func normalize(u *url.URL) string {
	weburl.NormalizeHost(u)
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	return u.String()
}

// isHTTP reports whether an address begins with http://.
func isHTTP(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http"
}
