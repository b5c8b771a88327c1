// Package version holds the build information of a program: its version, commit and compiler.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// The Makefile sets these through LDFLAGS.
var version, commit, date string

// Build is the build information of a program. An unknown field is "unknown".
type Build struct {
	// Version is the tag, or the nearest tag with the number of commits since.
	Version string
	// Commit is the full hash of the commit.
	Commit string
	// Date is the date of the commit in UTC. It makes builds of one commit reproducible.
	Date string
	// GoVersion is the version of the compiler.
	GoVersion string
}

// Get returns the build information of this program, from LDFLAGS or from the go command.
func Get() Build {
	info, _ := debug.ReadBuildInfo()
	return complete(Build{Version: version, Commit: commit, Date: date, GoVersion: runtime.Version()}, info)
}

// complete completes the fields from LDFLAGS with the information of the go command.
func complete(b Build, info *debug.BuildInfo) Build {
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
	if found.Version == "(devel)" { // a build outside of a module's version
		found.Version = ""
	}
	b.Version = cmp.Or(b.Version, found.Version, "unknown")
	b.Commit = cmp.Or(b.Commit, found.Commit, "unknown")
	b.Date = cmp.Or(b.Date, found.Date, "unknown")
	return b
}

// String formats the build for --version, which prints it after the program's name.
func (b Build) String() string {
	return fmt.Sprintf("%s (commit %s of %s, %s %s/%s)", b.Version, b.Commit, b.Date, b.GoVersion, runtime.GOOS, runtime.GOARCH)
}
