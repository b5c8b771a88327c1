// Package mount lays out files in tests as the kubelet mounts a Kubernetes Secret, and changes them as it does.
package mount

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Secret is a folder in which each file is a link through ..data, which is swapped for another folder in one step.
type Secret struct {
	// Dir is the folder.
	Dir string

	t       testing.TB
	version int
	files   map[string]string
}

// NewSecret mounts a Secret of these files, by name, until the test ends.
func NewSecret(t testing.TB, files map[string]string) *Secret {
	t.Helper()
	s := &Secret{Dir: t.TempDir(), t: t}
	s.Update(files)
	return s
}

// Update changes the Secret in the kubelet's order: the contents of all files at once, then the links of new files, then the links
// of removed files. A reader can find a link without a file meanwhile.
func (s *Secret) Update(files map[string]string) {
	s.t.Helper()
	old := filepath.Join(s.Dir, s.data())
	s.version++
	s.must(os.Mkdir(filepath.Join(s.Dir, s.data()), 0o755))
	for name, content := range files {
		s.must(os.WriteFile(filepath.Join(s.Dir, s.data(), name), []byte(content), 0o600))
	}
	s.must(os.Symlink(s.data(), filepath.Join(s.Dir, "..data_tmp")))
	s.must(os.Rename(filepath.Join(s.Dir, "..data_tmp"), filepath.Join(s.Dir, "..data")))
	for name := range files {
		if _, is := s.files[name]; !is {
			s.must(os.Symlink(filepath.Join("..data", name), filepath.Join(s.Dir, name)))
		}
	}
	for name := range s.files {
		if _, is := files[name]; !is {
			s.must(os.Remove(filepath.Join(s.Dir, name)))
		}
	}
	s.must(os.RemoveAll(old))
	s.files = files
}

// data is the folder that holds the files of now.
func (s *Secret) data() string { return fmt.Sprintf("..2026_11_23_%d", s.version) }

func (s *Secret) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
