//go:build !linux

package main

import (
	"context"
	"os/exec"
	"path/filepath"
)

// inImage is a command of an image whose files are in a folder.
func inImage(ctx context.Context, files, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, filepath.Join(files, program), args...)
}
