package browser

// Inspect looks at the page in every view, whatever state it is in: a picture
// of each is written as Screenshot does, no rule of accessibility may be broken,
// and nothing may be wider than the screen. The tab looks as before afterwards.
func (tab *Tab) Inspect(name string) {
	tab.t.Helper()
	before := tab.view
	for _, v := range Views() {
		tab.Look(v)
		tab.Screenshot(name)
		if wide := Ask[int](tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
			tab.t.Errorf("%s: as %s, the page has to be scrolled sideways, by %d pixels", name, v, wide)
		}
	}
	for _, v := range Views() {
		tab.Look(v)
		tab.Accessible(name)
	}
	tab.Look(before)
}
