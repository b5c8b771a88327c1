package checkout_test

import (
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
)

// record is the state of the API server, in all namespaces.
type record struct {
	// orders is the number of orders, and requests are all requests so far.
	orders   int
	requests []cluster.AuditEvent
}

// recordDelivered is the record once Stripe has delivered every event.
func (s *fixture) recordDelivered() record {
	s.T.Helper()
	s.AwaitDelivered()
	return s.record()
}

// record is the record of now.
func (s *fixture) record() record {
	s.T.Helper()
	var list v1alpha1.OrderList
	s.Must(paylink.Client.List(s.Ctx, &list))
	return record{orders: len(list.Items), requests: s.AuditEvents()}
}

// since returns the requests since an earlier record.
func (b record) since(earlier record) []cluster.AuditEvent { return b.requests[len(earlier.requests):] }

// expectUnchanged fails the test if an order was created, or a webhook server has written, since an earlier record.
func (s *fixture) expectUnchanged(earlier record) {
	s.T.Helper()
	s.expectCreatedOnly(earlier, 0)
}

// expectCreatedOnly is expectUnchanged but for n orders that the webhook servers created.
func (s *fixture) expectCreatedOnly(earlier record, orders int) {
	s.T.Helper()
	s.expectBetween(earlier, s.recordDelivered(), orders)
}

// expectBetween fails the test unless the webhook servers have created n orders, and written nothing else.
func (s *fixture) expectBetween(earlier, now record, orders int) {
	s.T.Helper()
	if now.orders != earlier.orders+orders {
		s.T.Errorf("got %d new orders, want %d", now.orders-earlier.orders, orders)
	}
	var changes []cluster.AuditEvent
	for _, e := range now.since(earlier) {
		if e.Write() && byWebhookServer(e) && !review(e) {
			changes = append(changes, e)
		}
	}
	if len(changes) != orders {
		s.T.Errorf("got %d writes by the webhook servers, want %d: %+v", len(changes), orders, changes)
	}
}

func byWebhookServer(e cluster.AuditEvent) bool {
	return strings.HasPrefix(e.User, "paylink-webhookserver")
}

// review reports whether a request is a review of a token or of a right, which writes nothing.
func review(e cluster.AuditEvent) bool {
	return e.Resource == "tokenreviews.authentication.k8s.io" || e.Resource == "subjectaccessreviews.authorization.k8s.io"
}
