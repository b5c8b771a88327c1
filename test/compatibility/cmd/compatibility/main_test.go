package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/compatibility"
)

const orders = compatibility.Folder + "/payments.paylink.dev_orders.yaml"

// repository is a git repository in the current folder.
type repository struct {
	t      *testing.T
	origin string // the folder of the checkout that the test runs in
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	origin, err := cluster.Repository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range os.Environ() { // git sets some for its hooks, which would lead out of this repository
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GIT_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+role+"_NAME", "Somebody")
		t.Setenv("GIT_"+role+"_EMAIL", "somebody@example.com")
	}
	t.Chdir(t.TempDir())
	r := &repository{t: t, origin: origin}
	r.write(accepted, "[]\n")
	r.git("init", "--quiet", "--initial-branch=main")
	r.commit("Begin")
	return r
}

func (r *repository) git(args ...string) {
	r.t.Helper()
	if out, err := exec.CommandContext(r.t.Context(), "git", args...).CombinedOutput(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (r *repository) commit(message string) {
	r.t.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "--message="+message)
}

func (r *repository) write(file, content string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// define writes the definition of orders, without some of its fields.
func (r *repository) define(fields ...string) {
	r.t.Helper()
	content, err := os.ReadFile(filepath.Join(r.origin, orders))
	if err != nil {
		r.t.Fatal(err)
	}
	text := string(content)
	for _, f := range fields {
		before, after := "\n              "+f+":\n", "\n              x"+f+":\n"
		if !strings.Contains(text, before) {
			r.t.Fatalf("there is no field %s", f)
		}
		text = strings.Replace(text, before, after, 1)
	}
	r.write(orders, text)
}

// says runs the check, which must print a text, and refuse or not.
func (r *repository) says(refused bool, want string, args ...string) string {
	r.t.Helper()
	var out strings.Builder
	err := run(r.t.Context(), args, &out)
	if err != nil {
		out.WriteString(err.Error())
	}
	if refused != (err != nil) || !strings.Contains(out.String(), want) {
		r.t.Errorf("want refused %t and %q, got %s", refused, want, out.String())
	}
	return out.String()
}

// TestBase follows a project from its first commit to its second release.
func TestBase(t *testing.T) {
	r := newRepository(t)
	r.define()
	r.says(false, "not checked: nothing to compare with: there is neither a release's tag nor an earlier commit that has definitions")
	r.commit("Define orders")
	r.says(false, "nothing to compare with")

	r.define("customerId")
	r.commit("Rename a field")
	r.says(true, "would break those who have")
	r.says(true, "the commit before")
	r.git("switch", "--quiet", "--create=topic")
	r.commit("Go on")
	r.says(false, "which this branch has from main")
	r.define("customerId", "expiresAfter")
	r.says(true, "which this branch has from main") // though it is no commit yet
	r.says(true, "config/crd/bases would break those who have HEAD~2", "-with=HEAD~2")
	r.says(true, "Needed a single revision", "-with=v7")
	r.says(true, "there are no definitions", "-with=HEAD~3")

	r.define()
	r.commit("Take it back")
	r.git("tag", "v0.1.0")
	r.define("customerId", "expiresAfter")
	r.commit("Rename two fields")
	r.git("tag", "v0.2.0-rc.1")
	r.git("tag", "latest")
	out := r.says(true, "config/crd/bases would break those who have v0.1.0")
	for _, want := range []string{"v1alpha1: .spec.customerId: the field is gone", "v1alpha1: .spec.expiresAfter: the field is gone", "docs/versions.md", accepted} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	r.git("tag", "--annotate", "--message=The second", "v0.2.0")
	r.says(false, "breaks nothing of v0.2.0")
}

// TestShallow clones as CI may: without tags or earlier commits.
func TestShallow(t *testing.T) {
	r := newRepository(t)
	r.define()
	r.commit("Define orders")
	r.git("tag", "v0.1.0")
	r.define("customerId")
	r.commit("Rename a field")
	from, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	clone := t.TempDir()
	r.git("clone", "--quiet", "--depth=1", "file://"+from, clone)
	t.Chdir(clone)
	r.says(false, "not checked: nothing to compare with: this clone is shallow")
	r.git("fetch", "--quiet", "--unshallow", "--tags")
	r.says(true, "would break those who have v0.1.0")
}

// TestAccepted: a change that is listed with a reason is not refused. A reason is required.
func TestAccepted(t *testing.T) {
	r := newRepository(t)
	r.define()
	r.commit("Define orders")
	r.define("customerId", "expiresAfter")
	const entry = "- change: 'orders.payments.paylink.dev v1alpha1: .spec.customerId: the field is gone: stored objects would lose it'\n"
	r.write(accepted, entry)
	r.says(true, "an entry needs a change and a reason")
	r.write(accepted, entry+"  reason: no release had it\n")
	if out := r.says(true, "expiresAfter", "-with=HEAD"); strings.Contains(out, "customerId") {
		t.Errorf("what is accepted is refused: %s", out)
	}
}
