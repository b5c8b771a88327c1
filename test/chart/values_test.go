package chart_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// TestValuesRefused: a wrong value is an error, and not ignored.
func TestValuesRefused(t *testing.T) {
	for name, row := range map[string]struct{ values, want string }{
		"an unknown value":         {"webhookSecrets: {name: x}", "webhookSecrets"},
		"a typing error within":    {"controller: {backfil: {period: 1m}}", "backfil"},
		"a secret":                 {"webhookSecret: {value: whsec_1}", "value"},
		"no webhook secret":        {`webhookSecret: {name: ""}`, "name"},
		"a duration without unit":  {"controller: {backfill: {period: 300}}", "period"},
		"a duration in days":       {"controller: {reconciliation: {period: 1d}}", "period"},
		"a word for a number":      {"webhookserver: {replicas: two}", "replicas"},
		"an address without http":  {"appURL: shop.example.com", "appURL"},
		"namespaces in one word":   {"watchNamespaces: shop,other", "watchNamespaces"},
		"a namespace twice":        {"watchNamespaces: [shop, shop]", "watchNamespaces"},
		"no name of a namespace":   {"watchNamespaces: [Shop]", "watchNamespaces"},
		"no level":                 {"logLevel: verbose", "logLevel"},
		"too little time to stop":  {"webhookserver: {preStopSeconds: 1}", "preStopSeconds"},
		"no flag":                  {"controller: {extraArgs: [leader-elect]}", "extraArgs"},
		"an address for a host":    {"ingress: {hosts: [https://shop.example.com]}", "hosts"},
		"an ingress without hosts": {"ingress: {enabled: true}", "ingress.hosts is empty"},
		"a route without gateway":  {"httpRoute: {enabled: true}", "httpRoute.parentRefs is empty"},
		"an endpoint nobody makes": {"controller: {webhookEndpoint: {manage: true}}", "webhookEndpoint.manage needs appURL"},
		"a word for yes or no":     {"untrackedOrders: never", "untrackedOrders"},
		"a digest that is none":    {"image: {digest: latest}", "digest"},
		"a group that is null":     {"controller: {stripeKey: null}", "stripeKey"},
		"fewer pods than fewest":   {"webhookserver: {autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 2}}", "minReplicas is more than maxReplicas"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, version := range chart.Versions() {
				out, err := chart.NewHelm(t, version, "").Template(chart.Release, row.values)
				if err == nil || !strings.Contains(out, row.want) {
					t.Errorf("%s: got %v, %q, want an error with %q", version, err, out, row.want)
				}
			}
		})
	}
}

// TestListsAreNull: that is how Helm's values are taken back, and it means none.
func TestListsAreNull(t *testing.T) {
	objects := chart.NewHelm(t, "helm4", "").Render(`
watchNamespaces: null
ingress: {hosts: null}
httpRoute: {hostnames: null}
networkPolicy: {enabled: true, egressPorts: null, extraEgress: [{ports: [{port: 8443}]}]}`)
	for _, o := range objects.Of("NetworkPolicy") {
		egress := chart.As[networkingv1.NetworkPolicy](t, o).Spec.Egress
		if len(egress) != 2 || slices.ContainsFunc(egress, func(rule networkingv1.NetworkPolicyEgressRule) bool { return len(rule.Ports) == 0 }) {
			t.Errorf("%s: got egress %+v", o.GetName(), egress)
		}
	}
}

// TestWithinAnotherChart: Helm gives a chart within another one the values global and, as a condition, enabled.
func TestWithinAnotherChart(t *testing.T) {
	if out, err := chart.NewHelm(t, "helm4", "").Template(chart.Release, "global: {registry: x}\nenabled: true"); err != nil {
		t.Error(out)
	}
}

// schema has the fields of values.schema.json that are compared.
type schema struct {
	Ref                  string            `json:"$ref"`
	Defs                 map[string]schema `json:"$defs"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties json.RawMessage   `json:"additionalProperties"`
	Description          string            `json:"description"`
}

// TestSchemaAndValues name the same values, and the schema takes no others.
func TestSchemaAndValues(t *testing.T) {
	var root schema
	check.Must(t, json.Unmarshal([]byte(chart.Read(t, "charts/paylink/values.schema.json")), &root))
	var values map[string]any
	check.Must(t, yaml.Unmarshal([]byte(chart.Read(t, "charts/paylink/values.yaml")), &values))
	values["global"], values["enabled"] = map[string]any{}, true
	var compare func(path string, s schema, value any)
	compare = func(path string, s schema, value any) {
		if s.Ref != "" {
			s = root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		}
		if s.Properties == nil {
			return // it is no group of values
		}
		if string(s.AdditionalProperties) != "false" {
			t.Errorf("%s: got a schema that accepts other values", path)
		}
		group, ok := value.(map[string]any)
		known, there := slices.Sorted(maps.Keys(s.Properties)), slices.Sorted(maps.Keys(group))
		if !ok || !slices.Equal(known, there) {
			t.Errorf("%s: got values %q in the schema, want %q of values.yaml", path, known, there)
		}
		for name, property := range s.Properties {
			compare(path+"."+name, property, group[name])
		}
	}
	compare("", root, values)
}

// TestEveryValueIsUsed by a template.
func TestEveryValueIsUsed(t *testing.T) {
	var templates strings.Builder
	err := filepath.WalkDir(chart.Path(t, "charts/paylink/templates"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		templates.Write(content)
		return err
	})
	check.Must(t, err)
	var values map[string]any
	check.Must(t, yaml.Unmarshal([]byte(chart.Read(t, "charts/paylink/values.yaml")), &values))
	whole := []string{"resources", "podSecurityContext", "securityContext"} // handed on as they are
	var look func(path, name string, value any)
	look = func(path, name string, value any) {
		if name != "" && !regexp.MustCompile(`\.`+name+`\b`).MatchString(templates.String()) {
			t.Errorf("%s: got no use in a template", path)
		}
		if group, ok := value.(map[string]any); ok && !slices.Contains(whole, name) {
			for name, value := range group {
				look(path+"."+name, name, value)
			}
		}
	}
	look("", "", values)
}

// TestEverythingChanges: each value of the matrix's everything differs from the default, so that each is tried.
func TestEverythingChanges(t *testing.T) {
	var before, after map[string]any
	check.Must(t, yaml.Unmarshal([]byte(chart.Read(t, "charts/paylink/values.yaml")), &before))
	if err := yaml.Unmarshal([]byte(chart.Everything), &after); err != nil {
		t.Fatal(err)
	}
	// What would turn something off, or name nothing else; TestNames and the rest of the matrix have these.
	left := []string{
		".watchNamespaces", ".nameOverride", ".fullnameOverride", ".crds.install", ".rbac", ".untrackedOrders", ".securityContext",
		".metrics.enabled", ".metrics.secure",
		".controller.serviceAccount.create", ".controller.serviceAccount.name", ".webhookserver.serviceAccount.create",
		".controller.podDisruptionBudget.enabled", ".webhookserver.podDisruptionBudget.enabled", ".webhookserver.checkout.enabled", ".webhookserver.returnPage",
		".podSecurityContext.runAsNonRoot", ".podSecurityContext.seccompProfile",
	}
	var look func(path string, before, after any)
	look = func(path string, before, after any) {
		group, ok := before.(map[string]any)
		if slices.Contains(left, path) {
			return
		}
		if other, _ := after.(map[string]any); ok && len(group) > 0 && other != nil {
			for name := range group {
				look(path+"."+name, group[name], other[name])
			}
			return
		}
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(after)
		if string(a) == string(b) || (after == nil && !strings.HasPrefix(path, ".podSecurityContext.")) {
			t.Errorf("%s: got the default, want another value", path)
		}
	}
	look("", before, after)
}
