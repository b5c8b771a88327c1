// Package compatibility finds changes of the custom resource definitions that break stored objects, programs and people that use
// them, or a rollback to an older release. It refuses changes that it cannot judge.
package compatibility

import (
	"fmt"
	"reflect"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Breaks returns the breaking changes between two sets of definitions, a line for each.
func Breaks(before, after []*apiextensionsv1.CustomResourceDefinition) []string {
	var lost []string
	for _, b := range before {
		i := slices.IndexFunc(after, func(a *apiextensionsv1.CustomResourceDefinition) bool { return a.Name == b.Name })
		if i < 0 {
			lost = append(lost, b.Name+": the kind is gone, and its objects with it")
			continue
		}
		c := comparison{of: b.Name}
		c.definition(b.Spec, after[i].Spec)
		lost = append(lost, c.breaks...)
	}
	return lost
}

// comparison collects the breaking changes of a definition, or of a version of it.
type comparison struct {
	of     string
	breaks []string
}

func (c *comparison) refuse(format string, args ...any) {
	c.breaks = append(c.breaks, c.of+": "+fmt.Sprintf(format, args...))
}

// same refuses a different value.
func (c *comparison) same(what string, before, after any) {
	if !reflect.DeepEqual(before, after) {
		c.refuse("%s was %q and is %q", what, before, after)
	}
}

// keep refuses the removal of a value from a list.
func (c *comparison) keep(what string, before, after []string) {
	for _, b := range before {
		if !slices.Contains(after, b) {
			c.refuse("%s %q is gone", what, b)
		}
	}
}

func (c *comparison) definition(before, after apiextensionsv1.CustomResourceDefinitionSpec) {
	c.same("the group", before.Group, after.Group)
	c.same("the scope", before.Scope, after.Scope)
	c.same("the kind", before.Names.Kind, after.Names.Kind)
	c.same("the list's kind", before.Names.ListKind, after.Names.ListKind)
	c.same("the plural name", before.Names.Plural, after.Names.Plural)
	c.same("the singular name", before.Names.Singular, after.Names.Singular)
	c.keep("the short name", before.Names.ShortNames, after.Names.ShortNames)
	c.keep("the category", before.Names.Categories, after.Names.Categories)
	if before.PreserveUnknownFields != after.PreserveUnknownFields || !reflect.DeepEqual(before.Conversion, after.Conversion) {
		c.refuse("how versions are converted, or unknown fields are treated, differs, of which this check cannot tell what it breaks")
	}
	for _, b := range before.Versions {
		in := comparison{of: c.of + " " + b.Name}
		in.version(b, versionOf(after, b.Name))
		c.breaks = append(c.breaks, in.breaks...)
	}
	c.storage(before, after)
}

// storage allows another stored version once a release has served it, so that a rollback to that release can read it.
func (c *comparison) storage(before, after apiextensionsv1.CustomResourceDefinitionSpec) {
	for _, a := range after.Versions {
		if b := versionOf(before, a.Name); a.Storage && (b == nil || !b.Served) {
			c.refuse("%s is stored, which was not served before: serve it for a release first", a.Name)
		}
	}
}

func versionOf(of apiextensionsv1.CustomResourceDefinitionSpec, name string) *apiextensionsv1.CustomResourceDefinitionVersion {
	for i := range of.Versions {
		if of.Versions[i].Name == name {
			return &of.Versions[i]
		}
	}
	return nil
}

func (c *comparison) version(before apiextensionsv1.CustomResourceDefinitionVersion, after *apiextensionsv1.CustomResourceDefinitionVersion) {
	if before.Served && (after == nil || !after.Served) && (before.Storage || !before.Deprecated) {
		c.refuse("the version is no longer served: it must be deprecated, and another one stored, for a release first")
	}
	if after == nil {
		return
	}
	if !reflect.DeepEqual(before.Subresources, after.Subresources) {
		c.refuse("the subresources differ")
	}
	c.keep("the selectable field", paths(before.SelectableFields), paths(after.SelectableFields))
	if before.Schema != nil && after.Schema != nil {
		c.schema("", before.Schema.OpenAPIV3Schema, after.Schema.OpenAPIV3Schema)
	}
}

func paths(fields []apiextensionsv1.SelectableField) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.JSONPath
	}
	return all
}
