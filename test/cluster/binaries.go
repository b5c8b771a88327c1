package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// assetsVariable names a folder with binaries to use instead of building them, as envtest and kubebuilder do.
const assetsVariable = "KUBEBUILDER_ASSETS"

const kubernetesModule = "test/cluster/kubernetes"

// A binary is one program of the cluster and the main package that it is built from.
type binary struct {
	name, pkg string
}

// binaries lists the cluster's programs, the one that takes longest first: the others share most packages with it.
func binaries() []binary {
	return []binary{
		{name: "kube-apiserver", pkg: "k8s.io/kubernetes/cmd/kube-apiserver"},
		{name: "kubectl", pkg: "k8s.io/kubernetes/cmd/kubectl"},
		{name: "etcd", pkg: "go.etcd.io/etcd/server/v3"},
	}
}

// Binaries returns the folder with kube-apiserver, etcd and kubectl: the one that KUBEBUILDER_ASSETS names,
// or else the user's cache folder, where they are built first if need be. Building takes minutes, once for
// each version; progress says how far it is.
func Binaries(ctx context.Context, progress io.Writer) (string, error) {
	if dir := os.Getenv(assetsVariable); dir != "" {
		return dir, checkAssets(dir)
	}
	repository, err := Repository(ctx)
	if err != nil {
		return "", fmt.Errorf("%w; or set %s to a folder with kube-apiserver, etcd and kubectl", err, assetsVariable)
	}
	r, err := newRecipe(ctx, filepath.Join(repository, kubernetesModule))
	if err != nil {
		return "", err
	}
	if r.built() {
		return r.folder, nil
	}
	if err := r.build(ctx, progress); err != nil {
		return "", err
	}
	return r.folder, nil
}

func checkAssets(dir string) error {
	for _, b := range binaries() {
		if _, err := exec.LookPath(filepath.Join(dir, b.name)); err != nil {
			return fmt.Errorf("%s=%s has no program %s in it: correct it, or unset it to have the programs built", assetsVariable, dir, b.name)
		}
	}
	return nil
}

// A recipe says how the binaries are built and where the result is kept.
type recipe struct {
	module   string // the folder whose go.mod pins the versions
	version  string // Kubernetes' version
	ldflags  string
	goos     string
	goarch   string
	programs []binary
	folder   string // the result; its name changes whenever anything that could change the result does
}

func newRecipe(ctx context.Context, module string) (recipe, error) {
	goMod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return recipe{}, fmt.Errorf("read the versions of Kubernetes' modules: %w", err)
	}
	goSum, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return recipe{}, fmt.Errorf("read the versions of Kubernetes' modules: %w", err)
	}
	match := regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)`).FindSubmatch(goMod)
	if match == nil {
		return recipe{}, fmt.Errorf("%s/go.mod requires no version of k8s.io/kubernetes", kubernetesModule)
	}
	r := recipe{
		module:   module,
		version:  string(match[1]),
		ldflags:  versionFlags(string(match[1]), string(match[2]), string(match[3])),
		goos:     runtime.GOOS,
		goarch:   runtime.GOARCH,
		programs: binaries(),
	}
	toolchain, err := toolchainOf(ctx, module)
	if err != nil {
		return recipe{}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return recipe{}, fmt.Errorf("find the folder for cached binaries: %w", err)
	}
	sum := sha256.New()
	for _, part := range []string{string(goMod), string(goSum), r.ldflags, toolchain} {
		fmt.Fprintf(sum, "%d %s", len(part), part)
	}
	name := strings.Join([]string{r.version, r.goos, r.goarch, hex.EncodeToString(sum.Sum(nil))[:12]}, "-")
	r.folder = filepath.Join(cache, "paylink", "kubernetes", name)
	return r, nil
}

// versionFlags returns the linker flags of a release build. The API server serves the version at /version, and refuses to start with
// one that it cannot parse.
func versionFlags(version, major, minor string) string {
	flags := "-s -w"
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags += fmt.Sprintf(" -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s", pkg, version, major, minor)
	}
	return flags
}

// toolchainOf describes the parts of the Go installation that change the result of a build. A C compiler is not one.
func toolchainOf(ctx context.Context, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "-json", "GOVERSION", "GOFLAGS", "GOAMD64", "GOARM64", "GOEXPERIMENT")
	cmd.Dir = module
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask go for its settings: %w", err)
	}
	if !json.Valid(out) {
		return "", errors.New("ask go for its settings: the answer is not JSON")
	}
	return string(out), nil
}

// built reports whether the result is there. A rename makes the folder appear, so that it is complete if it exists.
func (r recipe) built() bool {
	info, err := os.Stat(r.folder)
	return err == nil && info.IsDir()
}
