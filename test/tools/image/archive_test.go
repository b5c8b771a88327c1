package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
