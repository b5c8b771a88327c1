package checkout_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestReviewsOfInvalidTokens: invalid tokens of one address are reviewed ten times, because a review costs the API server.
func TestReviewsOfInvalidTokens(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create")
	before := s.recordDelivered()
	from := newAddress()
	for i := range 100 {
		a := s.send(call{path: ordersPath, body: s.orderBody("lifetime"), token: fmt.Sprintf("garbage-token-%d", i), from: from})
		if i < 10 {
			a.problem(t, 401)
		} else if a.status != 401 { // or one that the refilled limit allows
			a.problem(t, 429)
		}
	}
	reviews := 0
	for _, e := range s.recordDelivered().since(before) {
		if byWebhookServer(e) && strings.HasPrefix(e.Resource, "tokenreviews") {
			reviews++
		}
	}
	if reviews < 10 || reviews > 20 {
		t.Errorf("got %d reviews of 100 invalid tokens, want 10 to 20", reviews)
	}
	b.mustCreate(call{}) // from another address
	s.expectCreatedOnly(before, 1)
}

// TestKnownTokenBesideInvalidOnes: invalid tokens of one address, as behind one proxy, do not block a token that was valid
// before.
func TestKnownTokenBesideInvalidOnes(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	shared := newAddress()
	o := b.mustCreate(call{from: shared})
	for s.send(call{path: ordersPath, body: s.orderBody("lifetime"), token: "garbage-token", from: shared}).status != 429 {
		continue
	}
	b.mustCreate(call{from: shared})
	s.send(call{path: ordersPath + "/" + o.OrderID, token: b.token, from: shared}).order(t, 200)
	unknown := b.newToken()
	b.create(call{token: unknown, from: shared}).problem(t, 429)
	b.mustCreate(call{token: unknown}) // from another address
	b.mustCreate(call{token: unknown, from: shared})
}

// TestConcurrentInvalidTokens: the limit holds for tokens that arrive at once, after a first burst.
func TestConcurrentInvalidTokens(t *testing.T) {
	s := newFixture(t)
	from := newAddress()
	var refused, tried [2]int
	for wave := range 2 {
		statuses, _ := s.sendMany(200, 200, func(i int) call {
			return call{path: ordersPath, body: s.orderBody("lifetime"), token: fmt.Sprintf("garbage-token-%d-%d", wave, i), from: from}
		})
		refused[wave], tried[wave] = statuses[429], statuses[401]
	}
	if tried[1] > 5 || refused[1] < 195 {
		t.Errorf("got %d reviews and %d refusals of the second 200 invalid tokens, want at most 5 and at least 195", tried[1], refused[1])
	}
}
