package e2e_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// rights are the rights of each server beyond those of every ServiceAccount. Rights to objects by name are tested apart.
var rights = map[string][]string{
	"controller": {
		"create events in paylink-system",
		"create leases.coordination.k8s.io in paylink-system",
		"get leases.coordination.k8s.io in paylink-system",
		"patch events in paylink-system",
		"update leases.coordination.k8s.io in paylink-system",
		"create configmaps in paylink-system",
		"create events.events.k8s.io everywhere",
		"patch events.events.k8s.io everywhere",
		"create subjectaccessreviews.authorization.k8s.io everywhere",
		"create tokenreviews.authentication.k8s.io everywhere",
		"get orders.payments.paylink.dev everywhere",
		"list orders.payments.paylink.dev everywhere",
		"watch orders.payments.paylink.dev everywhere",
		"patch orders.payments.paylink.dev/status everywhere",
		"get paymentlinks.payments.paylink.dev everywhere",
		"list paymentlinks.payments.paylink.dev everywhere",
		"watch paymentlinks.payments.paylink.dev everywhere",
		"patch paymentlinks.payments.paylink.dev/status everywhere",
		"create stripeevents.payments.paylink.dev in paylink-system",
		"delete stripeevents.payments.paylink.dev in paylink-system",
		"get stripeevents.payments.paylink.dev in paylink-system",
		"list stripeevents.payments.paylink.dev in paylink-system",
		"watch stripeevents.payments.paylink.dev in paylink-system",
		"patch stripeevents.payments.paylink.dev/status in paylink-system",
	},
	"webhookserver": {
		"create subjectaccessreviews.authorization.k8s.io everywhere",
		"create tokenreviews.authentication.k8s.io everywhere",
		"create orders.payments.paylink.dev everywhere",
		"get orders.payments.paylink.dev everywhere",
		"list orders.payments.paylink.dev everywhere",
		"watch orders.payments.paylink.dev everywhere",
		"patch orders.payments.paylink.dev/status everywhere",
		"get paymentlinks.payments.paylink.dev everywhere",
		"list paymentlinks.payments.paylink.dev everywhere",
		"watch paymentlinks.payments.paylink.dev everywhere",
		"create stripeevents.payments.paylink.dev in paylink-system",
	},
}

// testRights reviews every verb on every resource of the cluster with each server's token, and sends requests.
func (s *environment) testRights(t *testing.T) {
	s.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "no-rights"}})
	common := s.rightsOf(t, "no-rights")
	for server, want := range rights {
		t.Run(server, func(t *testing.T) {
			account := chart.Release + "-" + server
			has := s.rightsOf(t, account)
			maps.DeleteFunc(has, func(right string, _ bool) bool { return common[right] })
			check.Equal(t, slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(has)), "the rights of %s", account)
			s.expectRights(t, account)
		})
	}
}

// rightsOf are the rights of a ServiceAccount. One in the namespace of the orders, where the installation has no role, is a
// right everywhere.
func (s *environment) rightsOf(t *testing.T, account string) map[string]bool {
	t.Helper()
	api := s.as(t, account)
	found := map[string]bool{}
	var mu sync.Mutex
	var asked sync.WaitGroup
	questions := make(chan authorizationv1.ResourceAttributes)
	for range 8 {
		asked.Go(func() {
			for q := range questions {
				if right, ok := s.ask(t, api, q); ok {
					mu.Lock()
					found[right] = true
					mu.Unlock()
				}
			}
		})
	}
	for _, q := range s.questions(t) {
		questions <- q
	}
	close(questions)
	asked.Wait()
	return found
}

// ask reviews a right in the namespace of the orders, and in the installation's.
func (s *environment) ask(t *testing.T, api kubernetes.Interface, q authorizationv1.ResourceAttributes) (right string, ok bool) {
	resource := strings.TrimSuffix(q.Resource+"."+q.Group, ".")
	if q.Subresource != "" {
		resource += "/" + q.Subresource
	}
	for _, place := range []struct{ namespace, name string }{{shopNamespace, "everywhere"}, {systemNamespace, "in " + systemNamespace}} {
		q.Namespace = place.namespace
		review, err := api.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(),
			&authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &q}}, metav1.CreateOptions{})
		if err != nil {
			t.Errorf("review %s %s: %v", q.Verb, resource, err)
			return "", false
		}
		if review.Status.Allowed {
			return q.Verb + " " + resource + " " + place.name, true
		}
	}
	return "", false
}

// questions are every verb on every resource of the cluster.
func (s *environment) questions(t *testing.T) []authorizationv1.ResourceAttributes {
	t.Helper()
	_, lists, err := discovery.ServerGroupsAndResources(s.pods.Discovery())
	check.Must(t, err)
	verbs := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate", "escalate", "bind"}
	var all []authorizationv1.ResourceAttributes
	for _, list := range lists {
		group, _, grouped := strings.Cut(list.GroupVersion, "/")
		if !grouped {
			group = ""
		}
		for i := range list.APIResources {
			resource, sub, _ := strings.Cut(list.APIResources[i].Name, "/")
			for _, verb := range verbs {
				all = append(all, authorizationv1.ResourceAttributes{Group: group, Resource: resource, Subresource: sub, Verb: verb})
			}
		}
	}
	if len(all) < 500 {
		t.Fatalf("got %d questions, want at least 500", len(all))
	}
	return all
}

// expectRights sends requests as a server that must be allowed, and that must be forbidden.
func (s *environment) expectRights(t *testing.T, account string) {
	t.Helper()
	c, err := client.New(s.configOf(t, account), client.Options{Scheme: s.Scheme()})
	check.Must(t, err)
	order := &s.orders(t)[0]
	dry := []byte(`{"status":{"conditions":[]}}`)
	if err := c.Status().Patch(t.Context(), order.DeepCopy(), client.RawPatch(types.MergePatchType, dry), client.DryRunAll); err != nil && !apierrors.IsInvalid(err) {
		t.Errorf("%s patches an order's status: got %v, want it allowed", account, err)
	}
	for name, allowed := range map[string]bool{"paylink-stripe-test": account == "paylink-controller", "any-other": false} {
		err := c.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: name}, &corev1.ConfigMap{})
		if apierrors.IsForbidden(err) == allowed {
			t.Errorf("%s reads ConfigMap %s: got %v, want it allowed: %t", account, name, err, allowed)
		}
	}
	for what, err := range map[string]error{
		"reads the Secret of the other server": c.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: "paylink-stripe"}, &corev1.Secret{}),
		"reads the Secret of its own":          c.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: "paylink-webhook"}, &corev1.Secret{}),
		"changes an order":                     c.Patch(t.Context(), order.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"spec":{"productName":"Other"}}`)), client.DryRunAll),
		"deletes an order":                     c.Delete(t.Context(), order.DeepCopy(), client.DryRunAll),
		"assigns a StripeEvent": c.Patch(t.Context(), &v1alpha1.StripeEvent{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "any"}},
			client.RawPatch(types.MergePatchType, []byte(`{"spec":{"resolution":{"acknowledged":true}}}`)), client.DryRunAll),
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s %s: got %v, want it forbidden", account, what, err)
		}
	}
}

// configOf is the client configuration of a ServiceAccount.
func (s *environment) configOf(t *testing.T, account string) *rest.Config {
	t.Helper()
	config := rest.AnonymousClientConfig(s.config)
	config.BearerToken, config.QPS = s.token(t, systemNamespace, account), -1
	return config
}

func (s *environment) as(t *testing.T, account string) kubernetes.Interface {
	t.Helper()
	api, err := kubernetes.NewForConfig(s.configOf(t, account))
	check.Must(t, err)
	return api
}

// token is a token of a ServiceAccount.
func (c *clusterUnderTest) token(t *testing.T, namespace, account string) string {
	t.Helper()
	request, err := c.pods.CoreV1().ServiceAccounts(namespace).CreateToken(context.WithoutCancel(t.Context()), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	check.Must(t, err)
	return request.Status.Token
}
