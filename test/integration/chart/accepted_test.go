package chart_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/chart"
)

// TestAPIServerAcceptsChart: with all values of the matrix, no field of an object is unknown or invalid.
func TestAPIServerAcceptsChart(t *testing.T) {
	helm := chart.NewHelm(t, "helm4", "")
	for name, values := range chart.Matrix() {
		t.Run(name, func(t *testing.T) { dryRun(t, helm.Render(values, chart.MutatingPolicies)) })
	}
}

// dryRun creates objects at the API server without storing them.
func dryRun(t *testing.T, objects chart.Objects) {
	t.Helper()
	if len(objects) == 0 {
		t.Fatal("got no objects")
	}
	for _, o := range objects {
		err := admin.Create(t.Context(), o.DeepCopy(), client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
		if apierrors.IsAlreadyExists(err) && slices.Contains([]string{"Namespace", "CustomResourceDefinition"}, o.GetKind()) {
			continue // the check of its fields comes first
		}
		if err != nil {
			t.Errorf("%s %s: %v", o.GetKind(), o.GetName(), err)
		}
	}
}

// TestPodsAreRestricted: a namespace with the restricted Pod Security Standard admits all pods.
func TestPodsAreRestricted(t *testing.T) {
	helm := chart.NewHelm(t, "helm4", "")
	for name, values := range chart.Matrix() {
		objects := helm.Render(values)
		pods := []corev1.PodSpec{}
		for _, o := range objects.Of("Deployment") {
			pods = append(pods, chart.As[appsv1.Deployment](t, o).Spec.Template.Spec)
		}
		for _, o := range objects.Of("Pod") {
			pods = append(pods, chart.As[corev1.Pod](t, o).Spec)
		}
		if len(pods) != 3 {
			t.Errorf("%s: got %d kinds of pods, want 3", name, len(pods))
		}
		for _, pod := range pods {
			if err := admit(t, pod); err != nil {
				t.Errorf("%s, %s: %v", name, pod.Containers[0].Name, err)
			}
		}
	}
	open := corev1.PodSpec{Containers: []corev1.Container{{Name: "open", Image: "open", SecurityContext: &corev1.SecurityContext{RunAsNonRoot: ptr.To(false)}}}}
	if err := admit(t, open); !apierrors.IsForbidden(err) {
		t.Errorf("got %v for an unrestricted pod, want it forbidden", err)
	}
}

func admit(t *testing.T, spec corev1.PodSpec) error {
	t.Helper()
	return admin.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: chart.Namespace, Name: "pod"}, Spec: spec}, client.DryRunAll)
}
