package checkout_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
)

// withoutCheckout are the rights of a server without the checkout API.
var withoutCheckout = []string{"config/rbac/webhookserver/role.yaml"}

// TestRightsOfTheWebhookServer: the server of all other tests has the rights of its deployment, and no others.
func TestRightsOfTheWebhookServer(t *testing.T) {
	s := newFixture(t)
	repository, err := cluster.Repository(s.Ctx)
	check.Must(t, err)
	files, err := filepath.Glob(filepath.Join(repository, "config/rbac/webhookserver/*role.yaml"))
	check.Must(t, err)
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	if want := []string{"checkout_role.yaml", "role.yaml"}; !slices.Equal(names, want) {
		t.Errorf("got the roles %v, want %v: add the others to package stack", names, want)
	}
	for _, c := range []struct {
		verbs, group, resource, subresource string
		may                                 bool
	}{
		{"get list watch create", v1alpha1.GroupName, "orders", "", true},
		{"update patch delete deletecollection", v1alpha1.GroupName, "orders", "", false},
		{"patch", v1alpha1.GroupName, "orders", "status", true},
		{"update", v1alpha1.GroupName, "orders", "status", false},
		{"get list watch", v1alpha1.GroupName, "paymentlinks", "", true},
		{"create update patch delete", v1alpha1.GroupName, "paymentlinks", "", false},
		{"create", v1alpha1.GroupName, "stripeevents", "", true},
		{"get list watch update patch delete", v1alpha1.GroupName, "stripeevents", "", false},
		{"create", "authentication.k8s.io", "tokenreviews", "", true},
		{"create", "authorization.k8s.io", "subjectaccessreviews", "", true},
		{"get list create", "", "secrets", "", false},
		{"get create", "", "serviceaccounts", "token", false},
		{"impersonate", "", "users", "", false},
	} {
		for verb := range strings.FieldsSeq(c.verbs) {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: "paylink-webhookserver",
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: s.Namespace, Verb: verb, Group: c.group, Resource: c.resource, Subresource: c.subresource,
				},
			}}
			s.Create(review)
			if review.Status.Allowed != c.may {
				t.Errorf("got %s %s/%s allowed: %t, want %t", verb, c.resource, c.subresource, review.Status.Allowed, c.may)
			}
		}
	}
}

// TestServerWithoutCheckoutAPI: a server without the checkout API needs no right to create orders.
func TestServerWithoutCheckoutAPI(t *testing.T) {
	s := newFixture(t)
	server, endpoint := s.addServerWithEndpoint("closed", stack.WebhookServer{Flags: []string{"--checkout-api=false"}, ClusterRoles: withoutCheckout})
	b := s.newBackend("backend", "create", "get")
	before := s.recordDelivered()
	for _, c := range []call{
		b.order(call{}),
		{path: ordersPath + "/any", token: b.token},
		{path: buyPath(s.Namespace, "lifetime")},
		{method: "POST", path: buyPath(s.Namespace, "lifetime")},
	} {
		c.to = server
		s.send(c).problem(t, 404)
	}
	s.expectUnchanged(before)

	o := b.mustCreate(call{}) // at the other server
	paid := s.Pay(o.CheckoutURL)
	s.AwaitDelivered()
	s.awaitOutcome(server, paid.ID, "paid: paid, final, known order")
	s.expectAccepted(endpoint.ID)
	check.Equal(t, 200, s.send(call{to: server, path: "/openapi.yaml"}).status, "status of the OpenAPI description")
}

// expectAccepted checks that an endpoint has accepted all webhooks.
func (s *fixture) expectAccepted(endpoint string) {
	s.T.Helper()
	n := 0
	for _, a := range paylink.Stripe.Attempts() {
		if a.Endpoint != endpoint {
			continue
		}
		if n++; a.Status != 200 {
			s.T.Errorf("%s: got status %d, %v, want 200", a.Type, a.Status, a.Error)
		}
	}
	if n == 0 {
		s.T.Error("got no webhooks, want some")
	}
}

// TestServerWithoutRightToCreate: a server that lacks the right to create orders logs it, and serves everything else.
func TestServerWithoutRightToCreate(t *testing.T) {
	s := newFixture(t)
	server, endpoint := s.addServerWithEndpoint("rightless", stack.WebhookServer{ClusterRoles: withoutCheckout})
	b := s.newBackend("backend", "create", "get")
	before := s.record()
	for _, c := range []call{b.order(call{}), s.buyCall(server, "")} {
		c.to = server
		if p := s.send(c).problem(t, 503); p.OrderID != "" || strings.Contains(p.Detail, s.Namespace) || strings.Contains(p.Detail, "forbidden") {
			t.Errorf("got %+v, want a problem without details", p)
		}
	}
	if now := s.record(); now.orders != before.orders {
		t.Errorf("got %d new orders, want 0", now.orders-before.orders)
	}
	log := s.Log(server)
	if missing := `cannot create resource \"orders\" in API group \"payments.paylink.dev\"`; strings.Count(log, missing) != 2 {
		t.Errorf("got the log\n%s\nwant the missing right twice", log)
	}

	o := b.mustCreate(call{}) // at the other server
	paid := s.Pay(o.CheckoutURL)
	s.AwaitDelivered()
	s.awaitOutcome(server, paid.ID, "paid: paid, final, known order")
	s.expectAccepted(endpoint.ID)
	s.send(call{to: server, path: ordersPath + "/" + o.OrderID, token: b.token}).order(t, 200)
	if !server.Ready(s.Ctx) {
		t.Error("got a server that is not ready")
	}
}
