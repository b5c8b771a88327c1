package browser

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// element is an element of the page.
type element struct {
	node   cdp.BackendNodeID
	object runtime.RemoteObjectID
}

// find finds an element by its role, as button, link, textbox or heading, and its
// accessible name. It finds nothing that a screen reader does not announce.
func find(ctx context.Context, role, name string) (element, error) {
	document, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject]("document"))
	if err != nil {
		return element{}, err
	}
	announced, err := chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
		ObjectID: document.ObjectID, Role: role, AccessibleName: name,
	})
	if err != nil {
		return element{}, err
	}
	var found []cdp.BackendNodeID
	for _, node := range announced.Nodes {
		if !node.Ignored {
			found = append(found, node.BackendDOMNodeID)
		}
	}
	if len(found) != 1 {
		return element{}, fmt.Errorf("the page has %d of it", len(found))
	}
	resolved, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: found[0]})
	if err != nil {
		return element{}, err
	}
	return element{node: found[0], object: resolved.Object.ObjectID}, nil
}

// call calls a JavaScript function with the element as its "this".
func call[T any](ctx context.Context, e element, function string, args ...any) (T, error) {
	return chromedp.Run(ctx, chromedp.CallFunctionOn[T](function,
		func(p *runtime.CallFunctionOnParams) { p.ObjectID = e.object }, args...))
}

// press scrolls to the element and presses its middle, by touch on a phone and by
// mouse elsewhere. It refuses a disabled or covered element.
func press(ctx context.Context, e element, screen Screen) error {
	x, y, err := middle(ctx, e)
	if err != nil {
		return err
	}
	return chromedp.Do(ctx, pressAt(x, y, screen))
}

// pressTwice is press, twice before the page can react.
func pressTwice(ctx context.Context, e element, screen Screen) error {
	x, y, err := middle(ctx, e)
	if err != nil {
		return err
	}
	if err := chromedp.Do(ctx, pressAt(x, y, screen)); err != nil {
		return err
	}
	again := pressAt(x, y, screen)
	if screen == Desktop {
		again = chromedp.MouseClickXY(x, y, chromedp.ClickCount(2))
	}
	_ = chromedp.Do(ctx, again) // the page may navigate meanwhile
	return nil
}

func pressAt(x, y float64, screen Screen) chromedp.Action[chromedp.Void] {
	if screen == Phone {
		return chromedp.TapXY(x, y)
	}
	return chromedp.MouseClickXY(x, y)
}

// middle scrolls to the element, and returns its middle.
func middle(ctx context.Context, e element) (x, y float64, err error) {
	if disabled, err := call[bool](ctx, e, `function() { return this.matches(":disabled") }`); err != nil || disabled {
		return 0, 0, errors.Join(err, errors.New("it cannot be pressed at the moment"))
	}
	if _, err := chromedp.Call(ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: e.node}); err != nil {
		return 0, 0, err
	}
	shape, err := chromedp.Call(ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: e.node})
	if err != nil {
		return 0, 0, err
	}
	if len(shape.Quads) == 0 || len(shape.Quads[0]) != 8 {
		return 0, 0, errors.New("it has no place on the page")
	}
	corners := shape.Quads[0] // x and y of four
	x, y = (corners[0]+corners[4])/2, (corners[1]+corners[5])/2
	free, err := call[bool](ctx, e, `function(x, y) { return this.contains(document.elementFromPoint(x, y)) }`, x, y)
	if err != nil || !free {
		return 0, 0, errors.Join(err, errors.New("something lies over it"))
	}
	return x, y, nil
}
