package browser

// Inspect checks the page in every view: it writes a screenshot, and fails the test
// for violations of accessibility, and where the page is wider than the screen. It
// restores the view.
func (tab *Tab) Inspect(name string) {
	tab.t.Helper()
	before := tab.view
	for _, v := range Views() {
		tab.Look(v)
		tab.Screenshot(name)
		if wide := Ask[int](tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
			tab.t.Errorf("%s: as %s, the page is %d pixels wider than the screen", name, v, wide)
		}
	}
	for _, v := range Views() {
		tab.Look(v)
		tab.Accessible(name)
	}
	tab.Look(before)
}
