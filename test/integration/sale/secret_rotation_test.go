package sale_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

// TestSigningSecretRotation takes the steps of docs/rotation.md while buyers pay. No delivery is rejected.
func TestSigningSecretRotation(t *testing.T) {
	s := newRotation(t)
	if now := s.lastVerified(); !onlySecrets("first")(now) || now["first"] != 0 {
		t.Errorf("got %v at the start, want the first secret unused", now)
	}
	const started = "process_start_time_seconds"
	start := s.Samples(s.server)[started]
	stop := s.sellAll()
	s.awaitVerified("the secret has verified a delivery", func(now map[string]float64) bool { return now["first"] > 0 })

	// Stripe makes a new secret, and signs with both.
	first, second, spare := s.endpoint.Secret, s.Stripe.RollSecret(s.endpoint.ID), newSecret()
	s.awaitUse("the server has the old secret alone", "first")

	// The server gets the new secret beside the old one, and one that Stripe does not have.
	s.secrets.Update(map[string]string{"first": first, "second": second + "\n" + spare + "\n"})
	s.awaitVerified("the server has the new secret", onlySecrets("first", "second", "second/2"))
	s.awaitUse("both secrets verify", "first", "second")

	// Stripe ends the old secret. Every event signed with it has arrived once all are delivered.
	s.Stripe.ExpireSecret(s.endpoint.ID)
	s.selling.Lock()
	s.AwaitDelivered()
	ended := s.lastVerified()["first"]
	s.selling.Unlock()
	now := s.awaitUse("the new secret alone verifies", "second")
	if now["first"] != ended || ended == 0 {
		t.Errorf("got the old secret used at %f, want %f", now["first"], ended)
	}
	if now["second/2"] != 0 {
		t.Errorf("got %v, want the spare secret unused", now)
	}

	// The old secret is removed: the new one keeps its time of use under another name.
	s.secrets.Update(map[string]string{"renamed": second})
	now = s.awaitVerified("the old secret is gone", onlySecrets("renamed"))
	if now["renamed"] < ended {
		t.Errorf("got %v, want the renamed secret used after %f", now, ended)
	}
	s.awaitUse("the server has the new secret alone", "renamed")
	check.Equal(t, http.StatusBadRequest, s.post(first), "status for the old secret")

	stop()
	s.expectAllPaid()
	if n := s.rejected(); n > 0 {
		t.Errorf("got %d rejected deliveries, want 0", n)
	}
	if now := s.Samples(s.server)[started]; now != start || start == 0 {
		t.Errorf("got a server started at %f, want %f", now, start)
	}
	for _, secret := range []string{first, second, spare} {
		if strings.Contains(s.Log(s.server), strings.TrimPrefix(secret, "whsec_")) {
			t.Error("got a secret in the log")
		}
	}
	t.Logf("%d orders were sold and paid", s.sold)
}

// TestSigningSecretReplacedAtOnce: Stripe signs with a secret that the server does not have yet, as after a leak. Stripe
// sends the rejected deliveries again, and they are accepted.
func TestSigningSecretReplacedAtOnce(t *testing.T) {
	s := newRotation(t)
	stop := s.sellAll()
	s.awaitVerified("the secret has verified a delivery", func(now map[string]float64) bool { return now["first"] > 0 })
	second := s.Stripe.RollSecret(s.endpoint.ID)
	s.Stripe.ExpireSecret(s.endpoint.ID)
	s.Eventually("a delivery is rejected", func(context.Context) (bool, error) { return s.rejected() > 0, nil })

	s.secrets.Update(map[string]string{"second": second})
	s.awaitVerified("the new secret verifies", func(now map[string]float64) bool { return now["second"] > 0 })
	stop()
	s.expectAllPaid()
	if now := s.lastVerified(); !onlySecrets("second")(now) {
		t.Errorf("got the secrets %v, want the second alone", now)
	}
	t.Logf("%d orders were sold and paid; %d deliveries were rejected first", s.sold, s.rejected())
}
