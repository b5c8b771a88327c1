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

	"github.com/paylink-dev/paylink/test/cluster"
)

// patience ends a test that hangs. It is no measure of speed.
const patience = 5 * time.Minute

// built is the demo as a program of its own: what it leaves behind shows only once it has ended.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

func TestTheDemoShowsAnOrdersLifeAndLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	temp := t.TempDir()
	demo := exec.CommandContext(ctx, built(t))
	demo.Env = append(os.Environ(), "TMPDIR="+temp, "KUBECONFIG=")
	var stderr bytes.Buffer
	demo.Stderr = &stderr
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&shown, lines.Text())
		if strings.Contains(lines.Text(), "Ctrl-C stops everything") {
			if err := demo.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := demo.Wait(); err != nil {
		t.Errorf("the demo ended with %v\n%s\n%s", err, shown.String(), stderr.String())
	}
	inOrder(t, shown.String(), "Pending", "Paid", "Refunded", "Your turn", "Buy in the shop:", "client_reference_id=", "export KUBECONFIG=", "Stopping.")
	if strings.Contains(shown.String(), "\x1b[") {
		t.Error("colours were written to something that is no terminal")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("the demo left %v behind (%v)", left, err)
	}
	for _, process := range processesNaming(t, temp) {
		t.Errorf("the demo left a process behind: %s", process)
	}
}

func TestTheDemoUsesTheClusterOfKubeconfig(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	demo := exec.CommandContext(ctx, built(t), "-exit")
	demo.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "KUBECONFIG="+c.Kubeconfig(),
		"PATH="+filepath.Dir(c.Kubectl())+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("the demo ended with %v\n%s", err, out)
	}
	inOrder(t, string(out), "yours, by KUBECONFIG", "Pending", "Paid", "Refunded")

	if err := apiextensionsv1.AddToScheme(scheme.Scheme); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(c.Config(), client.Options{Scheme: scheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Get(ctx, client.ObjectKey{Name: "orders.payments.paylink.dev"}, &apiextensionsv1.CustomResourceDefinition{}); err != nil {
		t.Errorf("the CRDs are to stay: %v", err)
	}
	var gone corev1.Namespace // nothing finishes deleting namespaces here, so being deleted is all there is to see
	if err := api.Get(ctx, client.ObjectKey{Name: namespace}, &gone); client.IgnoreNotFound(err) != nil || (err == nil && gone.DeletionTimestamp.IsZero()) {
		t.Errorf("namespace %s was not deleted (%v)", namespace, err)
	}
}

// inOrder checks that the words appear in the text one after another.
func inOrder(t *testing.T, text string, words ...string) {
	t.Helper()
	rest := text
	for _, word := range words {
		_, after, found := strings.Cut(rest, word)
		if !found {
			t.Fatalf("%q is not shown, or too early, in\n%s", word, text)
		}
		rest = after
	}
}

// processesNaming returns the running processes whose command line names a folder.
func processesNaming(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range all {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(folder)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
