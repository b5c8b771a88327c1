// Command cluster builds and runs the local Kubernetes API that the tests and make run use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/test/cluster"
)

const usage = `Usage: cluster build | env | up

  build   build kube-apiserver, etcd and kubectl if need be, and print the folder they are in
  env     the same, printed as a line for the shell: export KUBEBUILDER_ASSETS=...
  up      start a cluster with Paylink's CRDs, print the line that sets KUBECONFIG, and run until Ctrl-C
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrllog.SetLogger(logr.Discard()) // the cluster's own lines say enough
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "Stopped.")
		os.Exit(130) // as a program that Ctrl-C ended
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, log io.Writer) error {
	switch strings.Join(args, " ") {
	case "build":
		return build(ctx, "%s\n", out, log)
	case "env":
		return build(ctx, "export KUBEBUILDER_ASSETS='%s'\n", out, log)
	case "up":
		return up(ctx, out, log)
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	default:
		return fmt.Errorf("unknown command %q\n\n%s", strings.Join(args, " "), strings.TrimSpace(usage))
	}
}

func build(ctx context.Context, format string, out, log io.Writer) error {
	dir, err := cluster.Binaries(ctx, log)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, format, dir)
	return err
}

func up(ctx context.Context, out, log io.Writer) (err error) {
	begin := time.Now()
	c, err := cluster.Start(ctx, cluster.Options{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := c.InstallCRDs(ctx, cluster.CRDs); err != nil {
		return err
	}
	fmt.Fprintf(log, "Ready in %s at %s. Ctrl-C stops it and removes its data.\n", time.Since(begin).Round(time.Millisecond), c.Config().Host)
	if _, err := fmt.Fprintf(out, "export KUBECONFIG='%s'\n", c.Kubeconfig()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
