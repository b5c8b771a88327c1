package checkout_test

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// backend is a client of the checkout API: a ServiceAccount in the namespace, with a token.
type backend struct {
	*fixture
	name, token string
}

// newBackend makes a ServiceAccount with these rights to the orders of its namespace.
func (s *fixture) newBackend(name string, verbs ...string) *backend {
	s.T.Helper()
	s.Create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}})
	b := &backend{fixture: s, name: name}
	b.token = b.newToken()
	if len(verbs) > 0 {
		b.allow(s.Namespace, rights(verbs...))
	}
	return b
}

// newToken requests a token for these audiences; none: the API server's own.
func (b *backend) newToken(audiences ...string) string {
	b.T.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.name}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
	b.Must(paylink.Client.SubResource("token").Create(b.Ctx, account, request))
	return request.Status.Token
}

// rights is a rule for orders.
func rights(verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"orders"}, Verbs: verbs}
}

// allow gives the backend rights in a namespace, and returns once the API server grants them. The returned function revokes
// them likewise.
func (b *backend) allow(namespace string, rule rbacv1.PolicyRule) (revoke func()) {
	b.T.Helper()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: b.name + "-"}, Rules: []rbacv1.PolicyRule{rule}}
	b.Create(role)
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: b.Namespace, Name: b.name}},
	}
	b.Create(binding)
	b.awaitRights(namespace, rule, true)
	return func() {
		b.T.Helper()
		b.Delete(binding)
		b.awaitRights(namespace, rule, false)
	}
}

// allowEverywhere gives the backend rights in all namespaces.
func (b *backend) allowEverywhere(verbs ...string) {
	b.T.Helper()
	name := b.name + "-of-" + b.Namespace
	b.Create(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{rights(verbs...)}})
	b.Create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: b.Namespace, Name: b.name}},
	})
	b.awaitRights(b.Namespace, rights(verbs...), true)
}

// user is the backend's user name at the API server.
func (b *backend) user() string { return "system:serviceaccount:" + b.Namespace + ":" + b.name }

// awaitRights waits until the API server grants, or denies, the backend the rights of a rule.
func (b *backend) awaitRights(namespace string, rule rbacv1.PolicyRule, want bool) {
	b.T.Helper()
	asked := authorizationv1.ResourceAttributes{
		Namespace: namespace, Group: rule.APIGroups[0], Resource: rule.Resources[0], Verb: rule.Verbs[0],
	}
	if len(rule.ResourceNames) > 0 {
		asked.Name = rule.ResourceNames[0]
	}
	b.Eventually(fmt.Sprintf("%s may %s in %s: %t", b.name, asked.Verb, namespace, want), func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: b.user(), ResourceAttributes: &asked}}
		err := paylink.Client.Create(ctx, review)
		return err == nil && review.Status.Allowed == want, err
	})
}

// mustCreate creates an order through the API.
func (b *backend) mustCreate(c call) order {
	b.T.Helper()
	return b.create(c).order(b.T, 201)
}

// create requests an order of the PaymentLink "lifetime", unless the call has a body.
func (b *backend) create(c call) answer {
	b.T.Helper()
	return b.send(b.order(c))
}

// order completes a call that creates an order of the PaymentLink "lifetime".
func (b *backend) order(c call) call {
	c.path = ordersPath
	if c.token == "" {
		c.token = b.token
	}
	if c.body == "" {
		c.body = b.orderBody("lifetime")
	}
	return c
}

// get reads an order through the API.
func (b *backend) get(id string) answer {
	b.T.Helper()
	return b.send(call{path: ordersPath + "/" + id, token: b.token})
}

// orderBody is the body that requests an order of a PaymentLink of the namespace, with more fields such as `"orderId":"a"`.
func (s *fixture) orderBody(link string, more ...string) string {
	body := fmt.Sprintf(`{"paymentLink":%q,"namespace":%q`, link, s.Namespace)
	for _, field := range more {
		body += "," + field
	}
	return body + "}"
}
