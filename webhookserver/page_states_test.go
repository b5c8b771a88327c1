package webhookserver_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// declaredStates are the states in the sources of the texts: constants of type State, and values of the field State.
func declaredStates(t *testing.T) []string {
	t.Helper()
	var states []string
	add := func(literal ast.Expr) {
		if basic, ok := literal.(*ast.BasicLit); ok {
			states = append(states, strings.Trim(basic.Value, `"`))
		}
	}
	for _, name := range []string{"returnpage/texts.go", "checkout/notices.go", "page/page.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		check.Must(t, err)
		for node := range ast.Preorder(file) {
			switch node := node.(type) {
			case *ast.ValueSpec:
				if kind, ok := node.Type.(*ast.Ident); ok && kind.Name == "State" {
					add(node.Values[0])
				}
			case *ast.KeyValueExpr:
				if key, ok := node.Key.(*ast.Ident); ok && key.Name == "State" {
					add(node.Value)
				}
			}
		}
	}
	slices.Sort(states)
	return states
}

// TestStatesHaveStyles: the style shown has an icon for each state of a page, and for no other.
func TestStatesHaveStyles(t *testing.T) {
	want := declaredStates(t)
	if len(want) < 16 {
		t.Fatalf("got %d states, want at least 16: %v", len(want), want)
	}
	css := ask(t, open(t, fakeshop.Options{}), call{method: http.MethodGet, path: "/dashboard/billing/page.css"}).Body.String()
	var got []string
	for _, match := range regexp.MustCompile(`\[data-state=([^\]]*)\]`).FindAllStringSubmatch(css, -1) {
		got = append(got, match[1])
	}
	slices.Sort(got)
	check.Equal(t, want, slices.Compact(got), "states in page.css")
}
