package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// inImage is a command in an image whose files are in a folder. Only root can have the folder be all that there is.
func inImage(ctx context.Context, files, program string, args ...string) *exec.Cmd {
	if os.Getuid() != 0 {
		return exec.CommandContext(ctx, filepath.Join(files, program), args...)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: files, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	return cmd
}
