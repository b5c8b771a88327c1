// Package visitor tells anonymous clients apart by their addresses, and bounds what each of them may ask for.
package visitor

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

	warn sync.Once
}

// ParseProxies reads addresses and networks (10.0.0.0/8), separated by commas.
func ParseProxies(text string) ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if address, err := netip.ParseAddr(field); err == nil {
			address = address.Unmap()
			proxies = append(proxies, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(field)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", field)
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
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the proxy that wrote this counts
		}
		client = hop.Unmap()
	}
	if len(forwarded) > 0 && !a.trusts(peer.Addr().Unmap()) {
		a.warn.Do(func() {
			a.Log.Info("Requests come with X-Forwarded-For from a proxy that is not trusted: all its clients share one limit. Name its network with --trusted-proxies")
		})
	}
	if client.Is6() {
		return netip.PrefixFrom(client.WithZone(""), 64).Masked()
	}
	return netip.PrefixFrom(client, 32)
}

func (a *Addresses) trusts(address netip.Addr) bool {
	for _, proxy := range a.Trusted {
		if proxy.Contains(address.WithZone("")) {
			return true
		}
	}
	return false
}
