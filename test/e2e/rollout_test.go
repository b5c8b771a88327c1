package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

var servers = []string{"controller", "webhookserver"}

// testRollouts upgrades the release, and restarts both servers as kubectl rollout restart does, while 300 buyers pay.
func (s *environment) testRollouts(t *testing.T) {
	before := s.serving(t)
	l := s.startLoad(t, 300)
	s.helm(t).Must(append([]string{"upgrade"}, chartArguments(t, "logLevel: debug")...)...)
	upgraded := s.replaced(t, before)
	for _, server := range servers {
		restart := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, time.Now().Format(time.RFC3339))
		d := &appsv1.Deployment{}
		d.Namespace, d.Name = systemNamespace, chart.Release+"-"+server
		check.Must(t, s.Patch(t.Context(), d, client.RawPatch(types.StrategicMergePatchType, []byte(restart))))
	}
	s.replaced(t, upgraded)
	s.endLoad(t, l)
}

// testDeletedPods deletes a webhook server and the leader, as a drained node does.
func (s *environment) testDeletedPods(t *testing.T) {
	before, leader := s.serving(t), s.leader(t)
	l := s.startLoad(t, 100)
	for name := range before {
		if strings.Contains(name, "webhookserver") {
			s.deletePod(t, name)
			break
		}
	}
	s.deletePod(t, leader)
	until(t.Context(), t, "another controller leads", func(context.Context) (bool, error) {
		now := s.leader(t)
		return now != leader && now != "", fmt.Errorf("%q leads", now)
	})
	s.awaitRollout(t)
	s.endLoad(t, l)
}

func (s *environment) deletePod(t *testing.T, name string) {
	t.Helper()
	p := &corev1.Pod{}
	p.Namespace, p.Name = systemNamespace, name
	check.Must(t, s.Delete(t.Context(), p))
}

// leader is the name of the pod that holds the lease.
func (s *environment) leader(t *testing.T) string {
	t.Helper()
	var leases coordinationv1.LeaseList
	check.Must(t, s.List(t.Context(), &leases, client.InNamespace(systemNamespace)))
	if len(leases.Items) != 1 {
		t.Fatalf("got %d leases, want 1", len(leases.Items))
	}
	name, _, _ := strings.Cut(ptr.Deref(leases.Items[0].Spec.HolderIdentity, ""), "_")
	return name
}

// serving are the servers' pods by name, without those that terminate.
func (s *environment) serving(t *testing.T) map[string]corev1.Pod {
	t.Helper()
	pods := map[string]corev1.Pod{}
	for _, p := range s.installed(t) {
		if p.DeletionTimestamp == nil {
			pods[p.Name] = p
		}
	}
	return pods
}

// installed are all pods of the servers.
func (s *environment) installed(t *testing.T) []corev1.Pod {
	t.Helper()
	var list corev1.PodList
	check.Must(t, s.List(t.Context(), &list, client.InNamespace(systemNamespace)))
	return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool {
		return !slices.Contains(servers, p.Labels["app.kubernetes.io/component"])
	})
}

// replaced waits until all old pods are replaced, and returns the new ones.
func (s *environment) replaced(t *testing.T, old map[string]corev1.Pod) map[string]corev1.Pod {
	t.Helper()
	s.awaitRollout(t)
	now := s.serving(t)
	for name := range maps.Keys(old) {
		if _, there := now[name]; there {
			t.Errorf("got pod %s, want it replaced", name)
		}
	}
	return now
}

// awaitRollout waits until every server has all its pods ready, and no other.
func (s *environment) awaitRollout(t *testing.T) {
	t.Helper()
	until(t.Context(), t, "both servers are rolled out", func(ctx context.Context) (bool, error) {
		want := int32(0)
		for _, server := range servers {
			var d appsv1.Deployment
			if err := s.Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: chart.Release + "-" + server}, &d); err != nil {
				return false, err
			}
			if d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas != *d.Spec.Replicas || d.Status.ReadyReplicas != *d.Spec.Replicas {
				return false, fmt.Errorf("%s: %+v", server, d.Status)
			}
			want += *d.Spec.Replicas
		}
		there := s.installed(t)
		return len(there) == int(want), fmt.Errorf("there are %d pods, not %d", len(there), want)
	})
}
