package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/cluster"
)

// timeout ends a test that hangs. It is no measure of speed.
const timeout = 5 * time.Minute

// built is the path of the demo's program. Only a process of its own shows what the demo leaves behind.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	temp := t.TempDir()
	demo := exec.CommandContext(ctx, built(t))
	demo.Env = append(os.Environ(), "TMPDIR="+temp, "KUBECONFIG=")
	var stderr bytes.Buffer
	demo.Stderr = &stderr
	out, err := demo.StdoutPipe()
	check.Must(t, err)
	check.Must(t, demo.Start())
	var shown strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&shown, lines.Text())
		if strings.Contains(lines.Text(), "Ctrl-C stops everything") {
			check.Must(t, demo.Process.Signal(os.Interrupt))
		}
	}
	if err := demo.Wait(); err != nil {
		t.Errorf("the demo ended with %v\n%s\n%s", err, shown.String(), stderr.String())
	}
	inOrder(t, shown.String(), "Pending", "Paid", "Refunded", "Your turn", "Buy in the shop:", "client_reference_id=", "export KUBECONFIG=", "Stopping.")
	if strings.Contains(shown.String(), "\x1b[") {
		t.Error("got colours without a terminal")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("got the files %v (%v) after the demo, want none", left, err)
	}
	for _, process := range processesNaming(t, temp) {
		t.Errorf("got a process after the demo: %s", process)
	}
}

func TestDemoWithKubeconfig(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	check.Must(t, err)
	check.AtEnd(t, c.Stop)
	demo := exec.CommandContext(ctx, built(t), "-exit")
	demo.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "KUBECONFIG="+c.Kubeconfig(),
		"PATH="+filepath.Dir(c.Kubectl())+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("the demo ended with %v\n%s", err, out)
	}
	inOrder(t, string(out), "yours, by KUBECONFIG", "Pending", "Paid", "Refunded")

	check.Must(t, apiextensionsv1.AddToScheme(scheme.Scheme))
	api, err := client.New(c.Config(), client.Options{Scheme: scheme.Scheme})
	check.Must(t, err)
	if err := api.Get(ctx, client.ObjectKey{Name: "orders.payments.paylink.dev"}, &apiextensionsv1.CustomResourceDefinition{}); err != nil {
		t.Errorf("got no CRD after the demo: %v", err)
	}
	var gone corev1.Namespace // no controller completes the deletion here
	if err := api.Get(ctx, client.ObjectKey{Name: namespace}, &gone); client.IgnoreNotFound(err) != nil || (err == nil && gone.DeletionTimestamp.IsZero()) {
		t.Errorf("got namespace %s (%v), want it deleted", namespace, err)
	}
}

// inOrder checks that the words appear in the text one after another.
func inOrder(t *testing.T, text string, words ...string) {
	t.Helper()
	rest := text
	for _, word := range words {
		_, after, found := strings.Cut(rest, word)
		if !found {
			t.Fatalf("got no %q, or too early, in\n%s", word, text)
		}
		rest = after
	}
}

// processesNaming returns the running processes whose command line names a folder.
func processesNaming(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	check.Must(t, err)
	var found []string
	for _, file := range all {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(folder)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
