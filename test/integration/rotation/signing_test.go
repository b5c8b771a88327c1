package rotation_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestASigningSecretIsRolled in the steps of docs/rotation.md, while buyers pay. Not one delivery is refused.
func TestASigningSecretIsRolled(t *testing.T) {
	s := openShop(t)
	if now := s.lastVerified(); !has("first")(now) || now["first"] != 0 {
		t.Errorf("at the start: %v", now)
	}
	start := s.metrics()["process_start_time_seconds"]
	stop := s.sell()
	s.awaitVerified("the secret has verified something", func(now map[string]float64) bool { return now["first"] > 0 })

	// Stripe makes a new secret, and signs with both.
	first, second, spare := s.endpoint.Secret, paylink.Stripe.RollSecret(s.endpoint.ID), newSecret()
	s.grows("the old one alone is known", "first")

	// The new one is put beside the old one; with it, one that Stripe knows nothing of.
	s.secrets.Update(map[string]string{"first": first, "second": second + "\n" + spare + "\n"})
	s.awaitVerified("the new one is known", has("first", "second", "second/2"))
	s.grows("both verify", "first", "second")

	// Stripe ends the old one. Whatever was signed with it has come once everything is delivered.
	paylink.Stripe.ExpireSecret(s.endpoint.ID)
	s.till.Lock()
	s.Settled()
	ended := s.lastVerified()["first"]
	s.till.Unlock()
	now := s.grows("the new one alone verifies", "second")
	if now["first"] != ended || ended == 0 {
		t.Errorf("the old one was last used at %f, and again at %f", ended, now["first"])
	}
	if now["second/2"] != 0 {
		t.Errorf("a secret that signs nothing verified something: %v", now)
	}

	// It is removed: the new one keeps its past under another name.
	s.secrets.Update(map[string]string{"renamed": second})
	now = s.awaitVerified("the old one is gone", has("renamed"))
	if now["renamed"] < ended {
		t.Errorf("a secret in another file has forgotten when it was used: %v", now)
	}
	s.grows("the new one alone is there", "renamed")
	if status := s.post(first); status != http.StatusBadRequest {
		t.Errorf("what is signed with the old secret is answered %d", status)
	}

	stop()
	s.allPaid()
	if n := s.refused(); n > 0 {
		t.Errorf("%d deliveries were refused", n)
	}
	if restarted := s.metrics()["process_start_time_seconds"]; restarted != start || start == 0 {
		t.Errorf("the server was started at %f, and again at %f", start, restarted)
	}
	for _, secret := range []string{first, second, spare} {
		if strings.Contains(s.log(), strings.TrimPrefix(secret, "whsec_")) {
			t.Error("a secret was logged")
		}
	}
	t.Logf("%d orders were sold and paid", s.sold)
}

// TestASigningSecretIsRolledAtOnce: Stripe signs with a secret that the server does not have yet, as after a leak. What is
// refused meanwhile comes again, and lands.
func TestASigningSecretIsRolledAtOnce(t *testing.T) {
	s := openShop(t)
	stop := s.sell()
	s.awaitVerified("the secret has verified something", func(now map[string]float64) bool { return now["first"] > 0 })
	second := paylink.Stripe.RollSecret(s.endpoint.ID)
	paylink.Stripe.ExpireSecret(s.endpoint.ID)
	s.Eventually("a delivery is refused", func(context.Context) (bool, error) { return s.refused() > 0, nil })

	s.secrets.Update(map[string]string{"second": second})
	s.awaitVerified("the new one verifies", func(now map[string]float64) bool { return now["second"] > 0 })
	stop()
	s.allPaid()
	if now := s.lastVerified(); !has("second")(now) {
		t.Errorf("in force: %v", now)
	}
	t.Logf("%d orders were sold and paid; %d deliveries were refused, and came again", s.sold, s.refused())
}

// grows waits until each of these secrets has verified something more; the others are left alone.
func (s *shop) grows(what string, names ...string) map[string]float64 {
	s.T.Helper()
	before := s.lastVerified()
	return s.awaitVerified(what, func(now map[string]float64) bool {
		for _, name := range names {
			if now[name] <= before[name] {
				return false
			}
		}
		return true
	})
}

// post sends a delivery of nobody's interest, signed with a secret, and returns how it was answered.
func (s *shop) post(secret string) int {
	s.T.Helper()
	body := []byte(`{"id":"evt_rotation","object":"event","type":"customer.created","data":{"object":{"id":"cus_1"}}}`)
	return s.PostSigned(s.endpoint.URL, body, stripesim.SignatureHeader([]string{secret}, time.Now(), body))
}
