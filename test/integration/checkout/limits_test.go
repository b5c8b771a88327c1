package checkout_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/stack"
)

// press presses the buy button from an address.
func (s *shop) press(server *stack.Server, from string) call {
	return call{to: server, method: http.MethodPost, path: buyPath(s.Namespace, "lifetime"), from: from}
}

// buys presses the buy button from an address of its own, and returns the answer.
func (s *shop) buys(server *stack.Server) answer {
	s.T.Helper()
	return s.ask(s.press(server, ""))
}

// presses has buyers press the button n times, each from the address that the function says.
func (s *shop) presses(server *stack.Server, n int, from func(i int) string) (statuses map[int]int, took time.Duration) {
	s.T.Helper()
	statuses, took = s.crowd(n, 32, func(i int) call { return s.press(server, from(i)) })
	if statuses[http.StatusSeeOther]+statuses[http.StatusTooManyRequests] != n {
		s.T.Errorf("%d presses were answered %v", n, statuses)
	}
	return statuses, took
}

// What one address may do on a webhook server that is not told otherwise.
const burstOfAddress, ordersAnHour = 10, 30

// bought checks how many orders a flood has made: a burst, and at most what came to it in the time that it took.
func (s *shop) bought(statuses map[int]int, burst, most int) {
	s.T.Helper()
	orders := len(s.Orders())
	if orders < burst || orders > most {
		s.T.Errorf("there are %d orders, want from %d to %d", orders, burst, most)
	}
	if statuses[http.StatusSeeOther] != orders {
		s.T.Errorf("%d buyers were sent to Stripe, and there are %d orders", statuses[http.StatusSeeOther], orders)
	}
}

func TestTenThousandPressesFromOneAddress(t *testing.T) {
	s := openShop(t)
	one := newAddress()
	statuses, took := s.presses(nil, 10000, func(int) string { return one })
	s.bought(statuses, burstOfAddress, burstOfAddress+1+int(took.Hours()*ordersAnHour))
	if a := s.buys(nil); a.status != http.StatusSeeOther {
		t.Errorf("a buyer from elsewhere is answered %d %s", a.status, a.body)
	}
	page := s.press(nil, one)
	page.header = map[string]string{"Accept": "text/html,application/xhtml+xml"}
	if a := s.ask(page); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("a browser that presses too often is answered %d %v", a.status, a.header)
	}
}

// Nobody has more than one address by saying so.
func TestPressesFromAddressesThatAreOne(t *testing.T) {
	network := strings.Split(newAddress(), ".")
	public := "198.18." + network[2] + "." + network[3]
	one := newAddress()
	for _, c := range []struct {
		what  string
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
		t.Run(c.what, func(t *testing.T) {
			s := openShop(t)
			var server *stack.Server
			if c.flags != nil {
				server = s.another("in-front", stack.WebhookServer{Flags: c.flags})
			}
			one = newAddress()
			statuses, took := s.presses(server, 500, c.from)
			s.bought(statuses, burstOfAddress, burstOfAddress+1+int(took.Hours()*ordersAnHour))
			if server == nil {
				return
			}
			log, err := os.ReadFile(server.Log)
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if strings.HasSuffix(c.flags[0], "=private") {
				want = 0
			}
			if n := strings.Count(string(log), "--trusted-proxies"); n != want {
				t.Errorf("the log says %d times that a proxy is not trusted, want %d", n, want)
			}
		})
	}
}

func TestABurstOfBuyersOfOneLink(t *testing.T) {
	s := openShop(t)
	s.offer(s.paymentLink("yearly"))
	server := s.another("per-link", stack.WebhookServer{Flags: []string{"--public-orders-per-link=5"}})
	statuses, took := s.presses(server, 200, func(int) string { return "" })
	s.bought(statuses, 5, 5+1+int(took.Minutes()*5))
	s.buys(server).problem(t, http.StatusTooManyRequests)
	if a := s.ask(call{to: server, method: http.MethodPost, path: buyPath(s.Namespace, "yearly")}); a.status != http.StatusSeeOther {
		t.Errorf("a buyer of another link is answered %d %s", a.status, a.body)
	}
	if refused := s.metric(server, `paylink_checkout_limited_total{limit="buy_link"}`); refused == "" {
		t.Error("nothing was counted")
	}
}
