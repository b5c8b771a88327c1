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
)

// TestInstallation is the life of one: each part leaves it as it found it.
func TestInstallation(t *testing.T) {
	if *kubeconfig == "" {
		t.Skip("no cluster: see make e2e")
	}
	s := newStage(t)
	s.helm(t).Must(append([]string{"install"}, chartArguments(t, "")...)...)
	s.openIngress(t)
	t.Cleanup(func() { s.closeIngress() })
	s.sell(t)

	for _, part := range []struct {
		name string
		run  func(*stage, *testing.T)
	}{
		{"helm test", (*stage).testHelmTest},
		{"sale", (*stage).testSale},
		{"rights", (*stage).testRights},
		{"rotation", (*stage).testRotation},
		{"rollouts", (*stage).testRollouts},
		{"deleted pods", (*stage).testDeletedPods},
		{"reinstalled", (*stage).testReinstalled},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(s, t) }) {
			break // the next would have to do with what this one has left
		}
	}
}

func (s *stage) testHelmTest(t *testing.T) {
	if out := s.helm(t).Must("test", "paylink", "--namespace="+systemNamespace, "--timeout=2m"); !strings.Contains(out, "Succeeded") {
		t.Errorf("helm test says %s", out)
	}
}

// testSale takes an order of a backend's from Pending to Refunded. Everything comes through nginx.
func (s *stage) testSale(t *testing.T) {
	buyer := s.shop.buyer()
	page, reference := s.shop.orderByBackend(t, s.hireBackend(t))
	order := s.orderOf(t, reference)
	if order.Status.Phase != v1alpha1.OrderPending || !strings.HasPrefix(page, "http://"+stripeHost+"/") {
		t.Errorf("the order is %s, to be paid at %s", order.Status.Phase, page)
	}
	if err := buyer.pay(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	s.phase(t, reference, v1alpha1.OrderPaid)
	if err := buyer.comeBack(t.Context()); err != nil {
		t.Error(err)
	}
	var refund struct{ Status string }
	s.shop.stripe(t, http.MethodPost, "/v1/refunds", url.Values{"payment_intent": {s.orderOf(t, reference).Status.ProviderCaptureID}}, &refund)
	s.phase(t, reference, v1alpha1.OrderRefunded)
	s.reconcile(t)

	for _, path := range []string{"/metrics", "/healthz", "/openapi.yaml", "/"} {
		answer, err := s.shop.get(t.Context(), "https://"+shopHost+path)
		if err != nil || answer.status != http.StatusNotFound {
			t.Errorf("the internet reads %s: %d, %v", path, answer.status, err)
		}
	}
	s.flawless(t)
}

// hireBackend makes an account that may create orders in the shop and read them, and nothing else, and returns its token.
func (s *stage) hireBackend(t *testing.T) string {
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

// orderOf reads the order with a reference.
func (s *stage) orderOf(t *testing.T, reference string) *v1alpha1.Order {
	t.Helper()
	for _, o := range s.orders(t) {
		if o.Status.ClientReferenceID == reference {
			return &o
		}
	}
	t.Fatalf("there is no order %s", reference)
	return nil
}

func (s *stage) orders(t *testing.T) []v1alpha1.Order {
	t.Helper()
	var list v1alpha1.OrderList
	if err := s.List(t.Context(), &list, client.InNamespace(shopNamespace)); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// phase waits until an order is in one.
func (s *stage) phase(t *testing.T, reference string, want v1alpha1.OrderPhase) {
	t.Helper()
	until(t.Context(), t, "order "+reference+" is "+string(want), func(context.Context) (bool, error) {
		return s.orderOf(t, reference).Status.Phase == want, nil
	})
}
