package compatibility

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
)

type props = apiextensionsv1.JSONSchemaProps

// field is a field of a version's schema, before and after.
type field struct {
	*comparison
	at            string
	before, after props
}

func (f field) refuse(format string, args ...any) {
	f.comparison.refuse("%s: "+format, append([]any{cmp.Or(f.at, ".")}, args...)...)
}

// schema compares a field and the fields in it. Descriptions are left out.
func (c *comparison) schema(at string, before, after *props) {
	if before == nil && after == nil {
		return
	}
	if before == nil || after == nil {
		field{comparison: c, at: at}.refuse("what is in it was described, or was not, and that differs")
		return
	}
	f := field{comparison: c, at: at, before: *before, after: *after}
	f.kind()
	f.values()
	f.limits()
	f.rules()
	f.fields()
	if !reflect.DeepEqual(unjudged(f.before), unjudged(f.after)) {
		f.refuse("it differs in something of which this check cannot tell what it breaks")
	}
	c.schema(at+"[]", inList(before), inList(after))
	c.schema(at+"[*]", inMap(before), inMap(after))
}

// kind compares the types of values, and how lists are merged.
func (f field) kind() {
	b, a := f.before, f.after
	for _, keyword := range []struct{ name, before, after string }{
		{"type", b.Type, a.Type},
		{"format", b.Format, a.Format},
		{"x-kubernetes-list-type", ptr.Deref(b.XListType, "atomic"), ptr.Deref(a.XListType, "atomic")},
		{"x-kubernetes-list-map-keys", strings.Join(b.XListMapKeys, " "), strings.Join(a.XListMapKeys, " ")},
		{"x-kubernetes-map-type", ptr.Deref(b.XMapType, "granular"), ptr.Deref(a.XMapType, "granular")},
	} {
		if keyword.before != keyword.after {
			f.refuse("its %s was %q and is %q", keyword.name, keyword.before, keyword.after)
		}
	}
	if b.XIntOrString != a.XIntOrString {
		f.refuse("its x-kubernetes-int-or-string was %t and is %t", b.XIntOrString, a.XIntOrString)
	}
}

// values compares the allowed values and the default. A default that is added changes objects that were written without a value.
func (f field) values() {
	b, a := f.before, f.after
	if b.Nullable && !a.Nullable {
		f.refuse("it can no longer be null")
	}
	if before, after := raw(b.Default), raw(a.Default); before != after {
		f.refuse("its default was %s and is %s", cmp.Or(before, "none"), cmp.Or(after, "none"))
	}
	before, after := texts(b.Enum), texts(a.Enum)
	if len(after) > 0 && len(before) == 0 {
		f.refuse("it was free, and is one of %s", strings.Join(after, ", "))
	}
	for _, value := range before {
		if len(after) > 0 && !slices.Contains(after, value) {
			f.refuse("it can no longer be %s", value)
		}
	}
	f.answers(before, after)
}

// answers refuses a new value in the status: a shop that does not know a phase can take it for another.
func (f field) answers(before, after []string) {
	if !strings.HasPrefix(f.at, ".status.") || len(before) == 0 {
		return
	}
	if len(after) == 0 {
		f.refuse("it was one of %s, and is free: shops know these alone", strings.Join(before, ", "))
	}
	for _, value := range after {
		if !slices.Contains(before, value) {
			f.refuse("it can be %s now, which shops do not know", value)
		}
	}
}

// rules compares patterns and CEL rules, which are compatible only if they are equal. The API server does not apply a new rule to a
// stored object while the part that the rule reads is unchanged, but always to a new object.
func (f field) rules() {
	b, a := f.before, f.after
	if a.Pattern != "" && a.Pattern != b.Pattern {
		f.refuse("its pattern was %q and is %q, which may refuse what was accepted", b.Pattern, a.Pattern)
	}
	for _, rule := range a.XValidations {
		if !slices.ContainsFunc(b.XValidations, func(known apiextensionsv1.ValidationRule) bool {
			return known.Rule == rule.Rule && ptr.Deref(known.OptionalOldSelf, false) == ptr.Deref(rule.OptionalOldSelf, false)
		}) {
			f.refuse("the rule %q is new or another, and may refuse what was accepted", rule.Rule)
		}
	}
	for _, keyword := range []struct {
		name          string
		before, after []props
	}{{"allOf", b.AllOf, a.AllOf}, {"anyOf", b.AnyOf, a.AnyOf}, {"oneOf", b.OneOf, a.OneOf}, {"not", list(b.Not), list(a.Not)}} {
		if len(keyword.after) > 0 && !reflect.DeepEqual(keyword.before, keyword.after) {
			f.refuse("its %s is new or another, and may refuse what was accepted", keyword.name)
		}
	}
}

// fields compares the set of fields, and each of them.
func (f field) fields() {
	b, a := f.before, f.after
	for _, name := range a.Required {
		if !slices.Contains(b.Required, name) && a.Properties[name].Default == nil {
			f.refuse("%s is required now: objects without it would be refused", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Properties)) {
		before, at := b.Properties[name], f.at+"."+name
		if after, ok := a.Properties[name]; ok {
			f.schema(at, &before, &after)
		} else {
			field{comparison: f.comparison, at: at}.refuse("the field is gone: stored objects would lose it")
		}
	}
	if ptr.Deref(b.XPreserveUnknownFields, false) && (!ptr.Deref(a.XPreserveUnknownFields, false) || len(a.Properties) > len(b.Properties)) {
		f.refuse("whatever was written in it was kept, and no longer is, or not as it was")
	}
}

// unjudged returns a schema without the keywords that the other functions compare, so that no other keyword is overlooked.
func unjudged(s props) props {
	s.Description, s.Title, s.Example, s.ExternalDocs = "", "", nil, nil
	s.Type, s.Format, s.XListType, s.XListMapKeys, s.XMapType, s.XIntOrString = "", "", nil, nil, nil, false
	s.Nullable, s.Default, s.Enum = false, nil, nil
	s.Maximum, s.ExclusiveMaximum, s.MaxLength, s.MaxItems, s.MaxProperties = nil, false, nil, nil, nil
	s.Minimum, s.ExclusiveMinimum, s.MinLength, s.MinItems, s.MinProperties = nil, false, nil, nil, nil
	s.Pattern, s.XValidations, s.AllOf, s.AnyOf, s.OneOf, s.Not = "", nil, nil, nil, nil, nil
	s.Required, s.Properties, s.XPreserveUnknownFields = nil, nil, nil
	if inList(&s) != nil {
		s.Items = nil
	}
	if inMap(&s) != nil {
		s.AdditionalProperties = nil
	}
	return s
}

// inList returns the schema of the items of a list, or nil.
func inList(s *props) *props {
	if s.Items == nil {
		return nil
	}
	return s.Items.Schema
}

// inMap returns the schema of the values of a map, or nil.
func inMap(s *props) *props {
	if s.AdditionalProperties == nil {
		return nil
	}
	return s.AdditionalProperties.Schema
}

func list(s *props) []props {
	if s == nil {
		return nil
	}
	return []props{*s}
}

func raw(value *apiextensionsv1.JSON) string {
	if value == nil {
		return ""
	}
	return string(value.Raw)
}

func texts(values []apiextensionsv1.JSON) []string {
	all := make([]string, len(values))
	for i := range values {
		all[i] = raw(&values[i])
	}
	return all
}
