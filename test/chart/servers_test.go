package chart_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/webhookserver"
)

// TestNoWebhookIsLost: before a pod is replaced, another is ready. The old one serves until no requests come, and has time to
// finish those that it has accepted.
func TestNoWebhookIsLost(t *testing.T) {
	for name, values := range map[string]string{
		"as it comes": "", "at least": "webhookserver: {preStopSeconds: 5}", "behind a slow load balancer": "webhookserver: {preStopSeconds: 90}",
	} {
		d := chart.Get[appsv1.Deployment](t, chart.NewHelm(t, "helm4", "").Render(values), "Deployment", "paylink-webhookserver")
		preStop := d.Spec.Template.Spec.Containers[0].Lifecycle.PreStop
		if preStop.Sleep == nil || preStop.Sleep.Seconds < 5 {
			t.Errorf("%s: got preStop %v, want a sleep of 5 s or more", name, preStop)
			continue
		}
		grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if need := time.Duration(preStop.Sleep.Seconds)*time.Second + webhookserver.DrainTimeout + 5*time.Second; grace < need {
			t.Errorf("%s: got grace period %s, want %s or more", name, grace, need)
		}
		if r := d.Spec.Strategy.RollingUpdate; r.MaxUnavailable.IntValue() != 0 || r.MaxSurge.IntValue() < 1 || *d.Spec.Replicas < 2 {
			t.Errorf("%s: got strategy %+v for %d replicas", name, r, *d.Spec.Replicas)
		}
	}
}

// TestBudgetsAndAutoscaling are for the pods of the servers, and do not contradict a Deployment.
func TestBudgetsAndAutoscaling(t *testing.T) {
	objects := chart.NewHelm(t, "helm4", "").Render("webhookserver: {autoscaling: {enabled: true}}")
	for _, server := range []string{"paylink-controller", "paylink-webhookserver"} {
		d := chart.Get[appsv1.Deployment](t, objects, "Deployment", server)
		budget := chart.Get[policyv1.PodDisruptionBudget](t, objects, "PodDisruptionBudget", server)
		for label, value := range budget.Spec.Selector.MatchLabels {
			if d.Spec.Template.Labels[label] != value {
				t.Errorf("%s: got a budget for pods with %s=%s, which its pods do not have", server, label, value)
			}
		}
	}
	scaler := chart.Get[autoscalingv2.HorizontalPodAutoscaler](t, objects, "HorizontalPodAutoscaler", "paylink-webhookserver")
	if scaler.Spec.ScaleTargetRef.Name != "paylink-webhookserver" || *scaler.Spec.MinReplicas < 2 {
		t.Errorf("got autoscaler %+v", scaler.Spec)
	}
	if d := chart.Get[appsv1.Deployment](t, objects, "Deployment", "paylink-webhookserver"); d.Spec.Replicas != nil {
		t.Errorf("got %d replicas of the Deployment, which undo the autoscaler at each upgrade", *d.Spec.Replicas)
	}
}

// TestPathsOfTheInternet: an ingress and a route forward the same paths, and none of a feature that is off.
func TestPathsOfTheInternet(t *testing.T) {
	for name, row := range map[string]struct {
		values string
		want   []string
	}{
		"all":         {"", []string{"/api/webhooks/stripe", "/api/orders/*", "/buy/*", "/dashboard/billing/*"}},
		"no checkout": {"webhookserver: {checkout: {enabled: false}}", []string{"/api/webhooks/stripe", "/api/orders/capture", "/dashboard/billing/*"}},
		"webhooks":    {"webhookserver: {checkout: {enabled: false}, returnPage: {enabled: false}}", []string{"/api/webhooks/stripe"}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := chart.NewHelm(t, "helm4", "").Render(row.values + `
ingress: {enabled: true, hosts: [shop.example.com], tls: [{hosts: [shop.example.com], secretName: shop-tls}]}
httpRoute: {enabled: true, parentRefs: [{name: public}], hostnames: [shop.example.com]}
`)
			ingress := chart.Get[networkingv1.Ingress](t, objects, "Ingress", "paylink")
			var paths []string
			for _, p := range ingress.Spec.Rules[0].HTTP.Paths {
				paths = append(paths, p.Path+map[networkingv1.PathType]string{networkingv1.PathTypePrefix: "/*"}[*p.PathType])
				if p.Backend.Service.Name != "paylink-webhookserver" || p.Backend.Service.Port.Name != "http" {
					t.Errorf("%s: got backend %+v", p.Path, p.Backend.Service)
				}
			}
			if !slices.Equal(paths, row.want) {
				t.Errorf("got paths %q of the ingress, want %q", paths, row.want)
			}
			if len(ingress.Annotations) > 0 || len(ingress.Spec.TLS) != 1 || ingress.Spec.TLS[0].SecretName != "shop-tls" {
				t.Errorf("got annotations %v and TLS %v of the ingress", ingress.Annotations, ingress.Spec.TLS)
			}
			route := chart.Get[httpRoute](t, objects, "HTTPRoute", "paylink")
			paths = nil
			for _, m := range route.Spec.Rules[0].Matches {
				paths = append(paths, m.Path.Value+map[string]string{"PathPrefix": "/*"}[m.Path.Type])
			}
			if !slices.Equal(paths, row.want) || len(route.Spec.Rules) != 1 || len(route.Spec.Rules[0].Filters) > 0 {
				t.Errorf("got paths %q of the route, want %q: %+v", paths, row.want, route.Spec.Rules)
			}
		})
	}
}

// httpRoute has the fields of an HTTPRoute that are checked.
type httpRoute struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		ParentRefs []map[string]any `json:"parentRefs"`
		Hostnames  []string         `json:"hostnames"`
		Rules      []struct {
			Matches []struct {
				Path struct {
					Type  string `json:"type"`
					Value string `json:"value"`
				} `json:"path"`
			} `json:"matches"`
			Filters     []any            `json:"filters,omitempty"`
			BackendRefs []map[string]any `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

// TestSecretsByName: each server mounts the secrets that it needs, read-only, and no others.
func TestSecretsByName(t *testing.T) {
	for name, row := range map[string]struct {
		values string
		want   map[string][]string
	}{
		"as it comes": {"", map[string][]string{"paylink-controller": nil, "paylink-webhookserver": {"paylink-webhook"}}},
		"API keys": {
			"controller: {stripeKey: {secretName: books}}\nwebhookserver: {stripeKey: {secretName: sessions}}",
			map[string][]string{"paylink-controller": {"books"}, "paylink-webhookserver": {"paylink-webhook", "sessions"}},
		},
	} {
		objects := chart.NewHelm(t, "helm4", "").Render(row.values)
		if secrets := objects.Of("Secret"); len(secrets) > 0 {
			t.Errorf("%s: got Secrets in the chart, want none", name)
		}
		for server, want := range row.want {
			pod := chart.Get[appsv1.Deployment](t, objects, "Deployment", server).Spec.Template.Spec
			var mounted []string
			for _, v := range pod.Volumes {
				mounted = append(mounted, v.Secret.SecretName)
				at := slices.IndexFunc(pod.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name && m.ReadOnly && m.SubPath == "" })
				if at < 0 {
					t.Errorf("%s: got no read-only folder of %s for %s", name, v.Name, server)
					continue
				}
				folder := pod.Containers[0].VolumeMounts[at].MountPath
				if !slices.ContainsFunc(pod.Containers[0].Args, func(arg string) bool { return strings.Contains(arg, "="+folder) }) {
					t.Errorf("%s: got flags %[4]q of %[2]s, want %[3]s in one", name, server, folder, pod.Containers[0].Args)
				}
			}
			if !slices.Equal(mounted, want) {
				t.Errorf("%s, %s: got mounts %q, want %q", name, server, mounted, want)
			}
		}
	}
}

// TestNames are no longer than Kubernetes takes, whatever the release is called.
func TestNames(t *testing.T) {
	text, err := chart.NewHelm(t, "helm4", "").Template("a-release-with-as-long-a-name-as-helm-takes-it-to-be", chart.Everything, chart.MutatingPolicies)
	if err != nil {
		t.Fatal(text)
	}
	for _, o := range chart.Parse(t, text) {
		if len(o.GetName()) > 63 {
			t.Errorf("%s %s: got %d characters, want 63 or less", o.GetKind(), o.GetName(), len(o.GetName()))
		}
	}
}
