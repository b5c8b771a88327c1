package compatibility

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// Folder has the definitions.
const Folder = "config/crd/bases"

// Base are the definitions of an earlier revision.
type Base struct {
	// Name describes the revision.
	Name        string
	Definitions []*apiextensionsv1.CustomResourceDefinition
}

// ErrNoBase means that no earlier revision has definitions. The text of the error says why.
var ErrNoBase = errors.New("nothing to compare with")

// FindBase returns the definitions of a revision or, if none is named, of the last release. A release candidate is no release.
// Before the first release it returns those of the commit where the branch began or, on the main branch, of the commit before.
func FindBase(ctx context.Context, repository, revision string) (*Base, error) {
	r := checkout(repository)
	if _, err := r.git(ctx, "rev-parse", "--git-dir"); err != nil {
		return nil, err
	}
	if revision != "" {
		base, err := r.base(ctx, revision, revision)
		if base == nil && err == nil {
			err = fmt.Errorf("there are no definitions in %s at %s", Folder, revision)
		}
		return base, err
	}
	for _, candidate := range r.candidates(ctx) {
		if base, err := r.base(ctx, candidate.name, candidate.revision); base != nil || err != nil {
			return base, err
		}
	}
	if shallow, err := r.git(ctx, "rev-parse", "--is-shallow-repository"); err != nil || shallow == "true" {
		return nil, fmt.Errorf("%w: this clone is shallow, and has neither a release's tag nor an earlier commit (git fetch --unshallow --tags brings them)", ErrNoBase)
	}
	return nil, fmt.Errorf("%w: there is neither a release's tag nor an earlier commit that has definitions", ErrNoBase)
}

type candidate struct{ name, revision string }

// candidates are the revisions there are to compare with, the best first.
func (r checkout) candidates(ctx context.Context) (found []candidate) {
	if tag, err := r.git(ctx, "describe", "--tags", "--match", "v[0-9]*", "--exclude", "*-*", "--abbrev=0"); err == nil {
		found = append(found, candidate{tag, "refs/tags/" + tag})
	}
	head, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "HEAD")
	if err != nil {
		return found
	}
	for _, branch := range []string{"origin/main", "main"} {
		if commit, err := r.git(ctx, "merge-base", "HEAD", branch); err == nil && commit != head {
			found = append(found, candidate{fmt.Sprintf("%.12s, which this branch has from %s", commit, branch), commit})
		}
	}
	if commit, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "HEAD~"); err == nil {
		found = append(found, candidate{fmt.Sprintf("%.12s, the commit before", commit), commit})
	}
	return found
}

// checkout is a folder that git knows.
type checkout string

// git returns the output of git, without its last line break.
func (r checkout) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", string(r)}, args...)...)
	cmd.Stderr = &bytes.Buffer{}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, cmd.Stderr)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// base reads the definitions of a revision. It returns nil where there are none.
func (r checkout) base(ctx context.Context, name, revision string) (*Base, error) {
	tree := revision + ":./" + Folder
	if _, err := r.git(ctx, "rev-parse", "--verify", revision+"^{commit}"); err != nil {
		return nil, err
	}
	if _, err := r.git(ctx, "rev-parse", "--verify", "--quiet", tree); err != nil {
		return nil, nil
	}
	files, err := r.git(ctx, "ls-tree", "--name-only", tree)
	if err != nil {
		return nil, err
	}
	base := &Base{Name: name}
	for _, file := range strings.Fields(files) {
		content, err := r.git(ctx, "show", tree+"/"+file)
		if err != nil {
			return nil, err
		}
		if err := base.add(file, []byte(content)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(base.Definitions) == 0 {
		return nil, nil
	}
	return base, nil
}

// Read returns the definitions of the checkout as it is.
func Read(repository string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	files, err := filepath.Glob(filepath.Join(repository, Folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var here Base
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := here.add(file, content); err != nil {
			return nil, err
		}
	}
	return here.Definitions, nil
}

func (b *Base) add(file string, content []byte) error {
	if filepath.Ext(file) != ".yaml" {
		return nil
	}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(content, definition); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	b.Definitions = append(b.Definitions, definition)
	return nil
}
