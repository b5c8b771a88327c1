package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user has no name and no rights. It is a number, or Kubernetes could not see that it is not root. The Dockerfile has the same.
const user = "65532:65532"

// rootsPath is where Go looks for certificate authorities first.
const rootsPath = "etc/ssl/certs/ca-certificates.crt"

// servers are the image's programs. None is the default: a container names its program.
var servers = []string{"controller", "webhookserver"}

// release has the values that the images of all architectures share.
type release struct {
	Name            name.Tag
	Version, Commit string
	Date            time.Time
}

// platformImage is the image of one architecture.
type platformImage struct {
	v1.Image
	arch string
}

// labels are those that the OCI names.
func (r release) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       "Paylink",
		prefix + "description": "One-time sales through Stripe Payment Links on Kubernetes: the controller and the webhook server.",
		prefix + "source":      "https://github.com/paylink-dev/paylink",
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     r.Version,
		prefix + "revision":    r.Commit,
		prefix + "created":     r.Date.UTC().Format(time.RFC3339),
	}
}

// images makes an image of the servers in each architecture's folder.
func (r release) images(folder string, arches []string) ([]platformImage, error) {
	var images []platformImage
	for _, arch := range arches {
		if !slices.Contains([]string{"amd64", "arm64"}, arch) {
			return nil, fmt.Errorf("unknown architecture %q: amd64 or arm64", arch)
		}
		image, err := r.image(filepath.Join(folder, "linux-"+arch), arch)
		if err != nil {
			return nil, fmt.Errorf("make the image of linux/%s: %w", arch, err)
		}
		images = append(images, platformImage{image, arch})
	}
	return images, nil
}

func (r release) image(folder, arch string) (v1.Image, error) {
	files, err := serverFiles(folder)
	if err != nil {
		return nil, err
	}
	return r.imageOf(files, arch, r.labels())
}

// imageOf makes an image of one layer.
func (r release) imageOf(files []file, arch string, labels map[string]string) (v1.Image, error) {
	content, err := r.layer(files)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: r.Date.UTC()}
	image, err = mutate.Append(image, mutate.Addendum{
		Layer: layer, MediaType: types.OCILayer,
		History: v1.History{Created: created, CreatedBy: "make image", Comment: "Paylink " + r.Version},
	})
	if err != nil {
		return nil, fmt.Errorf("add the layer: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, created
	config.Config = v1.Config{User: user, WorkingDir: "/", Env: []string{"PATH=/"}, Labels: labels}
	return mutate.ConfigFile(image, config)
}

// file is one of an image's, or a folder: that has no data.
type file struct {
	name string
	mode int64
	data []byte
}

// serverFiles are the servers in a folder, and whom they trust.
func serverFiles(folder string) ([]file, error) {
	var files []file
	for _, server := range servers {
		data, err := os.ReadFile(filepath.Join(folder, server))
		if err != nil {
			return nil, err
		}
		files = append(files, file{server, 0o555, data})
	}
	var roots bytes.Buffer
	if err := writeRoots(&roots); err != nil {
		return nil, err
	}
	return append(files, file{"etc/", 0o755, nil}, file{"etc/ssl/", 0o755, nil}, file{"etc/ssl/certs/", 0o755, nil},
		file{rootsPath, 0o444, roots.Bytes()}), nil
}

// layer is the image's file system as an archive, which is the same for the same files, whenever and wherever it is made.
func (r release) layer(files []file) ([]byte, error) {
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for _, f := range files {
		header := &tar.Header{Format: tar.FormatUSTAR, ModTime: r.Date.UTC(), Name: f.name, Mode: f.mode, Size: int64(len(f.data)), Typeflag: tar.TypeReg}
		if f.data == nil {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("add %s: %w", f.name, err)
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, fmt.Errorf("add %s: %w", f.name, err)
		}
	}
	// Only a closed archive has its end.
	if err := w.Close(); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}
