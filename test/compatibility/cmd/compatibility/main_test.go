package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
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
	check.Must(t, err)
	for _, variable := range os.Environ() { // git sets some for its hooks, which name another repository
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GIT_") {
			t.Setenv(name, "")
			check.Must(t, os.Unsetenv(name))
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
	r.git("init --quiet --initial-branch=main")
	r.commit()
	return r
}

func (r *repository) git(args string) {
	r.t.Helper()
	if out, err := exec.CommandContext(r.t.Context(), "git", strings.Fields(args)...).CombinedOutput(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

func (r *repository) commit() {
	r.t.Helper()
	r.git("add --all")
	r.git("commit --quiet --allow-empty --message=Change")
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

// define writes the definition of orders with other names for some fields.
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

// check runs the command and compares its output and whether it refuses.
func (r *repository) check(refused bool, want string, args ...string) {
	r.t.Helper()
	var out strings.Builder
	err := run(r.t.Context(), args, &out)
	if err != nil {
		out.WriteString(err.Error())
	}
	if refused != (err != nil) || !strings.Contains(out.String(), want) {
		r.t.Errorf("got %s, refused: %t, want %q, refused: %t", out.String(), err != nil, want, refused)
	}
}

// TestBase follows a project from its first commit to its second release, and clones it as CI can: without tags.
func TestBase(t *testing.T) {
	r := newRepository(t)
	r.define()
	r.check(false, "not checked: nothing to compare with: there is neither a release's tag nor an earlier commit that has definitions")
	r.commit()
	r.check(false, "nothing to compare with")

	r.define("customerId")
	r.commit()
	r.check(true, "the commit before")
	r.git("switch --quiet --create=topic")
	r.commit()
	r.check(false, "which this branch has from main")
	r.define("customerId", "expiresAfter")
	r.check(true, "which this branch has from main") // before the commit too
	r.check(true, "config/crd/bases would break those who have HEAD~2", "-with=HEAD~2")
	r.check(true, "Needed a single revision", "-with=v7")
	r.check(true, "there are no definitions", "-with=HEAD~3")

	r.define()
	r.commit()
	r.git("tag v0.1.0")
	r.define("customerId", "expiresAfter")
	r.commit()
	r.git("tag v0.2.0-rc.1")
	r.git("tag latest")
	for _, want := range []string{"config/crd/bases would break those who have v0.1.0", ".spec.customerId: the field is gone", ".spec.expiresAfter: the field is gone", "docs/versions.md", accepted} {
		r.check(true, want)
	}
	from, err := os.Getwd()
	check.Must(t, err)
	clone := t.TempDir()
	r.git("clone --quiet --depth=1 file://" + from + " " + clone)
	r.git("tag --annotate --message=Second v0.2.0")
	r.check(false, "breaks nothing of v0.2.0")
	t.Chdir(clone)
	r.check(false, "not checked: nothing to compare with: this clone is shallow")
	r.git("fetch --quiet --unshallow --tags")
	r.check(false, "breaks nothing of v0.2.0")
}

// TestAccepted: a change that is listed with a reason is not refused. A reason is required.
func TestAccepted(t *testing.T) {
	r := newRepository(t)
	r.define()
	r.commit()
	r.define("customerId")
	const entry = "- change: 'orders.payments.paylink.dev v1alpha1: .spec.customerId: the field is gone: stored objects would lose it'\n"
	r.check(true, "customerId: the field is gone", "-with=HEAD")
	r.write(accepted, entry)
	r.check(true, "an entry needs a change and a reason")
	r.write(accepted, entry+"  reason: no release had it\n")
	r.check(false, "breaks nothing", "-with=HEAD")
}
