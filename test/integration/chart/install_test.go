package chart_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// TestInstalled installs a release, runs helm test, upgrades and uninstalls it, which keeps the orders.
func TestInstalled(t *testing.T) {
	for _, row := range []struct{ name, version, namespace, values string }{
		{"everywhere", "helm3", "sales-everywhere", "rbac: {aggregateClusterRoles: true}"},
		{"in two namespaces", "helm4", "sales-narrow", "watchNamespaces: [shop, other-shop]\npriorityAndFairness: {enabled: true}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			release := &release{t: t, helm: chart.NewHelm(t, row.version, shared.Kubeconfig()), namespace: row.namespace}
			release.install(row.values)
			release.createSecret()
			release.awaitUntracked(strings.Contains(row.values, "watchNamespaces"))

			controller := start(t, release.deployment("controller"))
			webhookserver := start(t, release.deployment("webhookserver"))
			release.helmTest(webhookserver)
			release.scrape(controller)
			release.scrape(webhookserver)

			if strings.Contains(row.values, "priorityAndFairness") {
				release.expectPriority()
			}
			release.upgrade(row.values)
			order := release.createOrder()
			webhookserver.stop()
			controller.stop()
			release.uninstall(order)
		})
	}
}

// release is an installed chart.
type release struct {
	t         *testing.T
	helm      *chart.Helm
	namespace string
}

func (r *release) install(values string) {
	r.t.Helper()
	// The second release finds the CRDs of the first one.
	out := r.helm.Must("install", chart.Release, chart.Path(r.t, "charts/paylink"), "--namespace="+r.namespace, "--create-namespace", "--take-ownership", "--values="+chart.Values(r.t, values))
	check.Contains(r.t, out, "/api/webhooks/stripe", "kubectl create secret generic paylink-webhook -n "+r.namespace, "helm test paylink -n "+r.namespace)
}

// createSecret stores the signing secrets.
func (r *release) createSecret() {
	r.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "paylink-webhook"}, StringData: map[string]string{"first": "whsec_first", "second": "whsec_second"}}
	check.Must(r.t, admin.Create(r.t.Context(), secret))
}

func (r *release) deployment(server string) *appsv1.Deployment {
	r.t.Helper()
	var d appsv1.Deployment
	check.Must(r.t, admin.Get(r.t.Context(), client.ObjectKey{Namespace: r.namespace, Name: chart.Release + "-" + server}, &d))
	return &d
}

// helmTest runs helm test, which must leave no order.
func (r *release) helmTest(webhookserver *server) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	var kubelet sync.WaitGroup
	found := services(r.t, r.namespace, webhookserver)
	kubelet.Go(func() { runTests(ctx, r.t, r.namespace, found) })
	out := r.helm.Must("test", chart.Release, "--namespace="+r.namespace, "--timeout=90s")
	cancel()
	kubelet.Wait()
	if !strings.Contains(out, "Succeeded") {
		r.t.Errorf("got from helm test %s, want Succeeded", out)
	}
	var orders v1alpha1.OrderList
	if err := admin.List(r.t.Context(), &orders); err != nil || len(orders.Items) > 0 {
		r.t.Errorf("got %d orders after helm test, %v, want 0", len(orders.Items), err)
	}
}

// awaitUntracked waits until orders have no managedFields in the namespaces that the release serves, and have them elsewhere.
func (r *release) awaitUntracked(narrow bool) {
	r.t.Helper()
	tracked := map[string]bool{}
	err := wait.PollUntilContextTimeout(r.t.Context(), 100*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		for _, namespace := range []string{"shop", "default"} {
			order := r.order(namespace)
			if err := admin.Create(ctx, order, client.DryRunAll); apierrors.IsServiceUnavailable(err) {
				return false, nil // the API server does not have the schema yet
			} else if err != nil {
				return false, err
			}
			tracked[namespace] = len(order.ManagedFields) > 0
		}
		return !tracked["shop"] && tracked["default"] == narrow, nil
	})
	if err != nil {
		r.t.Errorf("got managedFields in the namespaces %v, %v", tracked, err)
	}
}

// scrape reads a server's metrics, as an account with the right to, and as another.
func (r *release) scrape(s *server) {
	r.t.Helper()
	unverified := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // its certificate is its own
	for account, want := range map[string]int{"prometheus-" + s.name: http.StatusOK, "other-" + s.name: http.StatusForbidden} {
		check.Must(r.t, admin.Create(r.t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: account}}))
		if want == http.StatusOK {
			err := admin.Create(r.t.Context(), &rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: r.namespace + "-" + account},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: chart.Release + "-metrics-reader"},
				Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: r.namespace, Name: account}},
			})
			check.Must(r.t, err)
		}
		if status, err := get(r.t.Context(), unverified, "https://"+s.metrics+"/metrics", token(r.t, r.namespace, account)); err != nil || status != want {
			r.t.Errorf("%s: got status %d, %v of the metrics of %s, want %d", account, status, err, s.name, want)
		}
	}
}

// expectPriority checks that the API server gives the webhook server's requests, and no others, a priority level of their own.
func (r *release) expectPriority() {
	r.t.Helper()
	var level flowcontrolv1.PriorityLevelConfiguration
	check.Must(r.t, admin.Get(r.t.Context(), client.ObjectKey{Name: chart.Release + "-webhookserver"}, &level))
	api, err := rest.HTTPClientFor(rest.AnonymousClientConfig(shared.Config()))
	check.Must(r.t, err)
	defer api.CloseIdleConnections()
	levelOf := func(ctx context.Context, account string) string {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, shared.Config().Host+"/apis/"+v1alpha1.GroupVersion.String()+"/namespaces/shop/orders", nil)
		check.Must(r.t, err)
		request.Header.Set("Authorization", "Bearer "+token(r.t, r.namespace, account))
		answer, err := api.Do(request)
		check.Must(r.t, err)
		_ = answer.Body.Close()
		return answer.Header.Get(flowcontrolv1.ResponseHeaderMatchedPriorityLevelConfigurationUID)
	}
	err = wait.PollUntilContextTimeout(r.t.Context(), 100*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		return levelOf(ctx, chart.Release+"-webhookserver") == string(level.UID), nil
	})
	if err != nil {
		r.t.Errorf("the webhook server's requests have another priority level: %v", err)
	}
	if levelOf(r.t.Context(), chart.Release+"-controller") == string(level.UID) {
		r.t.Error("the controller's requests have the webhook server's priority level")
	}
}

func (r *release) upgrade(values string) {
	r.t.Helper()
	r.helm.Must("upgrade", chart.Release, chart.Path(r.t, "charts/paylink"), "--namespace="+r.namespace, "--values="+chart.Values(r.t, values+"\nlogLevel: debug"))
	if args := strings.Join(r.deployment("controller").Spec.Template.Spec.Containers[0].Args, " "); !strings.Contains(args, "--zap-log-level=debug") {
		r.t.Errorf("got the arguments %s after the upgrade, want the debug level", args)
	}
}

func (r *release) order(namespace string) *v1alpha1.Order {
	return &v1alpha1.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: r.namespace},
		Spec:       v1alpha1.OrderSpec{ProductID: "lifetime", Amount: 100, Currency: "USD", Livemode: ptr.To(false), PaymentLinkURL: "https://buy.stripe.com/test_1"},
	}
}

// createOrder creates an order.
func (r *release) createOrder() *v1alpha1.Order {
	r.t.Helper()
	order := r.order("shop")
	check.Must(r.t, admin.Create(r.t.Context(), order))
	return order
}

// uninstall removes the release. It keeps the CRDs and the orders.
func (r *release) uninstall(order *v1alpha1.Order) {
	r.t.Helper()
	r.helm.Must("uninstall", chart.Release, "--namespace="+r.namespace)
	var d appsv1.DeploymentList
	if err := admin.List(r.t.Context(), &d, client.InNamespace(r.namespace)); err != nil || len(d.Items) > 0 {
		r.t.Errorf("got %d Deployments, %v, want 0", len(d.Items), err)
	}
	var p admissionv1.MutatingAdmissionPolicyList
	if err := admin.List(r.t.Context(), &p); err != nil || len(p.Items) > 0 {
		r.t.Errorf("got %d policies, %v, want 0", len(p.Items), err)
	}
	if err := admin.Get(r.t.Context(), client.ObjectKeyFromObject(order), order); err != nil {
		r.t.Errorf("got no order: %v", err)
	}
	check.Must(r.t, admin.Delete(r.t.Context(), order))
}
