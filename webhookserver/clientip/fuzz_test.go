package clientip_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/webhookserver/clientip"
)

// FuzzOf: whatever a client writes into X-Forwarded-For, it counts for its own address.
func FuzzOf(f *testing.F) {
	for _, peer := range []string{"192.0.2.7:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "[fd00::1%eth0]:1", "[2001:db8::1]:1", "@", "192.0.2.7", ""} {
		for _, claim := range []string{
			"", ",", "198.51.100.1", "198.51.100.1, 10.0.0.2", "10.0.0.2", "::ffff:10.0.0.2", "2001:db8:1:2::1%zone", "[2001:db8::9]:4711", "198.51.100.1:80", "unknown",
			"_hidden, 10.0.0.2", "198.51.100.1,,10.0.0.2", "\t198.51.100.1\n", "fe80::1%", "0", "1.2.3.4.5", "1.2.3.4:99999", "256.1.1.1",
		} {
			f.Add(peer, claim)
		}
	}
	proxies, err := clientip.ParseProxies("10.0.0.0/8,fd00::/8")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, peer, claim string) {
		a := &clientip.Resolver{Trusted: proxies}
		alone, got := a.Client(from(t, peer)), a.Client(from(t, peer, claim))
		if got.IsValid() && (got != got.Masked() || got.Bits() != map[bool]int{true: 32, false: 64}[got.Addr().Is4()]) {
			t.Errorf("%s is neither an IPv4 address nor an IPv6 network", got)
		}
		if trusted := slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(alone.Addr()) }); !trusted {
			if got != alone {
				t.Errorf("a stranger from %s counts for %s", peer, got)
			}
			return
		}
		// The proxy names its client, and everything before that is the client's own word.
		for _, forwarded := range [][]string{{claim + ",192.0.2.7"}, {claim, "192.0.2.7"}, {claim, "192.0.2.7, 10.0.0.2"}} {
			if got := a.Client(from(t, peer, forwarded...)); got != client("192.0.2.7") {
				t.Errorf("192.0.2.7, which forwards %q, counts for %s", forwarded, got)
			}
		}
		if got != alone && !slices.ContainsFunc(strings.Split(claim, ","), func(hop string) bool { return named(hop, got) }) {
			t.Errorf("%q through %s counts for %s, which neither names", claim, peer, got)
		}
	})
}

// named reports whether a hop is an address in the network, or one with a port.
func named(hop string, network netip.Prefix) bool {
	hop = strings.TrimSpace(hop)
	address, err := netip.ParseAddr(hop)
	if withPort, portErr := netip.ParseAddrPort(hop); portErr == nil {
		address, err = withPort.Addr(), nil
	}
	return err == nil && network.Contains(address.Unmap().WithZone(""))
}

// FuzzParseProxies: networks are read as they would be written again, or the first that is none is named.
func FuzzParseProxies(f *testing.F) {
	for _, text := range []string{
		"", " , ", "private", "Private", "10.0.0.0/8", "10.1.2.3/8", "10.0.0.1", "::ffff:10.0.0.1", "::ffff:10.0.0.1/104", "fd00::1/8", "fe80::1%eth0", "fe80::1%eth0/64",
		"10.0.0.0/8,fd00::/8 private", "10.0.0.0/33", "10.0.0.0/08", "0.0.0.0/0", "10.0.0.1:80", "*", "10.0.0.0/8;fd00::/8",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		proxies, err := clientip.ParseProxies(text)
		if err != nil {
			if len(proxies) > 0 || !strings.HasSuffix(err.Error(), "is neither an address, nor a network such as 10.0.0.0/8, nor the word private") {
				t.Errorf("%v, and the error is %q", proxies, err)
			}
			return
		}
		written := make([]string, len(proxies))
		for i, p := range proxies {
			if !p.IsValid() || p != p.Masked() {
				t.Errorf("%q has the network %s", text, p)
			}
			// Addresses are looked up without their zone, so a network with one would trust nobody.
			if !p.Contains(p.Addr().WithZone("")) {
				t.Errorf("%q has the network %s, which has not even its own address", text, p)
			}
			written[i] = p.String()
		}
		again, err := clientip.ParseProxies(strings.Join(written, ","))
		if err != nil || !slices.Equal(again, proxies) {
			t.Errorf("%v read again is %v, %v", proxies, again, err)
		}
	})
}
