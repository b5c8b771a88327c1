package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/buildinfo"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// The settings of the test's images.
const (
	testVersion = "v1.2.3"
	testCommit  = "0123456789abcdef0123456789abcdef01234567"
	testDate    = "2026-11-25T21:38:38Z"
)

var wantLabels = map[string]string{
	"org.opencontainers.image.title":       "Paylink",
	"org.opencontainers.image.description": "One-time sales through Stripe Payment Links on Kubernetes: the controller and the webhook server.",
	"org.opencontainers.image.source":      "https://github.com/paylink-dev/paylink",
	"org.opencontainers.image.licenses":    "Apache-2.0",
	"org.opencontainers.image.version":     testVersion,
	"org.opencontainers.image.revision":    testCommit,
	"org.opencontainers.image.created":     testDate,
}

// TestImage makes the image by make image; for this machine's architecture twice, in other folders and environments.
func TestImage(t *testing.T) {
	arches := []string{runtime.GOARCH}
	if os.Getenv("PAYLINK_REQUIRE_ALL") == "1" {
		arches = []string{"amd64", "arm64"}
	}
	for _, arch := range arches {
		t.Run(arch, func(t *testing.T) {
			archive := makeImage(t, arch, "022", "TZ=UTC")
			if arch == runtime.GOARCH {
				again := makeImage(t, arch, "077", "TZ=Asia/Tokyo", "GOAMD64=v3", "GOARM64=v8.2", "GOFLAGS=-tags=other", "SOURCE_DATE_EPOCH=1")
				if !bytes.Equal(read(t, archive), read(t, again)) {
					t.Errorf("got other bytes: the images' ids are %s and %s", id(t, open(t, archive)), id(t, open(t, again)))
				}
			}
			t.Run("config", func(t *testing.T) { checkConfig(t, archive, arch) })
			files, modes := unpack(t, open(t, archive))
			checkFiles(t, modes)
			t.Run("roots", func(t *testing.T) { checkRoots(t, filepath.Join(files, rootsPath)) })
			for _, server := range servers {
				t.Run(server, func(t *testing.T) {
					checkProgram(t, filepath.Join(files, server), arch)
					if runtime.GOOS == "linux" && runtime.GOARCH == arch {
						checkRuns(t, files, server)
					}
				})
			}
		})
	}
}

// makeImage runs make image in a copy of the sources, and returns the archive.
func makeImage(t *testing.T, arch, umask string, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "test", "tools"), 0o755); err != nil {
		t.Fatal(err)
	}
	copyTo(t, dir, "Makefile", "go.mod", "go.sum", "api", "cmd", "controllers", "internal", "webhookserver", "test/tools/image")
	printed := command(t, dir, env, "sh", "-c", "umask "+umask+` && exec make "$@"`, "make", "image", "ARCH="+arch,
		"IMAGE=registry.example/paylink", "VERSION="+testVersion, "COMMIT="+testCommit, "DATE="+testDate)
	archive := filepath.Join(dir, "bin", "paylink-"+testVersion+"-linux-"+arch+".tar")
	image := open(t, archive)
	if want := "id " + id(t, image); !strings.Contains(printed, want) {
		t.Errorf("got %s, want %s in it", printed, want)
	}
	t.Log(printed)
	return archive
}

// open reads the archive as docker load does.
func open(t *testing.T, archive string) v1.Image {
	t.Helper()
	image, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func id(t *testing.T, image v1.Image) string {
	t.Helper()
	name, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	return name.String()
}

func checkConfig(t *testing.T, archive, arch string) {
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(archive) })
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest) != 1 || !slices.Equal(manifest[0].RepoTags, []string{"registry.example/paylink:" + testVersion}) {
		t.Errorf("got manifest %+v, want one image with its tag", manifest)
	}
	image := open(t, archive)
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != arch || config.Created.UTC().Format(time.RFC3339) != testDate {
		t.Errorf("got %s/%s of %s, want linux/%s of %s", config.OS, config.Architecture, config.Created, arch, testDate)
	}
	// Neither an entrypoint nor a command: there are two servers, and none is the default.
	want := v1.Config{User: "65532:65532", WorkingDir: "/", Env: []string{"PATH=/"}, Labels: wantLabels}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Error(diff)
	}
}

// unpack returns a folder with the files of an image, and their modes by name.
func unpack(t *testing.T, image v1.Image) (dir string, modes map[string]fs.FileMode) {
	t.Helper()
	dir, modes = t.TempDir(), map[string]fs.FileMode{}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	checkEnd(t, image)
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path, mode := filepath.Join(dir, filepath.Clean("/"+header.Name)), header.FileInfo().Mode()
		modes[strings.TrimSuffix(header.Name, "/")] = mode
		if header.Uid != 0 || header.Gid != 0 || header.ModTime.UTC().Format(time.RFC3339) != testDate {
			t.Errorf("%s: got owner %d:%d and time %s, want 0:0 and %s", header.Name, header.Uid, header.Gid, header.ModTime, testDate)
		}
		if mode.IsDir() {
			err = os.MkdirAll(path, mode.Perm())
		} else {
			var data []byte
			if data, err = io.ReadAll(archive); err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, mode.Perm()))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, modes
}

// checkFiles checks the files of the image: there are no others, and no shell.
func checkFiles(t *testing.T, modes map[string]fs.FileMode) {
	t.Helper()
	want := map[string]fs.FileMode{
		"controller": 0o555, "webhookserver": 0o555,
		"etc": fs.ModeDir | 0o755, "etc/ssl": fs.ModeDir | 0o755, "etc/ssl/certs": fs.ModeDir | 0o755, "etc/ssl/certs/ca-certificates.crt": 0o444,
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(modes))); diff != "" {
		t.Error(diff)
	}
	for name, mode := range want {
		if modes[name] != mode {
			t.Errorf("%s: got mode %s, want %s", name, modes[name], mode)
		}
	}
}

// checkEnd checks that the layer ends with the two empty blocks of tar, which Go does not need and other programs do.
func checkEnd(t *testing.T, image v1.Image) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("got %d layers, %v, want 1", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	data, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	const block = 512
	if len(data)%block != 0 || !bytes.HasSuffix(data, make([]byte, 2*block)) {
		t.Errorf("got a layer of %d bytes, without the end of tar", len(data))
	}
}

// checkRoots checks that the file has the roots of Stripe's certificates, and many others.
func checkRoots(t *testing.T, path string) {
	names := map[string]bool{}
	rest := read(t, path)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !certificate.IsCA {
			t.Errorf("got certificate of %s, want only authorities", certificate.Subject)
		}
		names[certificate.Subject.CommonName] = true
	}
	if len(rest) != 0 || len(names) < 100 {
		t.Errorf("got %d certificates and the rest %q, want 100 or more and no rest", len(names), rest)
	}
	for _, name := range []string{"DigiCert Global Root G2", "ISRG Root X1", "Amazon Root CA 1", "GTS Root R1"} {
		if !names[name] {
			t.Errorf("got no certificate of %s", name)
		}
	}
}

// checkProgram checks that a program is static and stripped.
func checkProgram(t *testing.T, path, arch string) {
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; program.Machine != want {
		t.Errorf("got a program for %s, want %s", program.Machine, want)
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			t.Errorf("got segment %s, want a static program", segment.Type)
		}
	}
	for _, section := range program.Sections {
		if section.Name == ".symtab" || strings.HasPrefix(section.Name, ".debug") || strings.HasPrefix(section.Name, ".zdebug") {
			t.Errorf("got section %s, want a stripped program", section.Name)
		}
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	if settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" || settings["-tags"] != "" {
		t.Errorf("got build settings %v", settings)
	}
}

// checkRuns runs a program of the image.
func checkRuns(t *testing.T, files, server string) {
	want := fmt.Sprintf("%s %s (commit %s of %s, %s linux/%s)\n", server, testVersion, testCommit, testDate, runtime.Version(), runtime.GOARCH)
	out, err := exec.CommandContext(t.Context(), filepath.Join(files, server), "--version").CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
}
