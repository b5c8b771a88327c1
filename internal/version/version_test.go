package version

import (
	"regexp"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuild(t *testing.T) {
	info := func(version string, settings ...string) *debug.BuildInfo {
		i := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for n := 0; n < len(settings); n += 2 {
			i.Settings = append(i.Settings, debug.BuildSetting{Key: settings[n], Value: settings[n+1]})
		}
		return i
	}
	const (
		pseudo = "v0.0.0-20261125213838-bfd35c7d0d1d+dirty"
		hash   = "bfd35c7d0d1d6c2f0a52f7c9a4f0d1d6c2f0a52f"
		at     = "2026-11-25T21:38:38Z"
	)
	stamped := info(pseudo, "vcs", "git", "vcs.revision", hash, "vcs.time", at, "vcs.modified", "true")
	for name, row := range map[string]struct {
		ldflags Build
		info    *debug.BuildInfo
		want    Build
	}{
		"make build":               {Build{"v1.2.3", "abc", "2026-01-02T03:04:05Z", "go1.26"}, info("(devel)"), Build{"v1.2.3", "abc", "2026-01-02T03:04:05Z", "go1.26"}},
		"make build wins":          {Build{"v1.2.3", "abc", "2026-01-02T03:04:05Z", "go1.26"}, stamped, Build{"v1.2.3", "abc", "2026-01-02T03:04:05Z", "go1.26"}},
		"go build in a clone":      {Build{GoVersion: "go1.26"}, stamped, Build{pseudo, hash, at, "go1.26"}},
		"go install of a version":  {Build{GoVersion: "go1.26"}, info("v1.2.3"), Build{"v1.2.3", "unknown", "unknown", "go1.26"}},
		"go build without a clone": {Build{GoVersion: "go1.26"}, info("(devel)"), Build{"unknown", "unknown", "unknown", "go1.26"}},
		"another linker":           {Build{GoVersion: "go1.26"}, nil, Build{"unknown", "unknown", "unknown", "go1.26"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, complete(row.ldflags, row.info)); diff != "" {
				t.Errorf("(-want +got): %s", diff)
			}
		})
	}
}

// TestGet: the text has every field, whichever command built this test.
func TestGet(t *testing.T) {
	if got := Get().String(); !regexp.MustCompile(`^\S+ \(commit \S+ of \S+, go1\.\d\S* \w+/\w+\)$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}
