package compatibility_test

import (
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"

	"github.com/paylink-dev/paylink/test/compatibility"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

type (
	definition = apiextensionsv1.CustomResourceDefinition
	version    = apiextensionsv1.CustomResourceDefinitionVersion
	schema     = apiextensionsv1.JSONSchemaProps
	change     = func(*definition)
)

// at changes one place of the schema, such as spec.amount. [] stands for the items of a list.
func at(path string, change func(*schema)) change {
	return func(d *definition) { edit(d.Spec.Versions[0].Schema.OpenAPIV3Schema, strings.Split(path, "."), change) }
}

func edit(s *schema, path []string, change func(*schema)) {
	if len(path) == 0 {
		change(s)
		return
	}
	if path[0] == "[]" {
		edit(s.Items.Schema, path[1:], change)
		return
	}
	field, ok := s.Properties[path[0]]
	if !ok {
		panic("there is no field " + path[0])
	}
	edit(&field, path[1:], change)
	s.Properties[path[0]] = field
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return n == name })
}

func value(text string) apiextensionsv1.JSON { return apiextensionsv1.JSON{Raw: []byte(text)} }

// row is a change of the definition of orders as it is.
type row struct {
	change change
	want   string // the line that is printed has it; empty: none is
	before change // made to what is compared with, for what the definition has none of
}

func (r row) run(t *testing.T) {
	before := fakeapi.CRD(t, "orders").DeepCopy()
	if r.before != nil {
		r.before(before)
	}
	after := before.DeepCopy()
	r.change(after)
	switch got := compatibility.Breaks([]*definition{before}, []*definition{after}); {
	case r.want == "" && len(got) > 0:
		t.Errorf("refused: %s", strings.Join(got, "\n"))
	case r.want != "" && (len(got) != 1 || !strings.Contains(got[0], r.want)):
		t.Errorf("want one line with %q, got %q", r.want, got)
	}
}

func TestFields(t *testing.T) {
	for name, r := range map[string]row{
		"nothing":                     {change: func(*definition) {}},
		"a field removed":             {change: at("spec", func(s *schema) { delete(s.Properties, "customerId") }), want: "orders.payments.paylink.dev v1alpha1: .spec.customerId: the field is gone"},
		"a field of a list's removed": {change: at("status.payments.[]", func(s *schema) { delete(s.Properties, "paidAt") }), want: ".status.payments[].paidAt: the field is gone"},
		"a field renamed": {change: at("spec", func(s *schema) {
			s.Properties["buyer"] = s.Properties["customerId"]
			delete(s.Properties, "customerId")
		}), want: ".spec.customerId: the field is gone"},
		"an optional field added": {change: at("spec", func(s *schema) { s.Properties["note"] = schema{Type: "string", MaxLength: ptr.To[int64](9)} })},
		"a fact added":            {change: at("status.payments.[]", func(s *schema) { s.Properties["fee"] = schema{Type: "integer"} })},
		"a required field added": {change: at("spec", func(s *schema) {
			s.Properties["note"] = schema{Type: "string"}
			s.Required = append(s.Required, "note")
		}), want: ".spec: note is required now"},
		"a required field with a default added": {change: at("spec", func(s *schema) {
			s.Properties["note"] = schema{Type: "string", Default: ptr.To(value(`"none"`))}
			s.Required = append(s.Required, "note")
		})},
		"a field made required":    {change: at("spec", func(s *schema) { s.Required = append(s.Required, "customerId") }), want: ".spec: customerId is required now"},
		"a field made optional":    {change: at("spec", func(s *schema) { s.Required = without(s.Required, "productId") })},
		"a field described":        {change: at("spec.amount", func(s *schema) { s.Description = "What it costs." })},
		"another type":             {change: at("spec.amount", func(s *schema) { s.Type = "string" }), want: `.spec.amount: its type was "integer" and is "string"`},
		"another format":           {change: at("spec.amount", func(s *schema) { s.Format = "int32" }), want: `its format was "int64" and is "int32"`},
		"another key of a list":    {change: at("status.payments", func(s *schema) { s.XListMapKeys = []string{"outcome"} }), want: `its x-kubernetes-list-map-keys was "sessionId" and is "outcome"`},
		"a list is replaced whole": {change: at("status.payments", func(s *schema) { s.XListType = ptr.To("atomic") }), want: `its x-kubernetes-list-type was "map" and is "atomic"`},
		"another default":          {change: at("spec.livemode", func(s *schema) { s.Default = ptr.To(value("false")) }), want: "its default was true and is false"},
		"a default added later":    {change: at("spec.customerId", func(s *schema) { s.Default = ptr.To(value(`"-"`)) }), want: `its default was none and is "-"`},
		"a default removed":        {change: at("status", func(s *schema) { s.Default = nil }), want: `.status: its default was {"phase":"Pending"} and is none`},
		"unknown fields kept":      {change: at("spec", func(s *schema) { s.XPreserveUnknownFields = ptr.To(true) })},
		"unknown fields dropped": {
			before: at("spec", func(s *schema) { s.XPreserveUnknownFields = ptr.To(true) }),
			change: at("spec", func(s *schema) { s.XPreserveUnknownFields = nil }), want: ".spec: whatever was written in it was kept",
		},
		"a map's values narrowed": {
			before: at("spec", func(s *schema) {
				s.Properties["tags"] = schema{Type: "object", AdditionalProperties: &apiextensionsv1.JSONSchemaPropsOrBool{Allows: true, Schema: &schema{Type: "string"}}}
			}),
			change: at("spec.tags", func(s *schema) { s.AdditionalProperties.Schema.MaxLength = ptr.To[int64](9) }), want: ".spec.tags[*]: it had no maxLength",
		},
		"a keyword that the check does not know": {change: at("spec.amount", func(s *schema) { s.MultipleOf = ptr.To(5.0) }), want: ".spec.amount: it differs in something"},
	} {
		t.Run(name, r.run)
	}
}

func TestValues(t *testing.T) {
	enum := func(values ...string) func(*schema) {
		return func(s *schema) {
			s.Enum = nil
			for _, v := range values {
				s.Enum = append(s.Enum, value(v))
			}
		}
	}
	rule := func(text string) func(*schema) {
		return func(s *schema) {
			s.XValidations = append(s.XValidations, apiextensionsv1.ValidationRule{Rule: text, Message: "no"})
		}
	}
	for name, r := range map[string]row{
		"a value removed":           {change: at("status.phase", enum(`"Pending"`, `"Paid"`, `"Failed"`)), want: `.status.phase: it can no longer be "Refunded"`},
		"a value added":             {change: at("spec.provider", enum(`"stripe"`, `"bank"`))},
		"a phase added":             {change: at("status.phase", enum(`"Pending"`, `"Paid"`, `"Failed"`, `"Refunded"`, `"Disputed"`)), want: `it can be "Disputed" now, which shops do not know`},
		"a free value":              {change: at("spec.provider", enum())},
		"a free phase":              {change: at("status.phase", enum()), want: "shops know these alone"},
		"values for what was free":  {change: at("spec.customerId", enum(`"a"`, `"b"`)), want: `it was free, and is one of "a", "b"`},
		"null":                      {change: at("spec.customerId", func(s *schema) { s.Nullable = true })},
		"no more null":              {before: at("spec.customerId", func(s *schema) { s.Nullable = true }), change: at("spec.customerId", func(s *schema) { s.Nullable = false }), want: "it can no longer be null"},
		"a longer text":             {change: at("spec.customerId", func(s *schema) { s.MaxLength = ptr.To[int64](201) })},
		"a shorter text":            {change: at("spec.customerId", func(s *schema) { s.MaxLength = ptr.To[int64](199) }), want: ".spec.customerId: its maxLength was 200 and is 199"},
		"any text":                  {change: at("spec.customerId", func(s *schema) { s.MaxLength = nil })},
		"no empty text":             {change: at("spec.customerId", func(s *schema) { s.MinLength = ptr.To[int64](1) }), want: "it had no minLength, and has one of 1"},
		"a shorter list":            {change: at("status.payments", func(s *schema) { s.MaxItems = ptr.To[int64](8) }), want: "its maxItems was 16 and is 8"},
		"a higher price":            {change: at("spec.amount", func(s *schema) { s.Maximum = ptr.To(1e13) })},
		"a lower price":             {change: at("spec.amount", func(s *schema) { s.Maximum = ptr.To(1e6) }), want: "its maximum was 999999999999 and is 1000000"},
		"a price below zero":        {change: at("spec.amount", func(s *schema) { s.Minimum = ptr.To(-1.0) })},
		"a price of one":            {change: at("spec.amount", func(s *schema) { s.Minimum = ptr.To(1.0) }), want: "its minimum was 0 and is 1"},
		"a price above zero":        {change: at("spec.amount", func(s *schema) { s.ExclusiveMinimum = true }), want: "its minimum of 0 is itself no longer accepted"},
		"a pattern added":           {change: at("spec.customerId", func(s *schema) { s.Pattern = "^[a-z]*$" }), want: `its pattern was "" and is "^[a-z]*$"`},
		"another pattern":           {before: at("spec.customerId", func(s *schema) { s.Pattern = "^[a-z]*$" }), change: at("spec.customerId", func(s *schema) { s.Pattern = ".*" }), want: "which may refuse what was accepted"},
		"a pattern removed":         {before: at("spec.customerId", func(s *schema) { s.Pattern = "^[a-z]*$" }), change: at("spec.customerId", func(s *schema) { s.Pattern = "" })},
		"a rule added":              {change: at("spec", rule("self.amount > 0")), want: `.spec: the rule "self.amount > 0" is new or another`},
		"another rule":              {change: at("spec.amount", func(s *schema) { s.XValidations[0].Rule = "self >= oldSelf" }), want: `the rule "self >= oldSelf" is new or another`},
		"a rule in other words":     {change: at("spec.amount", func(s *schema) { s.XValidations[0].Message = "it cannot change" })},
		"a rule removed":            {change: at("spec.amount", func(s *schema) { s.XValidations = nil })},
		"one of several added":      {change: at("spec", func(s *schema) { s.OneOf = []schema{{Required: []string{"orderId"}}} }), want: ".spec: its oneOf is new or another"},
		"what must not be, added":   {change: at("spec", func(s *schema) { s.Not = &schema{Required: []string{"orderId"}} }), want: ".spec: its not is new or another"},
		"what must not be, removed": {before: at("spec", func(s *schema) { s.Not = &schema{Required: []string{"orderId"}} }), change: at("spec", func(s *schema) { s.Not = nil })},
	} {
		t.Run(name, r.run)
	}
}

func TestDefinitions(t *testing.T) {
	first := func(change func(*version)) change { return func(d *definition) { change(&d.Spec.Versions[0]) } }
	// next adds a version, which is served or not, and stored or not.
	next := func(served, stored bool) change {
		return func(d *definition) {
			v := d.Spec.Versions[0].DeepCopy()
			v.Name, v.Served, v.Storage = "v1beta1", served, stored
			d.Spec.Versions[0].Storage = !stored
			d.Spec.Versions = append(d.Spec.Versions, *v)
		}
	}
	store := func(d *definition) { d.Spec.Versions[0].Storage, d.Spec.Versions[1].Storage = false, true }
	graduated := func(d *definition) {
		next(true, true)(d)
		d.Spec.Versions[0].Deprecated = true
	}
	last := func(d *definition) { d.Spec.Versions = d.Spec.Versions[1:] }
	for name, r := range map[string]row{
		"another scope":              {change: func(d *definition) { d.Spec.Scope = apiextensionsv1.ClusterScoped }, want: `orders.payments.paylink.dev: the scope was "Namespaced" and is "Cluster"`},
		"another kind":               {change: func(d *definition) { d.Spec.Names.Kind = "Sale" }, want: `the kind was "Order" and is "Sale"`},
		"a short name removed":       {change: func(d *definition) { d.Spec.Names.ShortNames = nil }, want: `the short name "payorder" is gone`},
		"a short name added":         {change: func(d *definition) { d.Spec.Names.ShortNames = append(d.Spec.Names.ShortNames, "po") }},
		"a category removed":         {change: func(d *definition) { d.Spec.Names.Categories = nil }, want: `the category "paylink" is gone`},
		"other columns":              {change: first(func(v *version) { v.AdditionalPrinterColumns = nil })},
		"a selectable field removed": {change: first(func(v *version) { v.SelectableFields = v.SelectableFields[1:] }), want: `the selectable field ".spec.orderId" is gone`},
		"no status of its own":       {change: first(func(v *version) { v.Subresources = nil }), want: "the subresources differ"},
		"conversion": {change: func(d *definition) {
			d.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: "Webhook"}
		}, want: "how versions are converted"},
		"deprecated":                  {change: first(func(v *version) { v.Deprecated = true })},
		"no longer served":            {change: first(func(v *version) { v.Served = false }), want: "orders.payments.paylink.dev v1alpha1: the version is no longer served"},
		"another version":             {change: next(true, false)},
		"another version, stored":     {change: next(true, true), want: "v1beta1 is stored, which was not served before"},
		"stored once it was served":   {before: next(true, false), change: store},
		"stored though never served":  {before: next(false, false), change: store, want: "v1beta1 is stored, which was not served before"},
		"the old one removed":         {before: graduated, change: last},
		"the old one removed at once": {before: next(true, true), change: last, want: "it must be deprecated"},
	} {
		t.Run(name, r.run)
	}

	order, link := fakeapi.CRD(t, "orders"), fakeapi.CRD(t, "paymentlinks")
	if got := compatibility.Breaks([]*definition{order}, []*definition{order, link}); len(got) > 0 {
		t.Errorf("a kind added: %q", got)
	}
	if got := compatibility.Breaks([]*definition{order, link}, []*definition{order}); len(got) != 1 || !strings.Contains(got[0], "paymentlinks.payments.paylink.dev: the kind is gone") {
		t.Errorf("a kind removed: %q", got)
	}
}
