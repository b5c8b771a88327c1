package docs_test

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/check"
)

// TestTargets checks that the Makefile has each target that a page names.
func TestTargets(t *testing.T) {
	makefile := read(t, "Makefile")
	for name, page := range pages(t) {
		for _, match := range regexp.MustCompile("(?m)(?:`|^|&& |- run: )make ([a-z][a-z -]*[a-z])").FindAllStringSubmatch(page, -1) {
			for _, target := range strings.Fields(match[1]) {
				if !regexp.MustCompile(`(?m)^[a-z -]*\b` + regexp.QuoteMeta(target) + `\b[a-z -]*:`).MatchString(makefile) {
					t.Errorf("%s names make %s, which the Makefile does not have", name, target)
				}
			}
		}
	}
}

// TestEventTypes checks that the docs list the types that the endpoint at Stripe needs.
func TestEventTypes(t *testing.T) {
	_, list, found := strings.Cut(read(t, "docs/selling.md"), "## The endpoint at Stripe")
	if !found {
		t.Fatal("docs/selling.md has no list of event types")
	}
	var listed []string
	for _, match := range regexp.MustCompile("(?m)^\\* `([a-z_.]+)`$").FindAllStringSubmatch(list, -1) {
		listed = append(listed, match[1])
	}
	slices.Sort(listed)
	if diff := cmp.Diff(webhook.EventTypes(), listed); diff != "" {
		t.Errorf("docs/selling.md lists other event types: %s", diff)
	}
}

// TestPackages checks that docs/architecture.md lists the packages of both servers, and no others.
func TestPackages(t *testing.T) {
	var want []string
	for _, top := range []string{"api", "cmd", "controllers", "internal", "webhookserver"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(folder string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			files, err := filepath.Glob(filepath.Join(folder, "*.go"))
			if err != nil || len(files) == 0 {
				return err
			}
			name, err := filepath.Rel(root, folder)
			want = append(want, filepath.ToSlash(name)+"/")
			return err
		})
		check.Must(t, err)
	}
	_, section, _ := strings.Cut(read(t, "docs/architecture.md"), "## Packages")
	list := strings.Split(section, "```")[1]
	var got []string
	parent := ""
	for _, match := range regexp.MustCompile(`(?m)^( *)([a-z0-9/]+/)`).FindAllStringSubmatch(list, -1) {
		if match[1] == "" {
			parent = match[2]
			got = append(got, parent)
		} else {
			got = append(got, parent+match[2])
		}
	}
	got = slices.DeleteFunc(got, func(name string) bool {
		return slices.Contains([]string{"controllers/", "config/", "charts/paylink/", "test/"}, name) // no packages
	})
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDecisions checks that the index of decisions lists every record, by its title.
func TestDecisions(t *testing.T) {
	index := read(t, "docs/adr/README.md")
	for name, page := range pages(t) {
		folder, file := path.Split(name)
		if folder != "docs/adr/" || file == "README.md" {
			continue
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(page, "# "), "\n")
		if want := "| [" + title + "](" + file + ") |"; !strings.Contains(index, want) {
			t.Errorf("docs/adr/README.md has no %s", want)
		}
	}
}

// TestExamples checks that the code in CONTRIBUTING.md is in the file that the link before it names.
func TestExamples(t *testing.T) {
	examples := regexp.MustCompile("(?s)\\]\\(([^)]+\\.go)\\)\\):\n\n```go\n(.*?)```").FindAllStringSubmatch(read(t, "CONTRIBUTING.md"), -1)
	if len(examples) < 2 {
		t.Errorf("got %d examples, want at least 2", len(examples))
	}
	for _, example := range examples {
		if !strings.Contains(read(t, example[1]), example[2]) {
			t.Errorf("%s does not have the code of CONTRIBUTING.md:\n%s", example[1], example[2])
		}
	}
}
