package setup

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// host is a host as browsers write it, so that origins can be compared: a name in other letters as xn--….
var host = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)

// AppURL returns the shop's public address, NEXT_PUBLIC_APP_URL, without a slash at its end; nil where it is not set.
func AppURL() (*url.URL, error) {
	text := strings.TrimRight(strings.TrimSpace(os.Getenv("NEXT_PUBLIC_APP_URL")), "/")
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || !host.MatchString(u.Host) || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("NEXT_PUBLIC_APP_URL is no address: write the shop's own, such as https://shop.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, fmt.Errorf("NEXT_PUBLIC_APP_URL must be an address alone, without user, query or fragment: such as %s://%s", u.Scheme, u.Host)
	}
	// As browsers write an origin.
	u.Host = strings.ToLower(u.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; strings.HasSuffix(u.Host, port) {
		u.Host = strings.TrimSuffix(u.Host, port)
	}
	return u, nil
}
