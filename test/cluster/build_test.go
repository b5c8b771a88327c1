package cluster

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// smallRecipe builds two tiny programs the way the cluster's are built.
func smallRecipe(t *testing.T, source string) recipe {
	t.Helper()
	module := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":         "module small\n\ngo 1.26\n",
		"first/main.go":  "package main\n\nfunc main() {}\n",
		"second/main.go": source,
	} {
		path := filepath.Join(module, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return recipe{
		module: module, version: "v0.0.0", goos: runtime.GOOS, goarch: runtime.GOARCH,
		programs: []binary{{"one", "small/first"}, {"two", "small/second"}},
		folder:   filepath.Join(t.TempDir(), "cache", "result"),
	}
}

// expectOnly fails if the cache folder holds more than the given names.
func expectOnly(t *testing.T, r recipe, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(r.folder))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("got %q in the cache, want %q", got, names)
	}
}

func TestBuildOnceForAll(t *testing.T) {
	r := smallRecipe(t, "package main\n\nfunc main() {}\n")
	var builders sync.WaitGroup
	progress := make([]bytes.Buffer, 3)
	for i := range progress {
		builders.Go(func() {
			if err := r.build(t.Context(), &progress[i]); err != nil {
				t.Error(err)
			}
		})
	}
	builders.Wait()
	built := 0
	for i := range progress {
		built += strings.Count(progress[i].String(), "two built in")
	}
	if built != 1 {
		t.Errorf("got %d builds, want 1", built)
	}
	expectOnly(t, r, "result", "result.lock")
	for _, name := range []string{"one", "two"} {
		if info, err := os.Stat(filepath.Join(r.folder, name)); err != nil || info.Mode().Perm()&0o111 == 0 {
			t.Errorf("got no program %s, %v", name, err)
		}
	}
}

// TestFailedBuild: a build that fails says why. It leaves nothing, and neither does one that is cancelled.
func TestFailedBuild(t *testing.T) {
	r := smallRecipe(t, "package main\n\nfunc main() { nonsense() }\n")
	err := r.build(t.Context(), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "build two:") || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("got error %v, want the compiler's", err)
	}
	expectOnly(t, r, "result.lock")

	r = smallRecipe(t, "package main\n\nfunc main() {}\n")
	ctx, cancel := context.WithCancel(t.Context())
	err = r.build(ctx, writerFunc(func(line string) {
		if strings.Contains(line, "one built in") {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	expectOnly(t, r, "result.lock")
	expectGone(t, filepath.Join(filepath.Dir(r.folder), "result.partial-"))
}

type writerFunc func(string)

func (f writerFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// TestBinaries: a folder that the environment names is used if it is complete. Otherwise a checkout is needed to build in.
func TestBinaries(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(t.TempDir())
	for _, row := range []struct{ assets, program, want string }{
		{dir, "kube-apiserver", "has no program kubectl"},
		{dir, "kubectl", "has no program etcd"},
		{dir, "etcd", ""},
		{"", "", "change to it first"},
	} {
		t.Setenv(assetsVariable, row.assets)
		if row.program != "" {
			if err := os.WriteFile(filepath.Join(dir, row.program), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Binaries(t.Context(), &bytes.Buffer{})
		if row.want == "" && (err != nil || got != dir) || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("with %s: got %s, %v, want %q", row.program, got, err, row.want)
		}
	}
}

func TestRecipeFollowsThePins(t *testing.T) {
	write := func(goMod string) recipe {
		module := t.TempDir()
		for name, content := range map[string]string{"go.mod": goMod, "go.sum": ""} {
			if err := os.WriteFile(filepath.Join(module, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err := newRecipe(t.Context(), module)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const head = "module small\n\ngo 1.26\n\nrequire (\n\tk8s.io/kubernetes "
	first, again, other := write(head+"v1.37.2 // indirect\n)\n"), write(head+"v1.37.2 // indirect\n)\n"), write(head+"v1.38.0\n)\n")
	if first.folder != again.folder || first.folder == other.folder {
		t.Errorf("got folders %s and %s of the same versions, %s of others", first.folder, again.folder, other.folder)
	}
	if first.version != "v1.37.2" || !strings.Contains(other.ldflags, "component-base/version.gitMinor=38") {
		t.Errorf("got version %s, flags %s of the other", first.version, other.ldflags)
	}
}
