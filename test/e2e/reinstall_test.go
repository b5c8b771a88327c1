package e2e_test

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/chart"
)

// testReinstalled uninstalls the release, which leaves the orders and nothing that serves; a buyer pays meanwhile; and the
// next installation goes on where the last one ended, by another Helm.
func (s *stage) testReinstalled(t *testing.T) {
	buyer := s.shop.buyer()
	page, err := buyer.order(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.orders(t))
	s.helm(t).Must("uninstall", chart.Release, "--namespace="+systemNamespace, "--wait", "--timeout=3m")
	s.gone(t)
	if left := len(s.orders(t)); left != before {
		t.Fatalf("%d of %d orders are left", left, before)
	}
	if err := buyer.pay(t.Context(), page); err != nil {
		t.Fatal(err)
	}

	s.version = "helm3"
	s.helm(t).Must(append([]string{"install"}, chartArguments(t, "controller: {backfill: {period: 10s, grace: 1s}}")...)...)
	s.moveIngress(t)
	until(t.Context(), t, "every order is paid that was", func(context.Context) (bool, error) {
		for _, o := range s.orders(t) {
			if o.Status.Phase != v1alpha1.OrderPaid && o.Status.Phase != v1alpha1.OrderRefunded {
				return false, fmt.Errorf("order %s is %s", o.Name, o.Status.Phase)
			}
		}
		return true, nil
	})
	if err := buyer.comeBack(t.Context()); err != nil {
		t.Error(err)
	}
	// The last leader's rights were gone before it was, so that its lease had to run out.
	until(t.Context(), t, "a controller leads", func(context.Context) (bool, error) {
		_, there := s.serving(t)[s.leader(t)]
		return there, nil
	})
	if err := s.shop.buyer().buy(t.Context()); err != nil {
		t.Error(err)
	}
	s.reconcile(t)
	s.flawless(t)
}

// gone sees that nothing of the release is left but the CRDs.
func (s *stage) gone(t *testing.T) {
	t.Helper()
	ofRelease := client.MatchingLabels{"app.kubernetes.io/instance": chart.Release}
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, &corev1.PodList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &corev1.ConfigMapList{}, &policyv1.PodDisruptionBudgetList{},
		&networkingv1.IngressList{}, &networkingv1.NetworkPolicyList{}, &rbacv1.ClusterRoleList{}, &rbacv1.ClusterRoleBindingList{}, &rbacv1.RoleList{},
		&rbacv1.RoleBindingList{}, &flowcontrolv1.FlowSchemaList{}, &flowcontrolv1.PriorityLevelConfigurationList{},
	} {
		until(t.Context(), t, fmt.Sprintf("no %T is left", list), func(ctx context.Context) (bool, error) {
			if err := s.List(ctx, list, ofRelease); err != nil {
				return false, err
			}
			return meta.LenList(list) == 0, fmt.Errorf("there are %d", meta.LenList(list))
		})
	}
	if crds := s.crds(t.Context(), t); len(crds) != 3 {
		t.Errorf("%d CRDs are left", len(crds))
	}
}

// crds are Paylink's.
func (s *stage) crds(ctx context.Context, t *testing.T) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var all apiextensionsv1.CustomResourceDefinitionList
	if err := s.List(ctx, &all); err != nil {
		t.Fatal(err)
	}
	var ours []apiextensionsv1.CustomResourceDefinition
	for _, crd := range all.Items {
		if crd.Spec.Group == v1alpha1.GroupVersion.Group {
			ours = append(ours, crd)
		}
	}
	return ours
}

// removeInstallation leaves the cluster as it was.
func (s *stage) removeInstallation(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if out, err := s.helm(t).RunIn(ctx, "uninstall", chart.Release, "--namespace="+systemNamespace, "--ignore-not-found"); err != nil {
		t.Errorf("uninstall: %v: %s", err, out)
	}
	for _, crd := range s.crds(ctx, t) {
		if err := s.Delete(ctx, &crd, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
			t.Error(err)
		}
	}
}
