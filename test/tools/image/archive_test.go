package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// bin returns a folder with a stand-in of each server for each architecture.
func bin(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, arch := range []string{"amd64", "arm64"} {
		if err := os.Mkdir(filepath.Join(dir, "linux-"+arch), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, server := range servers {
			if err := os.WriteFile(filepath.Join(dir, "linux-"+arch, server), []byte(server+" of "+arch), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// args are those of the Makefile.
func args(command, bin, archive string, more ...string) []string {
	return append([]string{
		command, "-image", "registry.example/paylink", "-version", testVersion, "-commit", testCommit, "-date", testDate, "-bin", bin, "-o", archive,
	}, more...)
}

// TestOCI: the archive holds an image for each architecture, equal to those of the docker archives.
func TestOCI(t *testing.T) {
	dir, out := bin(t), t.TempDir()
	archive, again := filepath.Join(out, "oci.tar"), filepath.Join(out, "again.tar")
	for _, path := range []string{archive, again} {
		if err := run(args("oci", dir, path, "-arch", "amd64,arm64"), io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(read(t, archive), read(t, again)) {
		t.Error("got other bytes the second time")
	}
	outer, err := layout.ImageIndexFromPath(untar(t, archive))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(outer); err != nil {
		t.Error(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"org.opencontainers.image.ref.name": testVersion, "io.containerd.image.name": "registry.example/paylink:" + testVersion}
	if len(manifest.Manifests) != 1 || cmp.Diff(want, manifest.Manifests[0].Annotations) != "" {
		t.Fatalf("got manifests %+v, want one with annotations %v", manifest.Manifests, want)
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	checkIndex(t, index, dir)
}

func checkIndex(t *testing.T, index v1.ImageIndex, bin string) {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantLabels, manifest.Annotations); diff != "" {
		t.Error(diff)
	}
	var platforms []string
	for _, descriptor := range manifest.Manifests {
		platforms = append(platforms, descriptor.Platform.String())
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		archive := filepath.Join(t.TempDir(), "docker.tar")
		if err := run(args("docker", bin, archive, "-arch", descriptor.Platform.Architecture), io.Discard); err != nil {
			t.Fatal(err)
		}
		if id(t, image) != id(t, open(t, archive)) {
			t.Errorf("got another image for %s than the docker archive has", descriptor.Platform)
		}
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Error(diff)
	}
}

// untar returns a folder with the files of an archive.
func untar(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "tar", "-xf", path, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// TestRefuses: a wrong call has an error that says what is wrong, and leaves no file.
func TestRefuses(t *testing.T) {
	dir := bin(t)
	if err := os.Remove(filepath.Join(dir, "linux-arm64", "controller")); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		command string
		args    []string
		want    string
	}{
		"nothing to do":           {"podman", []string{"-arch", "amd64"}, `unknown command "podman"`},
		"no architecture":         {"docker", nil, `unknown architecture "": amd64 or arm64`},
		"another architecture":    {"docker", []string{"-arch", "riscv64"}, `unknown architecture "riscv64"`},
		"two of them":             {"docker", []string{"-arch", "amd64,amd64"}, "holds one architecture"},
		"a server is missing":     {"docker", []string{"-arch", "arm64"}, "linux/arm64"},
		"an image's name and tag": {"docker", []string{"-arch", "amd64", "-image", "registry.example/paylink:v1"}, "as its tag, a version"},
		"a version that no tag is": {
			"docker", []string{"-arch", "amd64", "-version", "v1.2.3+dirty"}, "as its tag, a version",
		},
		"no date":                {"docker", []string{"-arch", "amd64", "-date", ""}, "-date: "},
		"a folder that is not":   {"docker", []string{"-arch", "amd64", "-o", filepath.Join(dir, "none", "image.tar")}, "no such file or directory"},
		"a folder in the way":    {"docker", []string{"-arch", "amd64", "-o", dir}, "file exists"},
		"a flag that is unknown": {"docker", []string{"-no-such-flag"}, "-no-such-flag"},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			err := run(args(row.command, dir, filepath.Join(out, "image.tar"), row.args...), io.Discard)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got error %v, want %q", err, row.want)
			}
			if left, _ := os.ReadDir(out); len(left) > 0 {
				t.Errorf("got a file %s, want none", left[0].Name())
			}
		})
	}
}
