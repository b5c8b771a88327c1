package stories_test

import (
	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// unchanged fails the test if anybody has written to the order.
func unchanged(s *seller.Seller, before *v1alpha1.Order) {
	s.T.Helper()
	if after := s.Read(before); after.ResourceVersion != before.ResourceVersion {
		s.T.Errorf("order %s was written to: %s", before.Name, cmp.Diff(before.Status, after.Status))
	}
}

// event returns the id of the one event of a type about an object.
func event(s *seller.Seller, objectID, eventType string) string {
	s.T.Helper()
	var found []string
	for _, e := range s.Stripe.Events() {
		if e.ObjectID == objectID && e.Type == eventType {
			found = append(found, e.ID)
		}
	}
	if len(found) != 1 {
		s.T.Fatalf("there are %d events %s of %s, want one", len(found), eventType, objectID)
	}
	return found[0]
}

// resend brings an event to the webhook server, once more or at last, and returns when it has been acknowledged.
func resend(s *seller.Seller, eventID string) {
	s.T.Helper()
	before := len(attempts(s, eventID))
	if !s.Stripe.Resend(eventID) {
		s.T.Fatalf("there is no event %s to send", eventID)
	}
	s.Settled()
	made := attempts(s, eventID)
	if len(made) == before || made[len(made)-1].Status != 200 {
		s.T.Fatalf("event %s was not acknowledged: %+v", eventID, made)
	}
}

func attempts(s *seller.Seller, eventID string) []stripesim.Attempt {
	var made []stripesim.Attempt
	for _, a := range s.Stripe.Attempts() {
		if a.EventID == eventID {
			made = append(made, a)
		}
	}
	return made
}
