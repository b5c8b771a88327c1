package chart_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
)

// TestGuide: the values in docs/install.md are values of the chart, and the paths in it exist.
func TestGuide(t *testing.T) {
	guide := chart.Read(t, "docs/install.md")
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(guide, -1)
	if len(blocks) < 5 {
		t.Errorf("got %d blocks of values, want 5 or more", len(blocks))
	}
	for _, block := range blocks {
		lint(t, "docs/install.md", block[1])
	}
	paths := map[string]bool{}
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)`).FindAllStringSubmatch(guide, -1) {
		paths["docs/"+link[1]] = true
	}
	for _, path := range regexp.MustCompile(`\b(config|charts)/[a-z/-]+(\.yaml)?`).FindAllString(guide, -1) {
		paths[path] = true
	}
	for path := range paths {
		if _, err := os.Stat(chart.Path(t, path)); err != nil {
			t.Error(err)
		}
	}
}

// TestGitOps: Argo CD and Flux install this chart, with values of it.
func TestGitOps(t *testing.T) {
	for file, path := range map[string]struct{ chart, values []string }{
		"config/argocd/application.yaml": {[]string{"spec", "source", "path"}, []string{"spec", "source", "helm", "valuesObject"}},
		"config/flux/paylink.yaml":       {[]string{"spec", "chart", "spec", "chart"}, []string{"spec", "values"}},
	} {
		objects := chart.Parse(t, chart.Read(t, file))
		found := slices.Concat(objects.Of("Application"), objects.Of("HelmRelease"))[0].Object
		if name, _, err := unstructured.NestedString(found, path.chart...); name != "charts/paylink" {
			t.Errorf("%s: got chart %q, %v, want charts/paylink", file, name, err)
		}
		values, _, err := unstructured.NestedMap(found, path.values...)
		if err != nil || len(values) == 0 {
			t.Errorf("%s: got no values, %v", file, err)
		}
		text, err := yaml.Marshal(values)
		check.Must(t, err)
		lint(t, file, string(text))
	}
}

// TestVersionsNamed: the docs name the chart's version.
func TestVersionsNamed(t *testing.T) {
	var about struct{ AppVersion string }
	check.Must(t, yaml.Unmarshal([]byte(chart.Read(t, "charts/paylink/Chart.yaml")), &about))
	for _, file := range []string{"docs/install.md", "config/argocd/application.yaml", "config/flux/paylink.yaml", "config/samples/overlay/kustomization.yaml"} {
		named := map[string]bool{}
		for _, version := range regexp.MustCompile(`\bv\d+\.\d+\.\d+`).FindAllString(chart.Read(t, file), -1) {
			named[version] = true
		}
		if !maps.Equal(named, map[string]bool{about.AppVersion: true}) {
			t.Errorf("%s: got versions %v, want %s", file, slices.Collect(maps.Keys(named)), about.AppVersion)
		}
	}
}

// lint checks that the chart accepts values, and renders them.
func lint(t *testing.T, file, values string) {
	t.Helper()
	helm := chart.NewHelm(t, "helm4", "")
	if out, err := helm.Lint(values); err != nil {
		t.Errorf("%s: %v\n%s\n%s", file, err, values, out)
	}
	helm.Render(values)
}
