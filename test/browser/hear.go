package browser

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// Hear waits until each of the texts is in a live region, all at the same moment:
// what changes there, a screen reader says of itself, wherever its user is.
func (tab *Tab) Hear(texts ...string) {
	tab.t.Helper()
	tab.await(fmt.Sprintf("hear %q", texts), func(ctx context.Context) (bool, error) {
		heard, err := spokenOfItself(ctx)
		if err != nil {
			return false, err
		}
		for _, text := range texts {
			if !strings.Contains(heard, text) {
				return false, fmt.Errorf("what is heard is %q", heard)
			}
		}
		return true, nil
	})
}

// Heard is all that the page's live regions hold now, by the accessibility tree,
// one region after another in no certain order.
func (tab *Tab) Heard() (heard string) {
	tab.t.Helper()
	tab.await("listen to the page", func(ctx context.Context) (_ bool, err error) {
		heard, err = spokenOfItself(ctx)
		return err == nil, err
	})
	return heard
}

func spokenOfItself(ctx context.Context) (string, error) {
	tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return "", err
	}
	nodes := map[accessibility.NodeID]*accessibility.Node{}
	for _, node := range tree.Nodes {
		nodes[node.NodeID] = node
	}
	var words []string
	for _, node := range tree.Nodes {
		if valueOf(node.Role) == "StaticText" && live(nodes, node) {
			words = append(words, valueOf(node.Name))
		}
	}
	return strings.Join(words, " "), nil
}

// live tells whether a node is in a live region.
func live(nodes map[accessibility.NodeID]*accessibility.Node, node *accessibility.Node) bool {
	for ; node != nil; node = nodes[node.ParentID] {
		for _, property := range node.Properties {
			if value := valueOf(property.Value); property.Name == accessibility.PropertyNameLive && (value == "polite" || value == "assertive") {
				return true
			}
		}
	}
	return false
}

func valueOf(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}
