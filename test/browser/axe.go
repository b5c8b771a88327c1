package browser

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"

	"github.com/paylink-dev/paylink/test/missing"
)

// npm pins axe-core, the accessibility rules that run in the page.
//
//go:embed testdata/npm
var npm embed.FS

var errNoNode = errors.New("node and npm are missing: install Node.js 20 or newer (https://nodejs.org, or apt-get install nodejs npm)")

// axe is axe-core. The first test that needs it installs it.
type axe struct {
	once    sync.Once
	script  string
	failure error
}

func (a *axe) load(ctx context.Context) (string, error) {
	a.once.Do(func() { a.script, a.failure = installAxe(ctx) })
	return a.script, a.failure
}

// installAxe returns the script of axe-core.
func installAxe(ctx context.Context) (string, error) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", errNoNode
		}
	}
	dir, err := os.MkdirTemp("", "paylink-axe-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	pinned, err := fs.Sub(npm, "testdata/npm")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, pinned); err != nil {
		return "", err
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm cannot install axe-core, for which it needs the npm registry or a filled cache: %w\n%s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	return string(script), err
}

// violation is a violation of a rule, by axe-core.
type violation struct {
	ID, Impact, Help, HelpURL string
	Nodes                     []struct {
		Target         []any // selectors, from the frame inwards
		HTML           string
		FailureSummary string
	}
}

// String has the rule, the elements, and the advice.
func (v violation) String() string {
	var all strings.Builder
	fmt.Fprintf(&all, "%s (%s): %s\n  %s", v.ID, v.Impact, v.Help, v.HelpURL)
	for _, node := range v.Nodes {
		fmt.Fprintf(&all, "\n  at %v: %s\n    %s", node.Target, node.HTML, strings.ReplaceAll(node.FailureSummary, "\n", "\n    "))
	}
	return all.String()
}

// axeRun checks the page by all rules but the experimental ones, and by target-size of
// WCAG 2.2, which is off by default.
const axeRun = `axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(found =>
	found.violations.map(v => ({ID: v.id, Impact: v.impact ?? "", Help: v.help, HelpURL: v.helpUrl,
		Nodes: v.nodes.map(n => ({Target: n.target, HTML: n.html, FailureSummary: n.failureSummary}))})))`

// Accessible fails the test for every rule of accessibility that the current page
// violates. A test without npm is skipped, or fails where PAYLINK_REQUIRE_ALL is 1.
// Scripts must be enabled.
func (tab *Tab) Accessible(name string) {
	tab.t.Helper()
	script, err := tab.axe.load(context.Background())
	if err != nil {
		missing.Tool(tab.t, err.Error())
	}
	if !Ask[bool](tab, `typeof axe === "object"`) {
		if _, err := evaluate[chromedp.Void](tab, script); err != nil {
			tab.t.Fatalf("run axe-core: %v", err)
		}
	}
	for _, broken := range Ask[[]violation](tab, axeRun) {
		tab.t.Errorf("%s: as %s, the page breaks the rule %s", name, tab.view, broken)
	}
}
