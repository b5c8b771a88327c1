package setup

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/paylink-dev/paylink/internal/weburl"
)

// hostPattern is the form in which browsers send a host in Origin. It excludes Unicode names, which browsers send as xn--….
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// AppURL returns the shop's public URL from NEXT_PUBLIC_APP_URL, without a slash at the end; nil if it is not set.
func AppURL() (*url.URL, error) {
	text := strings.TrimRight(strings.TrimSpace(os.Getenv("NEXT_PUBLIC_APP_URL")), "/")
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || !hostPattern.MatchString(u.Host) || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("NEXT_PUBLIC_APP_URL is not a web address: set it to the shop's own, such as https://shop.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, fmt.Errorf("NEXT_PUBLIC_APP_URL must be a plain address, without user, query or fragment: such as %s://%s", u.Scheme, u.Host)
	}
	weburl.NormalizeHost(u)
	return u, nil
}
