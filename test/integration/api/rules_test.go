package api_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
)

// rule is one thing that a definition demands of a field, in the words that a refusal must use.
type rule struct{ field, words string }

// TestEveryRuleHasACase: whoever adds a rule to the API adds a case that the server refuses because of it.
func TestEveryRuleHasACase(t *testing.T) {
	for kind, k := range kinds {
		tested := append(refusals(k.refusals, k.statusRefusals), revisions(k.revisions)...)
		if kind == "orders" {
			tested = append(tested, rule{"status", settledStays})
		}
		t.Run(kind, func(t *testing.T) {
			demanded := rules("", *definition(t, kind).Spec.Versions[0].Schema.OpenAPIV3Schema)
			if len(demanded) < 20 {
				t.Fatalf("only %d rules found", len(demanded))
			}
			for _, r := range demanded {
				if r.words == "" {
					t.Errorf("%s: a rule does not say what to write instead", r.field)
				}
				if !slices.ContainsFunc(tested, func(c rule) bool {
					return c.field == r.field && (strings.Contains(r.words, c.words) || strings.Contains(c.words, r.words))
				}) {
					t.Errorf("no case is refused because of %s: %s", r.field, r.words)
				}
			}
		})
	}
}

func definition(t *testing.T, plural string) apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	checkout, err := cluster.Repository(t.Context())
	check.Must(t, err)
	content, err := os.ReadFile(filepath.Join(checkout, cluster.CRDs, "payments.paylink.dev_"+plural+".yaml"))
	check.Must(t, err)
	var crd apiextensionsv1.CustomResourceDefinition
	check.Must(t, yaml.UnmarshalStrict(content, &crd))
	return crd
}

var index = regexp.MustCompile(`\[\d+\]`)

func refusals(tables ...map[string]refusal) (tested []rule) {
	for _, table := range tables {
		for _, row := range table {
			tested = append(tested, rule{index.ReplaceAllString(row.field, "[]"), row.says})
		}
	}
	return tested
}

func revisions(table map[string]revision) (tested []rule) {
	for _, row := range table {
		if row.field != "" {
			tested = append(tested, rule{row.field, row.says})
		}
	}
	return tested
}

// rules lists what a schema demands. Conditions are Kubernetes' own: what is inside one is not looked at.
func rules(at string, s apiextensionsv1.JSONSchemaProps) (demanded []rule) {
	demand := func(field, format string, args ...any) {
		demanded = append(demanded, rule{strings.TrimPrefix(field, "."), fmt.Sprintf(format, args...)})
	}
	if s.MaxLength != nil {
		demand(at, "may not be more than %d", *s.MaxLength)
	}
	if s.MinLength != nil {
		demand(at, "at least %d chars long", *s.MinLength)
	}
	if s.Minimum != nil {
		demand(at, "greater than or equal to %.0f", *s.Minimum)
	}
	if s.Maximum != nil {
		demand(at, "less than or equal to %.0f", *s.Maximum)
	}
	if s.MaxItems != nil {
		demand(at, "must have at most %d items", *s.MaxItems)
	}
	if s.Pattern != "" {
		demand(at, "a pattern, which cannot say what to write instead: write a CEL rule with a message")
	}
	if s.Format == "date-time" {
		demand(at, "date-time")
	}
	if len(s.Enum) > 0 {
		demand(at, "supported values")
	}
	if s.XListType != nil && *s.XListType == "map" {
		demand(at+"[]", "Duplicate")
	}
	for _, name := range s.Required {
		demand(at+"."+name, "Required")
	}
	for _, v := range s.XValidations {
		if v.Rule == "self == oldSelf" && len(s.Enum) == 1 {
			continue // there is no other value that could be tried
		}
		demand(cmp.Or(at+v.FieldPath, "<nil>"), "%s", v.Message) // as the server calls the object itself
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		demanded = append(demanded, rules(at+"."+name, s.Properties[name])...)
	}
	if s.Items != nil && s.Items.Schema != nil && !strings.HasSuffix(at, ".conditions") {
		demanded = append(demanded, rules(at+"[]", *s.Items.Schema)...)
	}
	return demanded
}

// TestNamesOfKinds holds what users type and what other programs look for.
func TestNamesOfKinds(t *testing.T) {
	for plural, short := range map[string][]string{"orders": {"payorder"}, "paymentlinks": nil, "stripeevents": {"stripeevent"}} {
		crd := definition(t, plural)
		names := crd.Spec.Names
		if crd.Spec.Group != "payments.paylink.dev" || crd.Spec.Versions[0].Name != "v1alpha1" || crd.Spec.Scope != apiextensionsv1.NamespaceScoped {
			t.Errorf("%s: group %s, version %s, scope %s", plural, crd.Spec.Group, crd.Spec.Versions[0].Name, crd.Spec.Scope)
		}
		if !slices.Equal(names.ShortNames, short) || !slices.Equal(names.Categories, []string{"paylink"}) {
			t.Errorf("%s: short names %v, categories %v", plural, names.ShortNames, names.Categories)
		}
	}
}
