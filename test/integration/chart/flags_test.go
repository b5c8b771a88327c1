package chart_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/paylink-dev/paylink/test/chart"
)

// secrets are the contents of the matrix's Secrets, by mount path.
var secrets = map[string]map[string]string{
	"/etc/paylink/webhook": {"first": "whsec_first"},
	"/etc/paylink/stripe":  {"key": "rk_test_key", "api": "rk_test_key"},
}

// TestServersAcceptFlags: with the flags of all values, the servers fail for the missing cluster alone.
func TestServersAcceptFlags(t *testing.T) {
	helm := chart.NewHelm(t, "helm4", "")
	for name, values := range chart.Matrix() {
		for _, o := range helm.Render(values).Of("Deployment") {
			container := chart.As[appsv1.Deployment](t, o).Spec.Template.Spec.Containers[0]
			program := exec.CommandContext(t.Context(), filepath.Join(bin, container.Name), mounted(t, container, secrets)...)
			program.Env = environment(container, chart.Namespace)
			program.Env = append(program.Env, "HOME="+t.TempDir())
			out, err := program.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "find the cluster: ") {
				t.Errorf("%s: %s %q: got %v and %s, want no cluster found", name, container.Name, container.Args, err, out)
			}
		}
	}
}

// TestDefaultsAreTheServers: the chart's default values are the defaults of the servers' flags.
func TestDefaultsAreTheServers(t *testing.T) {
	for _, o := range chart.NewHelm(t, "helm4", "").Render("").Of("Deployment") {
		container := chart.As[appsv1.Deployment](t, o).Spec.Template.Spec.Containers[0]
		if left := changed(t, container); len(left) != map[string]int{"controller": 1, "webhookserver": 1}[container.Name] {
			t.Errorf("%s: got flags other than the defaults %q", container.Name, left) // one is --leader-elect, or the path of the secrets
		}
	}
}

// changed are the flags that differ from their defaults.
func changed(t *testing.T, container corev1.Container) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, container.Name), "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defaults := map[string]string{"zap-log-level": "info"} // zap's own
	for _, flag := range regexp.MustCompile(`(?m)^  -([a-z0-9-]+)(?: [a-z0-9]+)?\n    \t.*?(?:\(default "?(.*?)"?\))?$`).FindAllStringSubmatch(string(out), -1) {
		if _, ok := defaults[flag[1]]; !ok {
			defaults[flag[1]] = flag[2]
		}
	}
	var left []string
	for _, arg := range container.Args {
		name, value, ok := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !ok {
			value = "true"
		}
		usual, known := defaults[name]
		switch duration, err := time.ParseDuration(value); {
		case !known:
			t.Errorf("%s: got the unknown flag --%s", container.Name, name)
		case value == usual, value == "false" && usual == "", err == nil && duration.String() == usual:
		default:
			left = append(left, arg)
		}
	}
	return left
}
