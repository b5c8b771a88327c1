// Package docs_test checks the docs against the repository: links, commands, lists and examples.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/check"
)

// root is the repository's folder.
const root = "../.."

// pages returns the Markdown files of the repository, by their path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "node_modules", "testdata"}, entry.Name()) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err == nil {
			found[filepath.ToSlash(name)] = read(t, name)
		}
		return err
	})
	check.Must(t, err)
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	check.Must(t, err)
	return string(text)
}

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	anchor  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	// dropped is what GitHub leaves out of a heading's anchor.
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	linked  = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
)

// anchors returns the anchors of a page, as GitHub makes them.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		text := linked.ReplaceAllStringFunc(match[1], func(link string) string { return link[1:strings.Index(link, "]")] })
		found[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(text), ""), " ", "-")] = true
	}
	for _, match := range anchor.FindAllStringSubmatch(page, -1) {
		found[match[1]] = true
	}
	return found
}

func TestAnchors(t *testing.T) {
	page := "# Two servers\n\n## Audit: `a_b`, and [c](d.md)\n\n### What's *new*?\n"
	want := map[string]bool{"two-servers": true, "audit-a_b-and-c": true, "whats-new": true}
	if diff := cmp.Diff(want, anchors(page)); diff != "" {
		t.Error(diff)
	}
}

// TestLinks checks that a link within the repository leads to a file, and to a heading of it.
func TestLinks(t *testing.T) {
	all := pages(t)
	checked := 0
	for name, page := range all {
		for _, match := range linked.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
			target, section, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, ":") { // another site
				continue
			}
			checked++
			file := name
			if target != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
				continue
			}
			if section != "" && filepath.Ext(file) == ".md" && !anchors(fence.ReplaceAllString(all[file], ""))[section] {
				t.Errorf("%s links to %s, and %s has no such heading", name, match[1], file)
			}
		}
	}
	if checked < 50 {
		t.Errorf("got %d links, want at least 50", checked)
	}
}
