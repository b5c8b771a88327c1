package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Screen is the device of a view.
type Screen int

// The screens: a desktop of 1280×800 with a mouse, and a phone of 390×844 with a
// pixel ratio of 2 and touch.
const (
	Desktop Screen = iota
	Phone
)

// Scheme is the preferred colour scheme.
type Scheme int

// The colour schemes.
const (
	Light Scheme = iota
	Dark
)

// View is a screen and a colour scheme. The zero View is a light desktop.
type View struct {
	Screen Screen
	Scheme Scheme
}

// Views are all views.
func Views() []View {
	return []View{{Desktop, Light}, {Desktop, Dark}, {Phone, Light}, {Phone, Dark}}
}

// String names the view, as desktop-light.
func (v View) String() string {
	return [...]string{"desktop", "phone"}[v.Screen] + "-" + [...]string{"light", "dark"}[v.Scheme]
}

func (v View) viewport() chromedp.Action[chromedp.Void] {
	if v.Screen == Phone {
		return chromedp.EmulateViewport(390, 844,
			chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	return chromedp.EmulateViewport(1280, 800)
}

// media sets the colour scheme, and reduces motion, so that screenshots are
// reproducible.
func (v View) media() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: [...]string{"light", "dark"}[v.Scheme]},
				{Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
		return err
	})
}

// Look changes the view of the tab without a reload.
func (tab *Tab) Look(v View) {
	tab.t.Helper()
	tab.do("look at the page as "+v.String(), v.viewport(), v.media())
	tab.view = v
}
