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

func TestOnlyWhoMayCreatesAndReadsOrders(t *testing.T) {
	s := openShop(t)
	owner := s.hire("owner", "create", "get")
	o := owner.buys(call{})

	stranger := s.hire("without-rights")
	neighbour := s.hire("rights-elsewhere")
	neighbour.allow(s.MakeNamespace(), rights("create", "get"))
	seller := s.hire("may-create", "create")
	reader := s.hire("may-get", "get")
	readerOfOne := s.hire("may-get-this-one")
	readerOfOne.allow(s.Namespace, rbacv1.PolicyRule{APIGroups: rights().APIGroups, Resources: []string{"orders"}, Verbs: []string{"get"}, ResourceNames: []string{o.Name}})
	readerOfAnother := s.hire("may-get-another-one")
	readerOfAnother.allow(s.Namespace, rbacv1.PolicyRule{APIGroups: rights().APIGroups, Resources: []string{"orders"}, Verbs: []string{"get"}, ResourceNames: []string{"another"}})
	acme := s.hire("orders-of-cert-manager")
	acme.allow(s.Namespace, rbacv1.PolicyRule{APIGroups: []string{"acme.cert-manager.io"}, Resources: []string{"orders"}, Verbs: []string{"create", "get"}})
	lister := s.hire("may-list-and-watch", "list", "watch", "update", "patch", "delete")
	everywhere := s.hire("rights-everywhere")
	everywhere.allowEverywhere("create", "get")

	for _, c := range []struct {
		who          string
		token        string
		header       map[string]string
		create, read int
	}{
		{who: "nobody", create: 401, read: 401},
		{who: "a user with a password", header: map[string]string{"Authorization": "Basic dXNlcjpwYXNz"}, create: 401, read: 401},
		{who: "an empty token", header: map[string]string{"Authorization": "Bearer "}, create: 401, read: 401},
		{who: "a token without a scheme", header: map[string]string{"Authorization": owner.token}, create: 401, read: 401},
		{who: "garbage", token: "garbage-token", create: 401, read: 401},
		{who: "a lot of garbage", token: strings.Repeat("garbage-token", 2000), create: 401, read: 401},
		{who: "bytes that are no text", token: "garbage-token\xff\xfe", create: 401, read: 401},
		{who: "garbage before a token", token: "garbage-token " + owner.token, create: 401, read: 401},
		{who: "a token that a stranger signed", token: resign(t, owner.token, nil, strangersKey(t)), create: 401, read: 401},
		{who: "a token that nobody signed", token: resign(t, owner.token, nil, nil), create: 401, read: 401},
		{who: "a token that has expired", token: resign(t, owner.token, expired(), clusterKey(t)), create: 401, read: 401},
		{who: "a token for another audience", token: owner.newToken("https://vault.example.com"), create: 401, read: 401},
		{who: stranger.name, token: stranger.token, create: 403, read: 404},
		{who: neighbour.name, token: neighbour.token, create: 403, read: 404},
		{who: acme.name, token: acme.token, create: 403, read: 404},
		{who: lister.name, token: lister.token, create: 403, read: 404},
		{who: seller.name, token: seller.token, create: 201, read: 404},
		{who: reader.name, token: reader.token, create: 403, read: 200},
		{who: readerOfOne.name, token: readerOfOne.token, create: 403, read: 200},
		{who: readerOfAnother.name, token: readerOfAnother.token, create: 403, read: 404},
		{who: everywhere.name, token: everywhere.token, create: 201, read: 200},
		{who: "a token signed anew with the cluster's key", token: resign(t, owner.token, nil, clusterKey(t)), create: 201, read: 200},
		{who: "a scheme in lower case", header: map[string]string{"Authorization": "bearer  " + owner.token}, create: 201, read: 200},
		{who: owner.name, token: owner.token, create: 201, read: 200},
	} {
		t.Run(c.who, func(t *testing.T) {
			before := len(s.Orders())
			created := s.ask(call{path: ordersPath, body: s.wants("lifetime"), token: c.token, header: c.header})
			read := s.ask(call{path: ordersPath + "/" + o.OrderID, token: c.token, header: c.header})
			checkAccess(t, created, c.create, "namespace")
			checkAccess(t, read, c.read, "orderId")
			made := 0
			if c.create == 201 {
				made = 1
			}
			if now := len(s.Orders()); now != before+made {
				t.Errorf("there are %d orders more, want %d", now-before, made)
			}
		})
	}
}

// checkAccess checks an answer, and what a refusal names.
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
			t.Error("401 without WWW-Authenticate")
		}
	}
	if p.fields() != field {
		t.Errorf("the refusal names %q, not %s: %s", p.fields(), field, a.body)
	}
}

func TestNobodyLearnsOfOrdersThatAreNotTheirs(t *testing.T) {
	s := openShop(t)
	o := s.hire("owner", "create").buys(call{})
	stranger := s.hire("stranger", "create")
	if theirs, none := stranger.reads(o.OrderID), stranger.reads("no-such-order"); theirs.body != none.body || theirs.status != none.status {
		t.Errorf("an order of others is answered %d %s\nand one that is not there %d %s", theirs.status, theirs.body, none.status, none.body)
	}
}

// What the API server takes away is gone at once: the webhook server remembers no answer of its.
func TestRightsThatAreTakenAwayAreGoneAtOnce(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend")
	b.asks(call{}).problem(t, 403)
	mayCreate := b.allow(s.Namespace, rights("create"))
	o := b.buys(call{})
	b.reads(o.OrderID).problem(t, 404)
	mayCreate()
	b.asks(call{}).problem(t, 403)
	mayRead := b.allow(s.Namespace, rights("get"))
	b.reads(o.OrderID).order(t, 200)
	mayRead()
	b.reads(o.OrderID).problem(t, 404)
}

func TestADeletedAccountIsNobody(t *testing.T) {
	s := openShop(t)
	b := s.hire("backend", "create", "get")
	used := b.newToken() // the API server remembers tokens for some seconds, but not those that it has never seen
	o := b.buys(call{token: used})
	if err := paylink.Client.Delete(s.Ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: b.name}}); err != nil {
		t.Fatal(err)
	}
	s.Eventually("the API server does not know the token", func(ctx context.Context) (bool, error) {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: b.token}}
		err := paylink.Client.Create(ctx, review)
		return err == nil && !review.Status.Authenticated, err
	})
	checkAccess(t, b.asks(call{}), 401, "")
	checkAccess(t, b.reads(o.OrderID), 401, "")
}

func TestAServerTakesTokensOfItsAudiences(t *testing.T) {
	s := openShop(t)
	server := s.another("audiences", stack.WebhookServer{Flags: []string{"--token-audiences=https://orders.example.com, paylink"}})
	b := s.hire("backend", "create", "get")
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
			checkAccess(t, b.asks(call{to: server, token: b.newToken(c.audiences...)}), c.status, "")
		})
	}
	// A token that is meant for one server alone opens no other.
	checkAccess(t, b.asks(call{token: b.newToken("paylink")}), 401, "")
}
