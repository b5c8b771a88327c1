package chart_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/test/chart"
)

const policyKind, bindingKind = "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"

// TestUntrackedOrders: the policy is config's, for the namespaces that are served, and bound.
func TestUntrackedOrders(t *testing.T) {
	const config = "paylink-untracked-orders"
	written := chart.Parse(t, chart.Read(t, "config/admission/untracked_orders.yaml"))
	for values, row := range map[string]struct {
		name       string
		namespaces []string
	}{
		"": {name: config},
		"watchNamespaces: [shop, other-shop]\ncommonLabels: {team: sales}": {config, []string{"shop", "other-shop"}},
		"watchNamespaces: null\nfullnameOverride: sales":                   {name: "sales-untracked-orders"},
	} {
		objects := chart.NewHelm(t, "helm4", "").Render(values, chart.MutatingPolicies)
		policy := chart.Get[admissionv1.MutatingAdmissionPolicy](t, objects, policyKind, row.name)
		binding := chart.Get[admissionv1.MutatingAdmissionPolicyBinding](t, objects, bindingKind, row.name)

		want := chart.Get[admissionv1.MutatingAdmissionPolicy](t, written, policyKind, config).Spec
		if row.namespaces != nil {
			want.MatchConstraints.NamespaceSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: row.namespaces},
			}}
		}
		if diff := cmp.Diff(want, policy.Spec); diff != "" {
			t.Errorf("%q: the policy: %s", values, diff)
		}
		bound := chart.Get[admissionv1.MutatingAdmissionPolicyBinding](t, written, bindingKind, config).Spec
		bound.PolicyName = row.name
		if diff := cmp.Diff(bound, binding.Spec); diff != "" {
			t.Errorf("%q: the binding: %s", values, diff)
		}
		for _, labels := range []map[string]string{policy.Labels, binding.Labels} {
			if labels["app.kubernetes.io/instance"] != chart.Release || (row.namespaces != nil && labels["team"] != "sales") {
				t.Errorf("%q: got labels %v", values, labels)
			}
		}
	}
}

// TestTrackedOrders: there is no policy if it is off, or if the cluster does not serve policies.
func TestTrackedOrders(t *testing.T) {
	for values, served := range map[string][]string{
		"":                       nil,
		"untrackedOrders: true":  {"admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy"}, // 1.34 and 1.35
		"untrackedOrders: false": {chart.MutatingPolicies},
	} {
		for _, version := range chart.Versions() {
			objects := chart.NewHelm(t, version, "").Render(values, served...)
			if found := len(objects.Of(policyKind)) + len(objects.Of(bindingKind)); found > 0 {
				t.Errorf("%s, values %q, %q served: got %d objects, want none", version, values, served, found)
			}
		}
	}
}
