// Command image writes Paylink's container image as an archive: it needs no Docker, no registry and no root. The Makefile
// calls it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

const usage = `Usage: image docker | oci | roots | pack [FLAG]... [PROGRAM]...

  docker   write the image of one architecture, as docker load, ctr image import and kind load image-archive take it
  oci      write the images of several architectures and their index, as ctr image import and skopeo take them
  roots    print the certificate authorities that the image trusts
  pack     write an image of programs of this machine, at its root, with the libraries that they load: for tests

`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	var (
		o       release
		date    string
		image   = flags.String("image", "", "Name of the image, without a tag: the version is its tag.")
		folder  = flags.String("bin", "bin", "Folder with a folder linux-ARCH of servers for each architecture.")
		arch    = flags.String("arch", "", "Architectures, separated by commas: amd64, arm64.")
		archive = flags.String("o", "", "Archive to write.")
	)
	flags.StringVar(&o.Version, "version", "", "Version of the servers.")
	flags.StringVar(&o.Commit, "commit", "", "Commit that they were built from.")
	flags.StringVar(&date, "date", "", "Date of that commit, as 2006-01-02T15:04:05Z.")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	if len(args) == 0 {
		flags.Usage()
		return errors.New("docker, oci, roots or pack?")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if args[0] == "roots" {
		return writeRoots(out)
	}
	var err error
	if o.Date, err = time.Parse(time.RFC3339, date); err != nil {
		return fmt.Errorf("-date: %w", err)
	}
	if o.Name, err = name.NewTag(*image + ":" + o.Version); err != nil {
		return fmt.Errorf("an image's name is a registry, a path and, as its tag, a version: %w", err)
	}
	var images []platformImage
	if args[0] == "pack" {
		images, err = o.pack(flags.Args(), *arch)
	} else {
		images, err = o.images(*folder, strings.Split(*arch, ","))
	}
	if err != nil {
		return err
	}
	write := writeDocker
	switch {
	case args[0] == "oci":
		write = writeOCI
	case args[0] != "docker" && args[0] != "pack":
		return fmt.Errorf("unknown command %q", args[0])
	case len(images) != 1:
		return errors.New("such an archive holds one architecture")
	}
	if err := writeFile(*archive, func(w io.Writer) error { return write(w, o, images) }); err != nil {
		return err
	}
	return report(out, *archive, o, images)
}

// writeFile writes a file whole, or not at all.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".image-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// report prints the written image. Its id does not depend on a registry.
func report(out io.Writer, path string, o release, images []platformImage) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s  %.1f MB  %s\n", path, float64(info.Size())/1e6, o.Name)
	for _, i := range images {
		id, err := i.ConfigName()
		if err != nil {
			return err
		}
		digest, err := i.Digest()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  linux/%s  id %s  digest %s\n", i.arch, id, digest)
	}
	return nil
}
