package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDockerfile: its image has the settings of the other images. No test builds it.
func TestDockerfile(t *testing.T) {
	text := strings.ReplaceAll(string(read(t, root+"/Dockerfile")), "\\\n", "")
	build, image, found := strings.Cut(text, "\nFROM scratch\n")
	if !found {
		t.Fatal("its last stage is not from scratch")
	}
	variables := map[string]string{"VERSION": testVersion, "COMMIT": testCommit, "DATE": testDate}
	labels, settings := map[string]string{}, map[string]string{}
	for _, line := range strings.Split(image, "\n") {
		instruction, rest, _ := strings.Cut(line, " ")
		switch instruction {
		case "", "#":
		case "LABEL":
			key, value, _ := strings.Cut(rest, "=")
			labels[key] = os.Expand(strings.Trim(value, `"`), func(name string) string { return variables[name] })
		default:
			settings[instruction] = rest
		}
	}
	if diff := cmp.Diff(wantLabels, labels); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{
		"ARG": "VERSION=v0.0.0-unknown COMMIT=unknown DATE=1970-01-01T00:00:00Z",
		"ENV": "PATH=/", "WORKDIR": "/", "USER": user, "COPY": "--from=build /src/root/ /",
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Error(diff)
	}
	for _, step := range []string{
		`make image-servers ARCH=\$TARGETARCH VERSION=\$VERSION COMMIT=\$COMMIT DATE=\$DATE `, `go -C test/tools/image run \. roots > root/` + rootsPath,
	} {
		if !regexp.MustCompile(step).MatchString(build) {
			t.Errorf("got a build stage without %s", step)
		}
	}
	needs := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(read(t, root+"/go.mod"))
	if from := regexp.MustCompile(`(?m)^FROM \S+ golang:(\d+\.\d+)\.\d+ AS build$`).FindStringSubmatch(build); from == nil || from[1] != string(needs[1]) {
		t.Errorf("got Go %v, want %s of go.mod", from, needs[1])
	}
}
