package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// writeDocker writes one image in the form that docker save has.
func writeDocker(w io.Writer, r release, images []platformImage) error {
	return tarball.Write(r.Name, images[0].Image, w)
}

// writeOCI writes an index of the images as an archive of an OCI layout.
func writeOCI(w io.Writer, r release, images []platformImage) (err error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, i := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: i.Image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: i.arch}},
		})
	}
	labelled, ok := mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	if !ok {
		return errors.New("an annotated index is none")
	}
	dir, err := os.MkdirTemp("", "paylink-image-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("write an OCI layout: %w", err)
	}
	if err := path.AppendIndex(labelled, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": r.Version,       // for skopeo and podman
		"io.containerd.image.name":          r.Name.String(), // for containerd
	})); err != nil {
		return fmt.Errorf("write an OCI layout: %w", err)
	}
	return writeFolder(w, r, os.DirFS(dir))
}

// writeFolder writes the files of a folder, in the order of their names.
func writeFolder(w io.Writer, r release, folder fs.FS) error {
	archive := tar.NewWriter(w)
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		header := &tar.Header{Format: tar.FormatUSTAR, ModTime: r.Date.UTC(), Name: path + "/", Mode: 0o755, Typeflag: tar.TypeDir}
		if entry.IsDir() {
			return archive.WriteHeader(header)
		}
		data, err := fs.ReadFile(folder, path)
		if err != nil {
			return err
		}
		header.Name, header.Mode, header.Typeflag, header.Size = path, 0o644, tar.TypeReg, int64(len(data))
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(data)
		return err
	})
	return errors.Join(err, archive.Close())
}
