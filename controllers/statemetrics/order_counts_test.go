package statemetrics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

// TestAttentionReasons: attentionReasons has every reason of NeedsAttention that the API declares. An order with another
// reason would be in no count.
func TestAttentionReasons(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, parser.ParseComments)
	check.Must(t, err)
	var want []string
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || !strings.HasPrefix(group.Doc.Text(), "Reasons of the condition NeedsAttention.") {
			continue
		}
		for _, spec := range group.Specs {
			value, err := strconv.Unquote(spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
			check.Must(t, err)
			want = append(want, value)
		}
	}
	if len(want) == 0 || !slices.Equal(attentionReasons, want) {
		t.Errorf("got %q, want %q", attentionReasons, want)
	}
}
