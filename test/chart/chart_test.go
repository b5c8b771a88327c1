package chart_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/paylink-dev/paylink/test/chart"
)

// TestLint with both versions of Helm: a warning is an error.
func TestLint(t *testing.T) {
	for _, version := range chart.Versions() {
		helm := chart.NewHelm(t, version, "")
		for name, values := range chart.Matrix() {
			if out, err := helm.Lint(values); err != nil {
				t.Errorf("%s, %s: %v\n%s", version, name, err, out)
			}
		}
	}
}

// TestBothHelmsRenderTheSame whatever the values, each object once.
func TestBothHelmsRenderTheSame(t *testing.T) {
	three, four := chart.NewHelm(t, "helm3", ""), chart.NewHelm(t, "helm4", "")
	for name, values := range chart.Matrix() {
		sorted := func(o chart.Objects) chart.Objects {
			slices.SortFunc(o, func(a, b *unstructured.Unstructured) int { return strings.Compare(key(a), key(b)) })
			return o
		}
		a, b := sorted(three.Render(values, chart.MutatingPolicies)), sorted(four.Render(values, chart.MutatingPolicies))
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if twice := len(a) - len(slices.CompactFunc(slices.Clone(a), func(a, b *unstructured.Unstructured) bool { return key(a) == key(b) })); twice > 0 {
			t.Errorf("%s: got %d objects twice", name, twice)
		}
	}
}

func key(o *unstructured.Unstructured) string {
	return o.GroupVersionKind().String() + " " + o.GetNamespace() + "/" + o.GetName()
}

// TestScore: kube-score finds nothing except the excused checks.
func TestScore(t *testing.T) {
	excused := map[string]string{
		"container-ephemeral-storage-request-and-limit": "nothing is written but the log: the file system is read-only",
		"container-image-pull-policy":                   "a tag is never made again, and image.pullPolicy is there for who wants Always",
		"deployment-has-host-podantiaffinity":           "topologySpreadConstraints do it, which is another of its checks",
	}
	program, err := chart.Tool(t.Context(), "score", "kube-score")
	if err != nil {
		t.Fatal(err)
	}
	// A limit of CPU would slow the answers to buyers down.
	args := []string{"score", "--kubernetes-version=v1.31", "--output-format=ci", "--exit-one-on-warning", "--ignore-container-cpu-limit"}
	for check, reason := range excused {
		if reason == "" {
			t.Errorf("%s is excused without a reason", check)
		}
		args = append(args, "--ignore-test="+check)
	}
	helm := chart.NewHelm(t, "helm4", "")
	for name, values := range map[string]string{
		"with policies":    "networkPolicy: {enabled: true}",
		"watched and open": "watchNamespaces: [shop]\nnetworkPolicy: {enabled: true}\ningress: {enabled: true, hosts: [a.example.com]}\nwebhookserver: {autoscaling: {enabled: true}}",
	} {
		text, err := helm.Template(chart.Release, values)
		if err != nil {
			t.Fatal(text)
		}
		// The pod of helm test is no server, and ends.
		servers, _, _ := strings.Cut(text, "# Source: paylink/templates/tests/")
		cmd := exec.CommandContext(t.Context(), program, append(args, "-")...)
		cmd.Stdin = strings.NewReader(servers)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, complaints(string(out)))
		}
	}
}

// complaints are the lines that say that something is not well.
func complaints(out string) string {
	lines := strings.Split(out, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "[OK]") || strings.HasPrefix(l, "[SKIPPED]") }), "\n")
}
