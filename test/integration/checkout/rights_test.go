package checkout_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stack"
)

// withoutCheckout are the rights of a server that creates no orders.
var withoutCheckout = []string{"config/rbac/webhookserver/role.yaml"}

// The server that all other tests use has the rights that it is deployed with, and no others.
func TestTheWebhookServersRights(t *testing.T) {
	s := openShop(t)
	repository, err := cluster.Repository(s.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(repository, "config/rbac/webhookserver/*role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	if want := []string{"checkout_role.yaml", "role.yaml"}; !slices.Equal(names, want) {
		t.Errorf("the rights are in %v: have package stack give a webhook server all of them", names)
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
				t.Errorf("the webhook server may %s %s/%s: %t", verb, c.resource, c.subresource, review.Status.Allowed)
			}
		}
	}
}

// A server that creates no orders needs no right to, and does everything else.
func TestAServerWithoutTheCheckoutAPI(t *testing.T) {
	s := openShop(t)
	server, endpoint := s.anotherAtStripe("closed", stack.WebhookServer{Flags: []string{"--checkout-api=false"}, ClusterRoles: withoutCheckout})
	b := s.hire("backend", "create", "get")
	before := s.balance()
	for _, c := range []call{
		b.order(call{}),
		{path: ordersPath + "/any", token: b.token},
		{path: buyPath(s.Namespace, "lifetime")},
		{method: "POST", path: buyPath(s.Namespace, "lifetime")},
	} {
		c.to = server
		s.ask(c).problem(t, 404)
	}
	s.unchanged(before)

	o := b.buys(call{}) // at the other server
	paid := s.Pay(o.CheckoutURL)
	s.Settled()
	s.told(server, paid.ID, "paid: paid, final, known order")
	s.takenBy(endpoint.ID)
	if a := s.ask(call{to: server, path: "/openapi.yaml"}); a.status != 200 {
		t.Errorf("the description is answered %d", a.status)
	}
}

// takenBy checks that a server has taken all webhooks that were sent to it.
func (s *shop) takenBy(endpoint string) {
	s.T.Helper()
	n := 0
	for _, a := range paylink.Stripe.Attempts() {
		if a.Endpoint != endpoint {
			continue
		}
		if n++; a.Status != 200 {
			s.T.Errorf("a webhook of %s was answered %d, %v", a.Type, a.Status, a.Error)
		}
	}
	if n == 0 {
		s.T.Error("no webhook was sent")
	}
}

// A server that is to create orders and may not, says so to whoever can do something about it, and goes on.
func TestAServerThatMayNotCreateOrders(t *testing.T) {
	s := openShop(t)
	server, endpoint := s.anotherAtStripe("rightless", stack.WebhookServer{ClusterRoles: withoutCheckout})
	b := s.hire("backend", "create", "get")
	before := s.count()
	for _, c := range []call{b.order(call{}), s.press(server, "")} {
		c.to = server
		if p := s.ask(c).problem(t, 503); p.OrderID != "" || strings.Contains(p.Detail, s.Namespace) || strings.Contains(p.Detail, "forbidden") {
			t.Errorf("the refusal is %+v", p)
		}
	}
	if now := s.count(); now.orders != before.orders {
		t.Errorf("there are %d orders more", now.orders-before.orders)
	}
	log, err := os.ReadFile(server.Log)
	if err != nil {
		t.Fatal(err)
	}
	if missing := `cannot create resource \"orders\" in API group \"payments.paylink.dev\"`; strings.Count(string(log), missing) != 2 {
		t.Errorf("the log does not say twice what is missing:\n%s", log)
	}

	o := b.buys(call{}) // at the other server
	paid := s.Pay(o.CheckoutURL)
	s.Settled()
	s.told(server, paid.ID, "paid: paid, final, known order")
	s.takenBy(endpoint.ID)
	s.ask(call{to: server, path: ordersPath + "/" + o.OrderID, token: b.token}).order(t, 200)
	if !server.Ready(s.Ctx) {
		t.Error("the server says that it is not ready")
	}
}
