package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
)

// TestInstallation tests one installation. Each part leaves it unchanged.
func TestInstallation(t *testing.T) {
	if *kubeconfig == "" {
		t.Skip("no cluster: see make e2e")
	}
	s := newEnvironment(t)
	s.helm(t).Must(append([]string{"install"}, chartArguments(t, "")...)...)
	s.openIngress(t)
	t.Cleanup(func() { s.closeIngress() })
	s.createLink(t)

	for _, part := range []struct {
		name string
		run  func(*environment, *testing.T)
	}{
		{"helm test", (*environment).testHelmTest},
		{"sale", (*environment).testSale},
		{"rights", (*environment).testRights},
		{"rotation", (*environment).testRotation},
		{"rollouts", (*environment).testRollouts},
		{"deleted pods", (*environment).testDeletedPods},
		{"reinstalled", (*environment).testReinstalled},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(s, t) }) {
			break // the next part needs the state before this one
		}
	}
}

func (s *environment) testHelmTest(t *testing.T) {
	if out := s.helm(t).Must("test", "paylink", "--namespace="+systemNamespace, "--timeout=2m"); !strings.Contains(out, "Succeeded") {
		t.Errorf("got from helm test %s, want Succeeded", out)
	}
}

// testSale takes an order from Pending to Refunded, through nginx.
func (s *environment) testSale(t *testing.T) {
	buyer := s.http.buyer()
	page, reference := s.http.orderByBackend(t, s.newBackend(t))
	order := s.orderOf(t, reference)
	if order.Status.Phase != v1alpha1.OrderPending || !strings.HasPrefix(page, "http://"+stripeHost+"/") {
		t.Errorf("got phase %s and checkout URL %s, want Pending at Stripe", order.Status.Phase, page)
	}
	check.Must(t, buyer.pay(t.Context(), page))
	s.awaitPhase(t, reference, v1alpha1.OrderPaid)
	check.NoError(t, buyer.openReturnPage(t.Context()))
	var refund struct{ Status string }
	s.http.stripe(t, http.MethodPost, "/v1/refunds", url.Values{"payment_intent": {s.orderOf(t, reference).Status.ProviderCaptureID}}, &refund)
	s.awaitPhase(t, reference, v1alpha1.OrderRefunded)
	s.reconcile(t)

	for _, path := range []string{"/metrics", "/healthz", "/openapi.yaml", "/"} {
		answer, err := s.http.get(t.Context(), "https://"+shopHost+path)
		if err != nil || answer.status != http.StatusNotFound {
			t.Errorf("%s: got status %d, %v, want 404", path, answer.status, err)
		}
	}
	s.expectNoErrors(t)
}

// newBackend makes an account that may create and get orders, and returns its token.
func (s *environment) newBackend(t *testing.T) string {
	t.Helper()
	in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: shopNamespace, Name: name} }
	s.create(t,
		&corev1.ServiceAccount{ObjectMeta: in("backend")},
		&rbacv1.Role{ObjectMeta: in("orders"), Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"orders"}, Verbs: []string{"create", "get"},
		}}},
		&rbacv1.RoleBinding{
			ObjectMeta: in("backend-orders"), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "orders"},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: shopNamespace, Name: "backend"}},
		},
	)
	return s.token(t, shopNamespace, "backend")
}

// orderOf returns the order with a reference.
func (s *environment) orderOf(t *testing.T, reference string) *v1alpha1.Order {
	t.Helper()
	for _, o := range s.orders(t) {
		if o.Status.ClientReferenceID == reference {
			return &o
		}
	}
	t.Fatalf("got no order %s, want one", reference)
	return nil
}

func (s *environment) orders(t *testing.T) []v1alpha1.Order {
	t.Helper()
	var list v1alpha1.OrderList
	check.Must(t, s.List(t.Context(), &list, client.InNamespace(shopNamespace)))
	return list.Items
}

// awaitPhase waits until an order is in a phase.
func (s *environment) awaitPhase(t *testing.T, reference string, want v1alpha1.OrderPhase) {
	t.Helper()
	until(t.Context(), t, "order "+reference+" is "+string(want), func(context.Context) (bool, error) {
		return s.orderOf(t, reference).Status.Phase == want, nil
	})
}
