package checkout_test

import (
	"context"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/test/stack"
)

func TestRightsOfCallers(t *testing.T) {
	s := newFixture(t)
	owner := s.newBackend("owner", "create", "get")
	o := owner.mustCreate(call{})

	stranger := s.newBackend("without-rights")
	neighbour := s.newBackend("rights-elsewhere")
	neighbour.allow(s.MakeNamespace(), rights("create", "get"))
	seller := s.newBackend("may-create", "create")
	reader := s.newBackend("may-get", "get")
	readerOfOne := s.newBackend("may-get-this-one")
	readerOfOne.allow(s.Namespace, rbacv1.PolicyRule{APIGroups: rights().APIGroups, Resources: []string{"orders"}, Verbs: []string{"get"}, ResourceNames: []string{o.Name}})
	readerOfAnother := s.newBackend("may-get-another-one")
	readerOfAnother.allow(s.Namespace, rbacv1.PolicyRule{APIGroups: rights().APIGroups, Resources: []string{"orders"}, Verbs: []string{"get"}, ResourceNames: []string{"another"}})
	acme := s.newBackend("orders-of-cert-manager")
	acme.allow(s.Namespace, rbacv1.PolicyRule{APIGroups: []string{"acme.cert-manager.io"}, Resources: []string{"orders"}, Verbs: []string{"create", "get"}})
	lister := s.newBackend("may-list-and-watch", "list", "watch", "update", "patch", "delete")
	everywhere := s.newBackend("rights-everywhere")
	everywhere.allowEverywhere("create", "get")

	for _, c := range []struct {
		caller       string
		token        string
		header       map[string]string
		create, read int
	}{
		{caller: "no token", create: 401, read: 401},
		{caller: "a user with a password", header: map[string]string{"Authorization": "Basic dXNlcjpwYXNz"}, create: 401, read: 401},
		{caller: "an empty token", header: map[string]string{"Authorization": "Bearer "}, create: 401, read: 401},
		{caller: "a token without a scheme", header: map[string]string{"Authorization": owner.token}, create: 401, read: 401},
		{caller: "garbage", token: "garbage-token", create: 401, read: 401},
		{caller: "a long garbage", token: strings.Repeat("garbage-token", 2000), create: 401, read: 401},
		{caller: "bytes that are not text", token: "garbage-token\xff\xfe", create: 401, read: 401},
		{caller: "garbage before a token", token: "garbage-token " + owner.token, create: 401, read: 401},
		{caller: "a token signed with another key", token: resign(t, owner.token, nil, otherKey(t)), create: 401, read: 401},
		{caller: "an unsigned token", token: resign(t, owner.token, nil, nil), create: 401, read: 401},
		{caller: "an expired token", token: resign(t, owner.token, expired(), clusterKey(t)), create: 401, read: 401},
		{caller: "a token for another audience", token: owner.newToken("https://vault.example.com"), create: 401, read: 401},
		{caller: stranger.name, token: stranger.token, create: 403, read: 404},
		{caller: neighbour.name, token: neighbour.token, create: 403, read: 404},
		{caller: acme.name, token: acme.token, create: 403, read: 404},
		{caller: lister.name, token: lister.token, create: 403, read: 404},
		{caller: seller.name, token: seller.token, create: 201, read: 404},
		{caller: reader.name, token: reader.token, create: 403, read: 200},
		{caller: readerOfOne.name, token: readerOfOne.token, create: 403, read: 200},
		{caller: readerOfAnother.name, token: readerOfAnother.token, create: 403, read: 404},
		{caller: everywhere.name, token: everywhere.token, create: 201, read: 200},
		{caller: "a token signed anew with the cluster's key", token: resign(t, owner.token, nil, clusterKey(t)), create: 201, read: 200},
		{caller: "a scheme in lower case", header: map[string]string{"Authorization": "bearer  " + owner.token}, create: 201, read: 200},
		{caller: owner.name, token: owner.token, create: 201, read: 200},
	} {
		t.Run(c.caller, func(t *testing.T) {
			before := len(s.Orders())
			created := s.send(call{path: ordersPath, body: s.orderBody("lifetime"), token: c.token, header: c.header})
			read := s.send(call{path: ordersPath + "/" + o.OrderID, token: c.token, header: c.header})
			checkAccess(t, created, c.create, "namespace")
			checkAccess(t, read, c.read, "orderId")
			made := 0
			if c.create == 201 {
				made = 1
			}
			if now := len(s.Orders()); now != before+made {
				t.Errorf("got %d new orders, want %d", now-before, made)
			}
		})
	}
}

// checkAccess checks the status of an answer, and the field that a refusal names.
func checkAccess(t *testing.T, a answer, status int, field string) {
	t.Helper()
	if status < 300 {
		a.order(t, status)
		return
	}
	p := a.problem(t, status)
	if status == 401 {
		field = "Authorization"
		if a.header.Get("WWW-Authenticate") == "" {
			t.Error("got 401 without WWW-Authenticate")
		}
	}
	if p.fields() != field {
		t.Errorf("got the field %q, want %s: %s", p.fields(), field, a.body)
	}
}

// TestRevokedRights: a revoked right has effect at once, because the webhook server caches no review.
func TestRevokedRights(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend")
	b.create(call{}).problem(t, 403)
	mayCreate := b.allow(s.Namespace, rights("create"))
	o := b.mustCreate(call{})
	b.get(o.OrderID).problem(t, 404)
	mayCreate()
	b.create(call{}).problem(t, 403)
	mayRead := b.allow(s.Namespace, rights("get"))
	b.get(o.OrderID).order(t, 200)
	mayRead()
	b.get(o.OrderID).problem(t, 404)
}

func TestDeletedAccount(t *testing.T) {
	s := newFixture(t)
	b := s.newBackend("backend", "create", "get")
	used := b.newToken() // the API server caches tokens for some seconds, but not new ones
	o := b.mustCreate(call{token: used})
	s.Delete(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: b.name}})
	s.Eventually("the API server rejects the token", func(ctx context.Context) (bool, error) {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: b.token}}
		err := paylink.Client.Create(ctx, review)
		return err == nil && !review.Status.Authenticated, err
	})
	checkAccess(t, b.create(call{}), 401, "")
	checkAccess(t, b.get(o.OrderID), 401, "")
}

func TestTokenAudiences(t *testing.T) {
	s := newFixture(t)
	server := s.addServer("audiences", stack.WebhookServer{Flags: []string{"--token-audiences=https://orders.example.com, paylink"}})
	b := s.newBackend("backend", "create", "get")
	for _, c := range []struct {
		audiences []string
		status    int
	}{
		{nil, 401},
		{[]string{"https://vault.example.com"}, 401},
		{[]string{"https://orders.example.com"}, 201},
		{[]string{"paylink"}, 201},
		{[]string{"https://vault.example.com", "paylink"}, 201},
		{[]string{"PAYLINK"}, 401},
	} {
		t.Run(strings.Join(c.audiences, " "), func(t *testing.T) {
			checkAccess(t, b.create(call{to: server, token: b.newToken(c.audiences...)}), c.status, "")
		})
	}
	// The other servers reject a token of this audience.
	checkAccess(t, b.create(call{token: b.newToken("paylink")}), 401, "")
}
