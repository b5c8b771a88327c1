package clientip_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/funcr"
	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the client with an IPv4 address.
func client(address string) netip.Prefix {
	return netip.PrefixFrom(netip.MustParseAddr(address), 32)
}

// wantError fails the test unless the error contains a text. Empty: there must be no error.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
		t.Errorf("got error %v, want %q", err, want)
	}
}

// from returns a request of a peer, with an X-Forwarded-For for each of the values.
func from(t testing.TB, peer string, forwarded ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	for _, value := range forwarded {
		r.Header.Add("X-Forwarded-For", value)
	}
	return r
}

// TestClient: 10.0.0.0/8 and fd00::/8 are the trusted proxies.
func TestClient(t *testing.T) {
	proxies, err := clientip.ParseProxies("10.0.0.0/8,fd00::/8")
	check.Must(t, err)
	header := func(values ...string) []string { return values }
	for name, row := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":                            {"192.0.2.7:1234", nil, "192.0.2.7/32"},
		"no proxy, IPv6":                      {"[2001:db8:1:2:3:4:5:6]:1234", nil, "2001:db8:1:2::/64"},
		"a neighbour in the same network":     {"[2001:db8:1:2::9]:1234", nil, "2001:db8:1:2::/64"},
		"IPv4 on an IPv6 socket":              {"[::ffff:192.0.2.7]:1234", nil, "192.0.2.7/32"},
		"a link-local peer":                   {"[fe80::1%eth0]:1234", nil, "fe80::/64"},
		"no network at all":                   {"@", nil, "invalid Prefix"},
		"a peer without a port":               {"192.0.2.7", nil, "invalid Prefix"},
		"a stranger who claims to be another": {"192.0.2.7:1234", header("198.51.100.1"), "192.0.2.7/32"},
		"a stranger who claims to be a proxy": {"192.0.2.7:1234", header("198.51.100.1, 10.0.0.1"), "192.0.2.7/32"},
		"through a proxy":                     {"10.0.0.1:1234", header("198.51.100.1"), "198.51.100.1/32"},
		"through a proxy on an IPv6 socket":   {"[::ffff:10.0.0.1]:1234", header("198.51.100.1"), "198.51.100.1/32"},
		"through a proxy of IPv6":             {"[fd00::1]:1234", header("198.51.100.1"), "198.51.100.1/32"},
		"through a proxy with a zone":         {"[fd00::1%eth0]:1234", header("198.51.100.1"), "198.51.100.1/32"},
		"through a proxy that says nothing":   {"10.0.0.1:1234", nil, "10.0.0.1/32"},
		"through a proxy that says naught":    {"10.0.0.1:1234", header(""), "10.0.0.1/32"},
		"IPv6 through a proxy":                {"10.0.0.1:1234", header("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"},
		"IPv6 with a zone through a proxy":    {"10.0.0.1:1234", header("2001:db8:1:2::1%a-zone-each-time"), "2001:db8:1:2::/64"},
		"IPv4 written as IPv6":                {"10.0.0.1:1234", header("::ffff:198.51.100.1"), "198.51.100.1/32"},
		"two proxies":                         {"10.0.0.1:1234", header("198.51.100.1, 10.0.0.2"), "198.51.100.1/32"},
		"two proxies, a line each":            {"10.0.0.1:1234", header("198.51.100.1", "10.0.0.2"), "198.51.100.1/32"},
		"white space":                         {"10.0.0.1:1234", header(" 198.51.100.1 ,\t10.0.0.2 "), "198.51.100.1/32"},
		"no white space":                      {"10.0.0.1:1234", header("198.51.100.1,10.0.0.2"), "198.51.100.1/32"},
		"made up before the first proxy":      {"10.0.0.1:1234", header("203.0.113.9, 198.51.100.1"), "198.51.100.1/32"},
		"made up in a line of its own":        {"10.0.0.1:1234", header("203.0.113.9", "198.51.100.1"), "198.51.100.1/32"},
		"made up as a proxy":                  {"10.0.0.1:1234", header("10.9.9.9, 198.51.100.1, 10.0.0.2"), "198.51.100.1/32"},
		"all are proxies":                     {"10.0.0.1:1234", header("10.0.0.3, 10.0.0.2"), "10.0.0.3/32"},
		"garbage from the client":             {"10.0.0.1:1234", header("<script>, 198.51.100.1"), "198.51.100.1/32"},
		"garbage from the proxy":              {"10.0.0.1:1234", header("198.51.100.1, unknown"), "10.0.0.1/32"},
		"garbage from the second proxy":       {"10.0.0.1:1234", header("198.51.100.1, _hidden, 10.0.0.2"), "10.0.0.2/32"},
		"an empty hop":                        {"10.0.0.1:1234", header("198.51.100.1,,10.0.0.2"), "10.0.0.2/32"},
		"a name":                              {"10.0.0.1:1234", header("client.example.com"), "10.0.0.1/32"},
		"a proxy that writes ports":           {"10.0.0.1:1234", header("198.51.100.1:4711"), "198.51.100.1/32"},
		"two that do":                         {"10.0.0.1:1234", header("198.51.100.1:4711, 10.0.0.2:80"), "198.51.100.1/32"},
		"ports of IPv6":                       {"10.0.0.1:1234", header("[2001:db8:1:2:3::4]:4711"), "2001:db8:1:2::/64"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &clientip.Resolver{Trusted: proxies}
			check.Equal(t, row.want, a.Client(from(t, row.peer, row.forwarded...)).String(), "result")
		})
	}
}

// TestNoProxies: without trusted proxies X-Forwarded-For is ignored, that of localhost too.
func TestNoProxies(t *testing.T) {
	a := &clientip.Resolver{}
	for _, peer := range []string{"127.0.0.1", "10.0.0.1", "192.0.2.7"} {
		check.Equal(t, client(peer), a.Client(from(t, peer+":1", "198.51.100.1")), "for %s", peer)
	}
}

// TestParseProxies: an error contains the part that is invalid.
func TestParseProxies(t *testing.T) {
	for text, want := range map[string][]string{
		"":                             nil,
		" , ":                          nil,
		"10.0.0.0/8":                   {"10.0.0.0/8"},
		"10.1.2.3/8":                   {"10.0.0.0/8"},
		"10.0.0.1":                     {"10.0.0.1/32"},
		"::ffff:10.0.0.1":              {"10.0.0.1/32"},
		"fd00::1":                      {"fd00::1/128"},
		"fe80::1%eth0":                 {"fe80::1/128"},
		"fd00::1/8":                    {"fd00::/8"},
		"10.0.0.0/8,fd00::/8":          {"10.0.0.0/8", "fd00::/8"},
		" 10.0.0.0/8 , 192.168.0.1 ,,": {"10.0.0.0/8", "192.168.0.1/32"},
		"0.0.0.0/0":                    {"0.0.0.0/0"},
	} {
		proxies, err := clientip.ParseProxies(text)
		var got []string
		for _, p := range proxies {
			got = append(got, p.String())
		}
		check.NoError(t, err)
		check.Equal(t, want, got, "%q: networks", text)
	}
	for _, text := range []string{"10.0.0.0/33", "ingress.example.com", "10.0.0.0/8;fd00::/8", "10.0.0", "*", "10.0.0.1:80", "Private", "public"} {
		proxies, err := clientip.ParseProxies("10.0.0.0/8," + text)
		if len(proxies) > 0 {
			t.Errorf("%q: got networks %v, want none", text, proxies)
		}
		wantError(t, err, fmt.Sprintf("%q is neither an address, nor a network such as 10.0.0.0/8, nor the word private", text))
	}
}

// TestPrivate: the word private stands for the private networks, from their first to their last address.
func TestPrivate(t *testing.T) {
	proxies, err := clientip.ParseProxies("203.0.113.9, private")
	check.Must(t, err)
	for peer, trusted := range map[string]bool{
		"203.0.113.9": true, "203.0.113.10": false,
		"127.0.0.1": true, "127.255.255.255": true, "126.255.255.255": false, "128.0.0.0": false,
		"10.0.0.0": true, "10.255.255.255": true, "9.255.255.255": false, "11.0.0.0": false,
		"172.16.0.0": true, "172.31.255.255": true, "172.15.255.255": false, "172.32.0.0": false,
		"192.168.0.0": true, "192.168.255.255": true, "192.167.255.255": false, "192.169.0.0": false,
		"169.254.0.0": true, "169.254.255.255": true, "169.253.255.255": false, "169.255.0.0": false,
		"100.64.0.0": true, "100.127.255.255": true, "100.63.255.255": false, "100.128.0.0": false,
		"[::1]": true, "[::2]": false, "[fc00::]": true, "[fdff::1]": true, "[fbff::1]": false, "[fe00::1]": false,
		"[fe80::1%eth0]": true, "[febf::1]": true, "[fec0::1]": false, "[2001:db8::1]": false, "[::ffff:10.0.0.1]": true, "[::ffff:11.0.0.1]": false,
	} {
		a := &clientip.Resolver{Trusted: proxies}
		check.Equal(t, trusted, a.Client(from(t, peer+":1", "198.51.100.1")) == client("198.51.100.1"), "%s trusted", peer)
	}
}

// TestWarning: an untrusted proxy, and one that does not see its clients, are logged once, with the remedy and without an address.
func TestWarning(t *testing.T) {
	trusted, err := clientip.ParseProxies("10.0.0.1")
	check.Must(t, err)
	for name, row := range map[string]struct {
		requests []*http.Request
		lines    int
		says     string
	}{
		"no proxy":              {[]*http.Request{from(t, "192.0.2.7:1"), from(t, "192.0.2.8:1")}, 0, ""},
		"a neighbour, no proxy": {[]*http.Request{from(t, "10.0.0.1:1")}, 0, ""},
		"one that sees proxies": {[]*http.Request{from(t, "10.0.0.1:1", "10.0.0.1"), from(t, "10.0.0.1:1", "10.0.0.1"), from(t, "10.0.0.1:1", "192.0.2.7")}, 1, "externalTrafficPolicy: Local"},
		"a proxy that is named": {[]*http.Request{from(t, "10.0.0.1:1", "192.0.2.7"), from(t, "[::ffff:10.0.0.1]:1", "192.0.2.7, 198.51.100.1")}, 0, ""},
		"one that is not":       {[]*http.Request{from(t, "10.0.0.2:1", "192.0.2.7"), from(t, "10.0.0.2:1", "192.0.2.8"), from(t, "10.0.0.3:1", "192.0.2.9")}, 1, "name its network with --trusted-proxies"},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var lines []string
			a := &clientip.Resolver{Trusted: trusted, Log: funcr.New(func(_, args string) {
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, args)
			}, funcr.Options{})}
			var all sync.WaitGroup
			for _, r := range row.requests {
				all.Go(func() { a.Client(r) })
			}
			all.Wait()
			if len(lines) != row.lines {
				t.Fatalf("got log messages %q, want %d", lines, row.lines)
			}
			for _, line := range lines {
				if !strings.Contains(line, row.says) || strings.Contains(line, "192.0.2.") || strings.Contains(line, "10.0.0.") {
					t.Errorf("got log message %s, want %q and no address", line, row.says)
				}
			}
		})
	}
}
