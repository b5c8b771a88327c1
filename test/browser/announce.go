package browser

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// SeeAnnounced waits until all the texts are in live regions at once, which a screen
// reader announces when they change.
func (tab *Tab) SeeAnnounced(texts ...string) {
	tab.t.Helper()
	tab.await(fmt.Sprintf("see announced %q", texts), func(ctx context.Context) (bool, error) {
		live, err := liveText(ctx)
		if err != nil {
			return false, err
		}
		for _, text := range texts {
			if !strings.Contains(live, text) {
				return false, fmt.Errorf("the live regions have %q", live)
			}
		}
		return true, nil
	})
}

// Announced is the text of the page's live regions, by the accessibility tree, in any
// order.
func (tab *Tab) Announced() (text string) {
	tab.t.Helper()
	tab.await("read the live regions", func(ctx context.Context) (_ bool, err error) {
		text, err = liveText(ctx)
		return err == nil, err
	})
	return text
}

func liveText(ctx context.Context) (string, error) {
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

// live reports whether a node is in a live region.
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
