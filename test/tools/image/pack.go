package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// pack makes an image of programs of this machine and the libraries that they load.
func (r release) pack(programs []string, arch string) ([]platformImage, error) {
	if len(programs) == 0 {
		return nil, errors.New("name the programs to pack")
	}
	var files []file
	libraries := map[string]bool{}
	for _, program := range programs {
		data, err := os.ReadFile(program)
		if err != nil {
			return nil, err
		}
		files = append(files, file{filepath.Base(program), 0o555, data})
		loads, err := loaded(program)
		if err != nil {
			return nil, fmt.Errorf("find what %s loads: %w", program, err)
		}
		for _, path := range loads {
			libraries[path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(libraries)) {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{path[1:], 0o555, data})
	}
	image, err := r.imageOf(files, arch, nil)
	if err != nil {
		return nil, err
	}
	return []platformImage{{image, arch}}, nil
}

// library is a library's path in the output of ldd.
var library = regexp.MustCompile(`(?m)(/\S+) \(0x[0-9a-f]+\)$`)

// loaded returns the libraries that a program loads, and its loader. A static program has none.
func loaded(program string) ([]string, error) {
	f, err := elf.Open(program)
	if err != nil {
		return nil, err
	}
	names, err := f.ImportedLibraries()
	if err := errors.Join(err, f.Close()); err != nil || len(names) == 0 {
		return nil, err
	}
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		return nil, fmt.Errorf("ldd: %w", err)
	}
	var paths []string
	for _, match := range library.FindAllStringSubmatch(string(out), -1) {
		paths = append(paths, match[1])
	}
	if len(paths) < len(names) {
		return nil, fmt.Errorf("ldd tells too little: %s", out)
	}
	return paths, nil
}
