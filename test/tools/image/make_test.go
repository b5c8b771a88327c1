package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository.
const root = "../../.."

// copyTo copies files and folders of the repository to a folder.
func copyTo(t *testing.T, to string, paths ...string) {
	t.Helper()
	for _, path := range paths {
		from, target := filepath.Join(root, path), filepath.Join(to, path)
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			err = os.CopyFS(target, os.DirFS(from))
		} else {
			var content []byte
			if content, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(target, content, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// command runs a command in a folder and returns its output. The environment has no settings of make, git and Go.
func command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	for _, variable := range os.Environ() {
		if !regexp.MustCompile(`^(MAKE|MFLAGS|GIT_|VERSION=|IMAGE=|GOFLAGS=|GOOS=|GOARCH=)`).MatchString(variable) {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestVersion: a build has the version that git describes.
func TestVersion(t *testing.T) {
	dir := t.TempDir()
	copyTo(t, dir, "Makefile")
	git := func(args ...string) {
		t.Helper()
		command(t, dir, []string{
			"GIT_AUTHOR_NAME=Somebody", "GIT_AUTHOR_EMAIL=somebody@example.com", "GIT_AUTHOR_DATE=2025-01-02T03:04:05Z",
			"GIT_COMMITTER_NAME=Somebody", "GIT_COMMITTER_EMAIL=somebody@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05+09:00",
		}, "git", args...)
	}
	const hash, at = `[0-9a-f]{40}`, `2026-01-01T18:04:05Z`
	builds := func(what, version, commit, date string, args ...string) {
		t.Helper()
		printed := command(t, dir, []string{"TZ=Asia/Tokyo"}, "make", append([]string{"-n", "build"}, args...)...)
		const variable = `-X github\.com/paylink-dev/paylink/internal/version\.`
		want := variable + `version=` + version + ` ` + variable + `commit=` + commit + ` ` + variable + `date=` + date + `'`
		if !regexp.MustCompile(want).MatchString(printed) {
			t.Errorf("%s: got %s, want %s", what, printed, want)
		}
	}
	builds("no repository", `v0\.0\.0-unknown`, `unknown`, `1970-01-01T00:00:00Z`)
	git("init", "-q")
	builds("no commit", `v0\.0\.0-unknown`, `unknown`, `1970-01-01T00:00:00Z`)
	git("add", "-A")
	git("commit", "-q", "-m", "Begin")
	builds("no tag", `v0\.0\.0-g[0-9a-f]{12}`, hash, at)
	git("tag", "latest")
	builds("a tag that is no version", `v0\.0\.0-g[0-9a-f]{12}`, hash, at)
	git("tag", "v0.1.0")
	builds("a tag", `v0\.1\.0`, hash, at)
	git("commit", "-q", "--allow-empty", "-m", "Go on")
	builds("a commit after it", `v0\.1\.0-1-g[0-9a-f]{12}`, hash, at)
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), append([]byte("# Changed.\n"), read(t, filepath.Join(dir, "Makefile"))...), 0o644); err != nil {
		t.Fatal(err)
	}
	builds("a change after that", `v0\.1\.0-1-g[0-9a-f]{12}-dirty`, hash, at)
	builds("a version of one's own", `v7`, hash, at, "VERSION=v7")
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
