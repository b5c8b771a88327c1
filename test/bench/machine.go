package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/paylink-dev/paylink/test/cluster"
)

// machine describes this machine and the measured versions.
func machine(ctx context.Context) (Machine, error) {
	m := Machine{Go: runtime.Version(), Cores: runtime.NumCPU(), Date: time.Now().UTC().Truncate(time.Second)}
	var cpu, memory, kernel, system string
	for file, content := range map[string]*string{
		"/proc/cpuinfo": &cpu, "/proc/meminfo": &memory, "/proc/sys/kernel/osrelease": &kernel, "/etc/os-release": &system,
	} {
		read, err := os.ReadFile(file)
		if err != nil {
			return Machine{}, err
		}
		*content = string(read)
	}
	m.CPU, m.Kernel, m.OS = modelOf(cpu), strings.TrimSpace(kernel), prettyName(system)
	var err error
	if m.Memory, err = memoryOf(memory); err != nil {
		return Machine{}, err
	}
	dir, err := cluster.Repository(ctx)
	if err != nil {
		return Machine{}, err
	}
	if err := m.readVersions(dir); err != nil {
		return Machine{}, err
	}
	commit, err := output(ctx, dir, nil, "git", "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*")
	m.Commit = strings.TrimSpace(string(commit))
	return m, err
}

// modelOf takes the processor's name from /proc/cpuinfo. Kernels for some architectures tell none.
func modelOf(cpuinfo string) string {
	if found := regexp.MustCompile(`(?m)^model name\s*: *(.+)$`).FindStringSubmatch(cpuinfo); found != nil {
		return strings.TrimSpace(found[1])
	}
	return runtime.GOARCH
}

// memoryOf takes the machine's memory from /proc/meminfo, in bytes.
func memoryOf(meminfo string) (int64, error) {
	found := regexp.MustCompile(`(?m)^MemTotal:\s+(\d+) kB$`).FindStringSubmatch(meminfo)
	if found == nil {
		return 0, errors.New("/proc/meminfo has no MemTotal")
	}
	n, err := strconv.ParseInt(found[1], 10, 64)
	return n * kib, err
}

// prettyName takes the distribution's from /etc/os-release.
func prettyName(release string) string {
	if found := regexp.MustCompile(`(?m)^PRETTY_NAME=["']?(.+?)["']?$`).FindStringSubmatch(release); found != nil {
		return found[1]
	}
	return "an unknown distribution"
}

// readVersions reads the versions that the cluster is built from, unless KUBEBUILDER_ASSETS names others.
func (m *Machine) readVersions(repository string) error {
	if os.Getenv("KUBEBUILDER_ASSETS") != "" {
		m.Kubernetes, m.Etcd = "of KUBEBUILDER_ASSETS", "of KUBEBUILDER_ASSETS"
		return nil
	}
	file := filepath.Join(repository, "test/cluster/kubernetes/go.mod")
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for module, version := range map[string]*string{"k8s.io/kubernetes": &m.Kubernetes, "go.etcd.io/etcd/server/v3": &m.Etcd} {
		found := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(content)
		if found == nil {
			return fmt.Errorf("%s does not require %s", file, module)
		}
		*version = string(found[1])
	}
	return nil
}
