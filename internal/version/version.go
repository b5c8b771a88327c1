// Package version tells which build of Paylink a program is.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Set by the linker where the Makefile builds; see LDFLAGS there.
var version, commit, date string

// Build is where a program came from. What is not known is "unknown".
type Build struct {
	// Version is the tag, or the nearest one and what came since.
	Version string
	// Commit is the full hash of the commit.
	Commit string
	// Date is the commit's, in UTC: a build of the same commit is the same, whenever it is made.
	Date string
	// GoVersion is that of the compiler.
	GoVersion string
}

// Get returns the build of this program: as the linker was told, and otherwise as go build found it by itself.
func Get() Build {
	info, _ := debug.ReadBuildInfo()
	return build(Build{Version: version, Commit: commit, Date: date, GoVersion: runtime.Version()}, info)
}

// build completes what the linker was told by what Go found.
func build(b Build, info *debug.BuildInfo) Build {
	var found Build
	if info != nil {
		found.Version = info.Main.Version
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				found.Commit = setting.Value
			case "vcs.time":
				found.Date = setting.Value
			}
		}
	}
	if found.Version == "(devel)" { // says no more than nothing does
		found.Version = ""
	}
	complete := func(told *string, found string) {
		if *told == "" {
			*told = found
		}
		if *told == "" {
			*told = "unknown"
		}
	}
	complete(&b.Version, found.Version)
	complete(&b.Commit, found.Commit)
	complete(&b.Date, found.Date)
	return b
}

// String is what --version prints, after the program's name.
func (b Build) String() string {
	return fmt.Sprintf("%s (commit %s of %s, %s %s/%s)", b.Version, b.Commit, b.Date, b.GoVersion, runtime.GOOS, runtime.GOARCH)
}
