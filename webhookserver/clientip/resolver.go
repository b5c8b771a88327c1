// Package clientip finds the address of an anonymous client, behind proxies too.
package clientip

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/go-logr/logr"
)

// Resolver finds the client of a request. A client address is personal data: it serves as a key of rate limits, and is
// neither logged nor stored.
type Resolver struct {
	// Trusted are the proxies whose X-Forwarded-For is believed. Any other sender can write anything into it.
	Trusted []netip.Prefix
	Log     logr.Logger

	untrusted, rewritten sync.Once
}

// Private is the word for all networks that the internet does not route: loopback, private and link-local ones. The
// proxies of a cluster have such addresses.
const Private = "private"

var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT, and the pods of some clusters
	netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// ParseProxies parses addresses and networks (10.0.0.0/8), separated by commas. Private stands for several networks.
func ParseProxies(text string) ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if field == Private {
			proxies = append(proxies, privateNetworks...)
			continue
		}
		if address, err := netip.ParseAddr(field); err == nil {
			address = address.Unmap()
			proxies = append(proxies, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(field)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address, nor a network such as 10.0.0.0/8, nor the word %s", field, Private)
		}
		proxies = append(proxies, network.Masked())
	}
	return proxies, nil
}

// Client returns the client of a request: an IPv4 address, or the /64 network of an IPv6 address. Providers assign at least
// a /64 to one customer. The client is the last hop in X-Forwarded-For that is not a trusted proxy, because the client can
// write any hop before that one.
func (c *Resolver) Client(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{} // not a network address: all such peers are one client
	}
	client := peer.Addr().Unmap()
	forwarded := r.Header.Values("X-Forwarded-For")
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && c.trusts(client); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the proxy that wrote this is the client
		}
		client = hop.Unmap()
	}
	if len(forwarded) > 0 {
		c.warn(peer.Addr().Unmap(), client)
	}
	if client.Is6() {
		return netip.PrefixFrom(client.WithZone(""), 64).Masked()
	}
	return netip.PrefixFrom(client, 32)
}

// warn logs once if all clients seem to have one address. They share one limit then.
func (c *Resolver) warn(peer, client netip.Addr) {
	switch {
	case !c.trusts(peer):
		c.untrusted.Do(func() {
			c.Log.Info("X-Forwarded-For from a proxy that is not trusted", "effect", "its clients share one rate limit",
				"remedy", "name its network with --trusted-proxies")
		})
	case c.trusts(client):
		c.rewritten.Do(func() {
			c.Log.Info("X-Forwarded-For names only trusted proxies", "effect", "all clients behind them share one rate limit",
				"remedy", "keep the clients' addresses: set externalTrafficPolicy: Local on the Service of the proxy")
		})
	}
}

// parseHop parses a hop of X-Forwarded-For. Some proxies write the port of the client too.
func parseHop(text string) (netip.Addr, error) {
	if hop, err := netip.ParseAddrPort(text); err == nil {
		return hop.Addr(), nil
	}
	return netip.ParseAddr(text)
}

func (c *Resolver) trusts(address netip.Addr) bool {
	for _, proxy := range c.Trusted {
		if proxy.Contains(address.WithZone("")) {
			return true
		}
	}
	return false
}
