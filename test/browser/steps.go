package browser

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Open loads an address, and returns the HTTP status of the page after redirects.
func (tab *Tab) Open(address string) int {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.timeout)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	if err != nil {
		tab.t.Fatalf("open %s: %v", address, err)
	}
	if answer == nil {
		return 0 // an address within the page
	}
	return int(answer.Status)
}

// Click presses the element with this role and name, once it exists: "button" and
// "Buy Lifetime", "link" and "Continue", "radio" and "Bank debit".
func (tab *Tab) Click(role, name string) {
	tab.t.Helper()
	tab.click(role, name, press)
}

// DoubleClick is Click, pressed twice at once.
func (tab *Tab) DoubleClick(role, name string) {
	tab.t.Helper()
	tab.click(role, name, pressTwice)
}

func (tab *Tab) click(role, name string, press func(context.Context, element, Screen) error) {
	tab.t.Helper()
	tab.await(fmt.Sprintf("press the %s %q", role, name), func(ctx context.Context) (bool, error) {
		e, err := find(ctx, role, name)
		if err != nil {
			return false, err
		}
		err = press(ctx, e, tab.view.Screen)
		return err == nil, err
	})
}

// Fill types into the field with this label, in place of its content.
func (tab *Tab) Fill(label, text string) {
	tab.t.Helper()
	tab.await(fmt.Sprintf("fill in %q", label), func(ctx context.Context) (bool, error) {
		e, err := find(ctx, "textbox", label)
		if err != nil {
			return false, err
		}
		if err := press(ctx, e, tab.view.Screen); err != nil {
			return false, err
		}
		if _, err := call[chromedp.Void](ctx, e, "function() { this.select() }"); err != nil {
			return false, err
		}
		if err := chromedp.Do(ctx, chromedp.KeyEvent(text)); err != nil {
			return false, err
		}
		typed, err := call[string](ctx, e, "function() { return this.value }")
		if err == nil && typed != text {
			err = fmt.Errorf("it holds %q", typed)
		}
		return err == nil, err
	})
}

// A Key of the keyboard.
type Key string

// The keys of the tests.
const (
	TabKey   Key = kb.Tab
	EnterKey Key = kb.Enter
	SpaceKey Key = " "
)

// Press presses keys one after another.
func (tab *Tab) Press(keys ...Key) {
	tab.t.Helper()
	for _, key := range keys {
		tab.do(fmt.Sprintf("press the key %q", key), chromedp.KeyEvent(string(key)))
	}
}

// Focused is the role and the name of the focused element, as "button Buy
// Lifetime"; "": none.
func (tab *Tab) Focused() (what string) {
	tab.t.Helper()
	tab.await("find the focused element", func(ctx context.Context) (bool, error) {
		active, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject]("document.activeElement ?? document.body"))
		if err != nil {
			return false, err
		}
		alone := false
		announced, err := chromedp.Call(ctx, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{ObjectID: active.ObjectID, FetchRelatives: &alone})
		if err != nil || len(announced.Nodes) == 0 {
			return false, err
		}
		if node := announced.Nodes[0]; !node.Ignored && active.ClassName != "HTMLBodyElement" && node.Role != nil && node.Name != nil {
			what = valueOf(node.Role) + " " + strings.TrimSpace(valueOf(node.Name)) // some versions keep the space before a label's field
		}
		return true, nil
	})
	return what
}

// DisableScripts disables JavaScript from the next page on.
func (tab *Tab) DisableScripts() {
	tab.t.Helper()
	tab.do("switch off JavaScript", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// RunBefore runs a script before those of the page, in every page from the next on.
func (tab *Tab) RunBefore(script string) {
	tab.t.Helper()
	tab.do("prepare a script", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}
