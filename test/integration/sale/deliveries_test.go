package sale_test

import (
	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/stripesim"
	"github.com/paylink-dev/paylink/test/testclient"
)

// expectUnchanged fails the test if the order was written to.
func expectUnchanged(s *testclient.Client, before *v1alpha1.Order) {
	s.T.Helper()
	if after := s.Read(before); after.ResourceVersion != before.ResourceVersion {
		s.T.Errorf("order %s was written to (-before +after):\n%s", before.Name, cmp.Diff(before.Status, after.Status))
	}
}

// eventOf returns the id of the one event of a type about an object.
func eventOf(s *testclient.Client, objectID, eventType string) string {
	s.T.Helper()
	var found []string
	for _, e := range s.Stripe.Events() {
		if e.ObjectID == objectID && e.Type == eventType {
			found = append(found, e.ID)
		}
	}
	if len(found) != 1 {
		s.T.Fatalf("got %d events %s of %s, want 1", len(found), eventType, objectID)
	}
	return found[0]
}

// resend has Stripe deliver an event again, and returns when it is acknowledged.
func resend(s *testclient.Client, eventID string) {
	s.T.Helper()
	before := len(attempts(s, eventID))
	if !s.Stripe.Resend(eventID) {
		s.T.Fatalf("event %s could not be sent again", eventID)
	}
	s.AwaitDelivered()
	made := attempts(s, eventID)
	if len(made) == before || made[len(made)-1].Status != 200 {
		s.T.Fatalf("got the attempts %+v of event %s, want 200 in the end", made, eventID)
	}
}

// attempts are the deliveries of an event.
func attempts(s *testclient.Client, eventID string) []stripesim.Attempt {
	var made []stripesim.Attempt
	for _, a := range s.Stripe.Attempts() {
		if a.EventID == eventID {
			made = append(made, a)
		}
	}
	return made
}
