package chart_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// rights are single ones: verb, API group, resource and, where there is one, name.
type rights map[string]bool

func (r rights) add(rules []rbacv1.PolicyRule) {
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, name := range append(slices.Clone(rule.ResourceNames), "")[:max(1, len(rule.ResourceNames))] {
						r[strings.TrimSuffix(fmt.Sprintf("%s %s.%s %s", verb, resource, group, name), " ")] = true
					}
				}
			}
			for _, url := range rule.NonResourceURLs {
				r[verb+" "+url] = true
			}
		}
	}
}

func (r rights) that(is func(string) bool) []string {
	var found []string
	for _, right := range slices.Sorted(maps.Keys(r)) {
		if is(right) {
			found = append(found, right)
		}
	}
	return found
}

func all(string) bool { return true }

// granted are the rights of a ServiceAccount by where it has them; "" is everywhere.
func granted(t *testing.T, objects chart.Objects, account string) map[string]rights {
	t.Helper()
	found := map[string]rights{}
	for _, kind := range []string{"ClusterRoleBinding", "RoleBinding"} {
		for _, o := range objects.Of(kind) {
			binding := chart.As[rbacv1.RoleBinding](t, o) // of one shape
			if len(binding.Subjects) != 1 || binding.Subjects[0].Name != account || binding.Subjects[0].Namespace != chart.Namespace {
				continue
			}
			if found[binding.Namespace] == nil {
				found[binding.Namespace] = rights{}
			}
			for _, o := range objects.Of(binding.RoleRef.Kind) {
				if o.GetName() == binding.RoleRef.Name && o.GetNamespace() == binding.Namespace {
					found[binding.Namespace].add(chart.As[rbacv1.Role](t, o).Rules)
				}
			}
		}
	}
	return found
}

// fromConfig are the rights in the roles of config/rbac.
func fromConfig(t *testing.T, files ...string) rights {
	t.Helper()
	r := rights{}
	for _, file := range files {
		var role rbacv1.ClusterRole
		check.Must(t, yaml.Unmarshal([]byte(chart.Read(t, "config/rbac", file)), &role))
		r.add(role.Rules)
	}
	return r
}

// TestRightOnTheWebhookSecret is for the one Secret that the servers share, and only where the controller makes the endpoint.
func TestRightOnTheWebhookSecret(t *testing.T) {
	onSecrets := func(right string) bool { return strings.Contains(right, "secrets") }
	for values, want := range map[string][]string{
		"appURL: https://shop.example.com": nil,
		"appURL: https://shop.example.com\nwebhookSecret: {name: signing}\ncontroller: {webhookEndpoint: {manage: true}, stripeKey: {secretName: books}}": {
			"create secrets.", "get secrets. signing", "patch secrets. signing",
		},
	} {
		objects := chart.NewHelm(t, "helm4", "").Render(values)
		if has := granted(t, objects, "paylink-controller")[chart.Namespace].that(onSecrets); !slices.Equal(has, want) {
			t.Errorf("%s: got rights %q of the controller, want %q", values, has, want)
		}
		if has := granted(t, objects, "paylink-webhookserver")[chart.Namespace].that(onSecrets); len(has) > 0 {
			t.Errorf("%s: got rights %q of the webhook server, want none", values, has)
		}
	}
}

const withKey = "\ncontroller: {stripeKey: {secretName: books}}"

// TestRightsAreThoseOfConfig: no more, and no fewer, cluster-wide or not.
func TestRightsAreThoseOfConfig(t *testing.T) {
	for server, files := range map[string][]string{
		"controller":    {"controller/role.yaml", "controller/leader_election_role.yaml", "controller/stripe_state_role.yaml"},
		"webhookserver": {"webhookserver/role.yaml", "webhookserver/checkout_role.yaml"},
	} {
		want := fromConfig(t, files...)
		for name, values := range map[string]string{
			"everywhere": "", "two namespaces": "watchNamespaces: [shop, other-shop]", "its own": "watchNamespaces: [shop, paylink-system]",
		} {
			has := rights{}
			for _, there := range granted(t, chart.NewHelm(t, "helm4", "").Render(values+withKey), "paylink-"+server) {
				maps.Copy(has, there)
			}
			if diff := cmp.Diff(want, has); diff != "" {
				t.Errorf("%s, %s: %s", server, name, diff)
			}
		}
	}
}

// TestRightsAreNarrow: rights for one namespace are granted only there.
func TestRightsAreNarrow(t *testing.T) {
	reviews := []string{"create subjectaccessreviews.authorization.k8s.io", "create tokenreviews.authentication.k8s.io"}
	mine := func(right string) bool {
		return strings.Contains(right, "stripeevents") || strings.Contains(right, "leases") || strings.Contains(right, "configmaps")
	}
	for name, row := range map[string]struct {
		values string
		places []string
		sales  []string // the namespaces with rights on orders
	}{
		"everywhere":     {"", []string{"", "paylink-system"}, []string{""}},
		"two namespaces": {"watchNamespaces: [shop, other-shop]", []string{"", "other-shop", "paylink-system", "shop"}, []string{"other-shop", "shop"}},
		"its own":        {"watchNamespaces: [shop, paylink-system]", []string{"", "paylink-system", "shop"}, []string{"paylink-system", "shop"}},
	} {
		for _, server := range []string{"paylink-controller", "paylink-webhookserver"} {
			has := granted(t, chart.NewHelm(t, "helm4", "").Render(row.values+withKey), server)
			if places := slices.Sorted(maps.Keys(has)); !slices.Equal(places, row.places) {
				t.Errorf("%s, %s: got rights in %q, want %q", name, server, places, row.places)
			}
			var sales []string
			for _, place := range slices.Sorted(maps.Keys(has)) {
				if place != chart.Namespace && len(has[place].that(mine)) > 0 {
					t.Errorf("%s, %s: got rights %[4]q in %[3]q, want none", name, server, place, has[place].that(mine))
				}
				if has[place]["list orders.payments.paylink.dev"] {
					sales = append(sales, place)
				}
			}
			if !slices.Equal(sales, row.sales) {
				t.Errorf("%s, %s: got orders of %q, want %q", name, server, sales, row.sales)
			}
			if len(row.sales) > 1 && !slices.Equal(has[""].that(all), reviews) {
				t.Errorf("%s, %s: got rights %q everywhere, want %q", name, server, has[""].that(all), reviews)
			}
		}
	}
}

// TestRightsOfWhatIsOff: features that are off have no rights.
func TestRightsOfWhatIsOff(t *testing.T) {
	objects := chart.NewHelm(t, "helm4", "").Render("webhookserver: {checkout: {enabled: false}}\nmetrics: {enabled: false}")
	for _, server := range []string{"paylink-controller", "paylink-webhookserver"} {
		for place, has := range granted(t, objects, server) {
			unwanted := has.that(func(right string) bool {
				return strings.Contains(right, "reviews") || strings.Contains(right, "configmaps") || right == "create orders.payments.paylink.dev"
			})
			if len(unwanted) > 0 {
				t.Errorf("%s: got rights %q in %q, want none", server, unwanted, place)
			}
		}
	}
	if all := chart.NewHelm(t, "helm4", "").Render("rbac: {create: false, aggregateClusterRoles: false}"); len(all.Of("ClusterRole"))+len(all.Of("ClusterRoleBinding"))+len(all.Of("RoleBinding")) != 1 {
		t.Error("got other rights than helm test's with rbac.create=false")
	}
}

// TestRightsOfPeople: no role of people can write a status, or create StripeEvents.
func TestRightsOfPeople(t *testing.T) {
	objects := chart.NewHelm(t, "helm4", "").Render("")
	for role, row := range map[string]struct {
		file string
		to   []string
	}{
		"view":  {"users/viewer_role.yaml", []string{"view", "edit", "admin"}},
		"edit":  {"users/editor_role.yaml", []string{"edit", "admin"}},
		"admin": {"users/admin_role.yaml", []string{"admin"}},
	} {
		r := chart.Get[rbacv1.ClusterRole](t, objects, "ClusterRole", "paylink-"+role)
		has := rights{}
		has.add(r.Rules)
		if diff := cmp.Diff(fromConfig(t, row.file), has); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
		if bad := has.that(func(right string) bool {
			return strings.Contains(right, "/status") || right == "create stripeevents.payments.paylink.dev" || strings.Contains(right, "*")
		}); len(bad) > 0 {
			t.Errorf("%s: got rights %q, want none", role, bad)
		}
		for _, to := range []string{"view", "edit", "admin"} {
			if added := r.Labels["rbac.authorization.k8s.io/aggregate-to-"+to] == "true"; added != slices.Contains(row.to, to) {
				t.Errorf("%s aggregated to %s: got %t, want %t", role, to, added, !added)
			}
		}
	}
}

// TestCRDs are config's, and stay when the release goes.
func TestCRDs(t *testing.T) {
	for _, name := range []string{"orders", "paymentlinks", "stripeevents"} {
		var want apiextensionsv1.CustomResourceDefinition
		check.Must(t, yaml.Unmarshal([]byte(chart.Read(t, "config/crd/bases/payments.paylink.dev_"+name+".yaml")), &want))
		for keep, annotation := range map[string]string{"true": "keep", "false": ""} {
			objects := chart.NewHelm(t, "helm4", "").Render("crds: {keep: " + keep + "}")
			got := chart.Get[apiextensionsv1.CustomResourceDefinition](t, objects, "CustomResourceDefinition", name+".payments.paylink.dev")
			if diff := cmp.Diff(want.Spec, got.Spec); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if got.Annotations["helm.sh/resource-policy"] != annotation {
				t.Errorf("%s, keep %s: its annotations are %v", name, keep, got.Annotations)
			}
			for k, v := range want.Annotations {
				if got.Annotations[k] != v {
					t.Errorf("%s: its annotations are %v", name, got.Annotations)
				}
			}
		}
	}
	if left := chart.NewHelm(t, "helm4", "").Render("crds: {install: false}").Of("CustomResourceDefinition"); len(left) > 0 {
		t.Errorf("got %d CRDs with crds.install=false, want none", len(left))
	}
}
