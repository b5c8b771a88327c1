// Package clientip finds out the addresses of anonymous clients behind trusted proxies.
package clientip

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/go-logr/logr"
)

// Addresses finds out where requests come from. An address is used to count and is kept nowhere else: it is personal
// data.
type Addresses struct {
	// Trusted are the proxies whose X-Forwarded-For is believed. Anybody else's could say anything.
	Trusted []netip.Prefix
	Log     logr.Logger

	untrusted, rewritten sync.Once
}

// Private stands for the networks that are nobody's on the internet: loopback, private and link-local ones, where a
// cluster's own proxies are.
const Private = "private"

var privateNetworks = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), // of carriers, and of pods in some clusters
	netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// ParseProxies reads addresses and networks (10.0.0.0/8), separated by commas; Private is a word for several.
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

// Of returns who a request counts for: an IPv4 address, or the network of an IPv6 address (/64, of which one customer
// of a provider has at least one to himself). Of the hops that X-Forwarded-For names, the last that is no trusted
// proxy counts: what stands before it was written by the client.
func (a *Addresses) Of(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{} // not a network's: all such share one count
	}
	client := peer.Addr().Unmap()
	forwarded := r.Header.Values("X-Forwarded-For")
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && a.trusts(client); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the proxy that wrote this counts
		}
		client = hop.Unmap()
	}
	if len(forwarded) > 0 {
		a.suspect(peer.Addr().Unmap(), client)
	}
	if client.Is6() {
		return netip.PrefixFrom(client.WithZone(""), 64).Masked()
	}
	return netip.PrefixFrom(client, 32)
}

// suspect says once that something between the clients and here may make all of them one.
func (a *Addresses) suspect(peer, client netip.Addr) {
	switch {
	case !a.trusts(peer):
		a.untrusted.Do(func() {
			a.Log.Info("Requests come with X-Forwarded-For from a proxy that is not trusted: all its clients share one limit. Name its network with --trusted-proxies")
		})
	case a.trusts(client):
		a.rewritten.Do(func() {
			a.Log.Info("A request counts for an address of the trusted proxies themselves. If its client is on the internet, something on the way hides the clients' addresses, and all of them share one limit: externalTrafficPolicy: Local on the proxy's Service keeps them")
		})
	}
}

// parseHop reads a hop of X-Forwarded-For. Some proxies write the client's port too.
func parseHop(text string) (netip.Addr, error) {
	if hop, err := netip.ParseAddrPort(text); err == nil {
		return hop.Addr(), nil
	}
	return netip.ParseAddr(text)
}

func (a *Addresses) trusts(address netip.Addr) bool {
	for _, proxy := range a.Trusted {
		if proxy.Contains(address.WithZone("")) {
			return true
		}
	}
	return false
}
