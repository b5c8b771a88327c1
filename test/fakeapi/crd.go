package fakeapi

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// CRD returns the definition of one of Paylink's kinds, from the working tree that the test runs in.
func CRD(t testing.TB, plural string) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	all, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	if all[plural] == nil {
		t.Fatalf("no CRD of %s in config/crd/bases", plural)
	}
	return all[plural]
}

// definitions are the CRDs by their plural names.
var definitions = sync.OnceValues(func() (map[string]*apiextensionsv1.CustomResourceDefinition, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return nil, err
	}
	all := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(content, crd); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		all[crd.Spec.Names.Plural] = crd
	}
	return all, nil
})

// moduleRoot is the closest folder with a go.mod, upwards from the test's own.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("find go.mod: no parent folder has one")
}
