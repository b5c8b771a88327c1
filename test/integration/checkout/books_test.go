package checkout_test

import (
	"context"
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/seller"
)

// books are what there is and what was ever asked for, in all namespaces.
type books struct {
	orders int
	// asked are all requests to the API server so far.
	asked []cluster.AuditEvent
}

// balance reads the books, once Stripe has nothing more to deliver.
func (s *shop) balance() books {
	s.T.Helper()
	s.Settled()
	return s.count()
}

// count reads the books as they are.
func (s *shop) count() books {
	s.T.Helper()
	var list v1alpha1.OrderList
	if err := paylink.Client.List(s.Ctx, &list); err != nil {
		s.T.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.Ctx, seller.Patience)
	defer cancel()
	events, err := paylink.Cluster.AuditEvents(ctx)
	if err != nil {
		s.T.Fatal(err)
	}
	return books{orders: len(list.Items), asked: events}
}

// since returns what was asked for since an earlier balance.
func (b books) since(earlier books) []cluster.AuditEvent { return b.asked[len(earlier.asked):] }

// unchanged fails the test if anything was created, or a webhook server has asked for a change, since an earlier balance.
func (s *shop) unchanged(earlier books) {
	s.T.Helper()
	s.unchangedBut(earlier, 0)
}

// unchangedBut is unchanged but for so many orders that the webhook servers created.
func (s *shop) unchangedBut(earlier books, orders int) {
	s.T.Helper()
	s.compare(earlier, s.balance(), orders)
}

// compare fails the test unless the webhook servers have created so many orders, and changed nothing else.
func (s *shop) compare(earlier, now books, orders int) {
	s.T.Helper()
	if now.orders != earlier.orders+orders {
		s.T.Errorf("there are %d orders more, want %d", now.orders-earlier.orders, orders)
	}
	var changes []cluster.AuditEvent
	for _, e := range now.since(earlier) {
		if e.Write() && ofWebhookServer(e) && !review(e) {
			changes = append(changes, e)
		}
	}
	if len(changes) != orders {
		s.T.Errorf("the webhook servers asked for %d changes, want %d: %+v", len(changes), orders, changes)
	}
}

func ofWebhookServer(e cluster.AuditEvent) bool {
	return strings.HasPrefix(e.User, "paylink-webhookserver")
}

// review tells whether a request asks who a caller is or what he may do, which changes nothing.
func review(e cluster.AuditEvent) bool {
	return e.Resource == "tokenreviews.authentication.k8s.io" || e.Resource == "subjectaccessreviews.authorization.k8s.io"
}

// writesTo returns who changed an order of the shop's, and who tried in vain. Its creation is among them where it is the
// namespace's only one: the API server records it before the name is known.
func (s *shop) writesTo(name string) (done, refused []cluster.AuditEvent) {
	s.T.Helper()
	for _, e := range s.balance().asked {
		created := e.Verb == "create" && e.Subresource == ""
		if e.Resource != "orders."+v1alpha1.GroupName || e.Namespace != s.Namespace || !e.Write() || (e.Name != name && !created) {
			continue
		}
		if e.Code < 300 {
			done = append(done, e)
		} else {
			refused = append(refused, e)
		}
	}
	return done, refused
}
