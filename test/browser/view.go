package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Screen is what a page is looked at on.
type Screen int

// The screens: a desktop of 1280×800 with a mouse, and a phone of 390×844 with
// two dots to a pixel and a finger.
const (
	Desktop Screen = iota
	Phone
)

// Scheme is the colours that somebody prefers.
type Scheme int

// The schemes, of which every page has both.
const (
	Light Scheme = iota
	Dark
)

// View is how a page is looked at. The zero View is a desktop's, in light colours.
type View struct {
	Screen Screen
	Scheme Scheme
}

// Views are all there are.
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

// media says what the buyer prefers: the colours, and that nothing moves, so that
// a picture of a page is the same each time.
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

// Look changes how the tab's page is looked at, without loading it again.
func (tab *Tab) Look(v View) {
	tab.t.Helper()
	tab.do("look at the page as "+v.String(), v.viewport(), v.media())
	tab.view = v
}
