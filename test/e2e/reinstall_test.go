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
	"github.com/paylink-dev/paylink/test/check"
)

// testReinstalled uninstalls the release, which keeps the orders. A buyer pays meanwhile. The next installation, by another
// version of Helm, settles that order.
func (s *environment) testReinstalled(t *testing.T) {
	buyer := s.http.buyer()
	page, err := buyer.order(t.Context())
	check.Must(t, err)
	before := len(s.orders(t))
	s.helm(t).Must("uninstall", chart.Release, "--namespace="+systemNamespace, "--wait", "--timeout=3m")
	s.expectUninstalled(t)
	if left := len(s.orders(t)); left != before {
		t.Fatalf("got %d orders after uninstall, want %d", left, before)
	}
	check.Must(t, buyer.pay(t.Context(), page))

	s.version = "helm3"
	s.helm(t).Must(append([]string{"install"}, chartArguments(t, "controller: {backfill: {period: 10s, grace: 1s}}")...)...)
	s.moveIngress(t)
	until(t.Context(), t, "every order is settled", func(context.Context) (bool, error) {
		for _, o := range s.orders(t) {
			if o.Status.Phase != v1alpha1.OrderPaid && o.Status.Phase != v1alpha1.OrderRefunded {
				return false, fmt.Errorf("order %s is %s", o.Name, o.Status.Phase)
			}
		}
		return true, nil
	})
	check.NoError(t, buyer.openReturnPage(t.Context()))
	// The last leader lost its rights before it ended, so that its lease had to expire.
	until(t.Context(), t, "a controller leads", func(context.Context) (bool, error) {
		_, there := s.serving(t)[s.leader(t)]
		return there, nil
	})
	check.NoError(t, s.http.buyer().buy(t.Context()))
	s.reconcile(t)
	s.expectNoErrors(t)
}

// expectUninstalled checks that nothing of the release is left but the CRDs.
func (s *environment) expectUninstalled(t *testing.T) {
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
		t.Errorf("got %d CRDs, want 3", len(crds))
	}
}

// crds are Paylink's CRDs.
func (s *environment) crds(ctx context.Context, t *testing.T) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var all apiextensionsv1.CustomResourceDefinitionList
	check.Must(t, s.List(ctx, &all))
	var ours []apiextensionsv1.CustomResourceDefinition
	for _, crd := range all.Items {
		if crd.Spec.Group == v1alpha1.GroupVersion.Group {
			ours = append(ours, crd)
		}
	}
	return ours
}

// removeInstallation removes the release and the CRDs.
func (s *environment) removeInstallation(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if out, err := s.helm(t).RunIn(ctx, "uninstall", chart.Release, "--namespace="+systemNamespace, "--ignore-not-found"); err != nil {
		t.Errorf("uninstall: %v: %s", err, out)
	}
	for _, crd := range s.crds(ctx, t) {
		check.NoError(t, s.Delete(ctx, &crd, client.PropagationPolicy(metav1.DeletePropagationForeground)))
	}
}
