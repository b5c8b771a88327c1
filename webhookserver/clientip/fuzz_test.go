package clientip_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
)

// FuzzClient: a client cannot change its address by X-Forwarded-For.
func FuzzClient(f *testing.F) {
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
			t.Errorf("got %s, want an IPv4 address or an IPv6 /64 network", got)
		}
		if trusted := slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(alone.Addr()) }); !trusted {
			check.Equal(t, alone, got, "for the untrusted peer %s", peer)
			return
		}
		// The proxy names its client, and everything before that is the client's own word.
		for _, forwarded := range [][]string{{claim + ",192.0.2.7"}, {claim, "192.0.2.7"}, {claim, "192.0.2.7, 10.0.0.2"}} {
			check.Equal(t, client("192.0.2.7"), a.Client(from(t, peer, forwarded...)), "for 192.0.2.7 with %q", forwarded)
		}
		if got != alone && !slices.ContainsFunc(strings.Split(claim, ","), func(hop string) bool { return named(hop, got) }) {
			t.Errorf("got %s for %q through %s, want an address of one of them", got, claim, peer)
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

// FuzzParseProxies: networks parse to networks that parse to themselves. Otherwise the error names the first invalid one.
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
				t.Errorf("got %v and error %q, want the invalid part in the error", proxies, err)
			}
			return
		}
		written := make([]string, len(proxies))
		for i, p := range proxies {
			if !p.IsValid() || p != p.Masked() {
				t.Errorf("got network %s in %q, want a masked one", p, text)
			}
			// Addresses are looked up without their zone, so a network with one would trust nobody.
			if !p.Contains(p.Addr().WithZone("")) {
				t.Errorf("got network %s in %q, want its address in it", p, text)
			}
			written[i] = p.String()
		}
		again, err := clientip.ParseProxies(strings.Join(written, ","))
		if err != nil || !slices.Equal(again, proxies) {
			t.Errorf("got %v, %v after another parse, want %v", again, err, proxies)
		}
	})
}
