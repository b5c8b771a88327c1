package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestOfTheMachine(t *testing.T) {
	const cpuinfo = "processor\t: 0\nmodel\t\t: 143\nmodel name\t: Some(R) CPU\nstepping\t: 8\nprocessor\t: 1\nmodel name\t: Some(R) CPU\n"
	for _, test := range []struct{ got, want string }{
		{modelOf(cpuinfo), "Some(R) CPU"}, {modelOf("BogoMIPS : 50"), runtime.GOARCH},
		{prettyName("NAME=\"X\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian"), "Debian GNU/Linux 13 (trixie)"},
		{prettyName("PRETTY_NAME=Plain\n"), "Plain"}, {prettyName("NAME=x"), "an unknown distribution"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
	if n, err := memoryOf("MemFree:    12 kB\nMemTotal:       8130000 kB\n"); err != nil || n != 8130000*1024 {
		t.Errorf("got memory %d, %v", n, err)
	}
	if _, err := memoryOf("MemFree: 12 kB"); err == nil {
		t.Error("memory is found where there is none")
	}
}

func TestVersions(t *testing.T) {
	const both = "module x\n\nreplace k8s.io/kubernetes-other => x v9.0.0\n\nrequire (\n\tgo.etcd.io/etcd/client/v3 v3.0.0 // indirect\n\tgo.etcd.io/etcd/server/v3 v3.7.3 // indirect\n\tk8s.io/kubernetes v1.37.2\n)\n"
	for name, test := range map[string]struct {
		assets, file string
		want         Machine
		err          string
	}{
		"built":   {"", both, Machine{Kubernetes: "v1.37.2", Etcd: "v3.7.3"}, ""},
		"others":  {"/assets", both, Machine{Kubernetes: "of KUBEBUILDER_ASSETS", Etcd: "of KUBEBUILDER_ASSETS"}, ""},
		"no etcd": {"", "require k8s.io/kubernetes v1.37.2\n", Machine{}, "does not require go.etcd.io/etcd/server/v3"},
	} {
		dir := t.TempDir()
		module := filepath.Join(dir, "test/cluster/kubernetes")
		if err := os.MkdirAll(module, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(test.file), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("KUBEBUILDER_ASSETS", test.assets)
		var m Machine
		err := m.readVersions(dir)
		if test.err == "" && (err != nil || m != test.want) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: got %+v, %v, want %+v, %s", name, m, err, test.want, test.err)
		}
	}
}
