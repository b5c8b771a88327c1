package cluster

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

const modulePath = "github.com/paylink-dev/paylink"

// Repository returns the folder of the Paylink checkout that the current folder is in.
func Repository(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", modulePath)
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("find the Paylink checkout: the go command is not in PATH")
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		return "", fmt.Errorf("find the Paylink checkout: the current folder is not in one (module %s): change to it first", modulePath)
	}
	return dir, nil
}

// inRepository makes a relative path one of the checkout's.
func inRepository(ctx context.Context, path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	dir, err := Repository(ctx)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, path), nil
}
