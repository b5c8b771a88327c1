package checkout_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
)

// buyCall presses the buy button from an address.
func (s *fixture) buyCall(server *stack.Server, from string) call {
	return call{to: server, method: http.MethodPost, path: buyPath(s.Namespace, "lifetime"), from: from}
}

// buy presses the buy button from a unique address.
func (s *fixture) buy(server *stack.Server) answer {
	s.T.Helper()
	return s.send(s.buyCall(server, ""))
}

// buyMany presses the buy button n times, each from the address of a function.
func (s *fixture) buyMany(server *stack.Server, n int, from func(i int) string) (statuses map[int]int, took time.Duration) {
	s.T.Helper()
	statuses, took = s.sendMany(n, 32, func(i int) call { return s.buyCall(server, from(i)) })
	if statuses[http.StatusSeeOther]+statuses[http.StatusTooManyRequests] != n {
		s.T.Errorf("got the statuses %v of %d requests, want 303 and 429 alone", statuses, n)
	}
	return statuses, took
}

// The default limits of one address.
const burstOfAddress, ordersAnHour = 10, 30

// expectOrders checks the number of orders after a flood: at least the burst, and at most the limit for its duration.
func (s *fixture) expectOrders(statuses map[int]int, burst, most int) {
	s.T.Helper()
	orders := len(s.Orders())
	if orders < burst || orders > most {
		s.T.Errorf("got %d orders, want from %d to %d", orders, burst, most)
	}
	check.Equal(s.T, orders, statuses[http.StatusSeeOther], "redirects to Stripe")
}

// TestFloodFromSpoofedAddresses: a client gets no second address by its headers.
func TestFloodFromSpoofedAddresses(t *testing.T) {
	network := strings.Split(newAddress(), ".")
	public := "198.18." + network[2] + "." + network[3]
	one := newAddress()
	for _, c := range []struct {
		name  string
		flags []string
		from  func(i int) string
	}{
		{"of a client that says it is a proxy", nil, func(i int) string { return fmt.Sprintf("100.127.%d.%d, %s", i>>8&0xff, i&0xff, one) }},
		{"of a client that says nonsense", nil, func(i int) string { return fmt.Sprintf("for=%d;<script>,, %s", i, one) }},
		{"of one customer's network", nil, func(i int) string { return fmt.Sprintf("2001:db8:%s:%s::%x", network[2], network[3], i) }},
		{"behind two proxies of the cluster's own", []string{"--trusted-proxies=private"}, func(i int) string { return fmt.Sprintf("100.127.%d.%d, %s, 10.0.0.7", i>>8&0xff, i&0xff, public) }},
		{"where no proxy is in front", []string{"--trusted-proxies="}, func(i int) string { return fmt.Sprintf("100.127.%d.%d", i>>8&0xff, i&0xff) }},
		{"where another proxy is in front", []string{"--trusted-proxies=192.0.2.0/24,2001:db8::1"}, func(i int) string { return fmt.Sprintf("100.127.%d.%d", i>>8&0xff, i&0xff) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFixture(t)
			var server *stack.Server
			if c.flags != nil {
				server = s.addServer("in-front", stack.WebhookServer{Flags: c.flags})
			}
			one = newAddress()
			statuses, took := s.buyMany(server, 500, c.from)
			s.expectOrders(statuses, burstOfAddress, burstOfAddress+1+int(took.Hours()*ordersAnHour))
			if server == nil {
				return
			}
			log := s.Log(server)
			want := 1
			if strings.HasSuffix(c.flags[0], "=private") {
				want = 0
			}
			check.Equal(t, want, strings.Count(log, "--trusted-proxies"), "log lines of an untrusted proxy")
		})
	}
}
