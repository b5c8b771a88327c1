package checkout_test

import (
	"fmt"
	"strings"
	"testing"
)

// Reviewing a token costs the API server something, and anybody can send one that is wrong.
func TestWrongTokensAreReviewedTenTimes(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create")
	before := s.balance()
	from := newAddress()
	for i := range 100 {
		a := s.ask(call{path: ordersPath, body: s.wants("lifetime"), token: fmt.Sprintf("garbage-token-%d", i), from: from})
		if i < 10 {
			a.problem(t, 401)
		} else if a.status != 401 { // or one that was allowed meanwhile
			a.problem(t, 429)
		}
	}
	reviews := 0
	for _, e := range s.balance().since(before) {
		if ofWebhookServer(e) && strings.HasPrefix(e.Resource, "tokenreviews") {
			reviews++
		}
	}
	if reviews < 10 || reviews > 20 {
		t.Errorf("100 wrong tokens were reviewed %d times, want 10 and what a minute brings", reviews)
	}
	b.buys(call{}) // from elsewhere
	s.unchangedBut(before, 1)
}

// A stranger who comes from the same place, as through one proxy, keeps nobody out whose token was right before.
func TestWrongTokensKeepNoShopOut(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	place := newAddress()
	o := b.buys(call{from: place})
	for s.ask(call{path: ordersPath, body: s.wants("lifetime"), token: "garbage-token", from: place}).status != 429 {
		continue
	}
	b.buys(call{from: place})
	s.ask(call{path: ordersPath + "/" + o.OrderID, token: b.token, from: place}).order(t, 200)
	unknown := b.newToken()
	b.asks(call{token: unknown, from: place}).problem(t, 429)
	b.buys(call{token: unknown}) // from elsewhere
	b.buys(call{token: unknown, from: place})
}

// Many wrong tokens at once are more than one after the other, but not for long.
func TestManyWrongTokensAtOnceAreSoonRefused(t *testing.T) {
	s := openShop(t)
	from := newAddress()
	var refused, tried [2]int
	for wave := range 2 {
		statuses, _ := s.crowd(200, 200, func(i int) call {
			return call{path: ordersPath, body: s.wants("lifetime"), token: fmt.Sprintf("garbage-token-%d-%d", wave, i), from: from}
		})
		refused[wave], tried[wave] = statuses[429], statuses[401]
	}
	if tried[1] > 5 || refused[1] < 195 {
		t.Errorf("of 200 wrong tokens after 200 others, %d were reviewed and %d refused", tried[1], refused[1])
	}
}
