package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Tests is what RunTests needs of a *testing.M.
type Tests interface {
	// Run runs the package's tests and returns the exit code.
	Run() int
}

// RunTests starts a cluster for the tests of one package, lets prepare make it ready, runs the tests and stops
// the cluster. It returns the exit code for TestMain to exit with:
//
//	func TestMain(m *testing.M) {
//		os.Exit(cluster.RunTests(m, cluster.Options{}, func(ctx context.Context, c *cluster.Cluster) error {
//			shared = c
//			return c.InstallCRDs(ctx, cluster.CRDs)
//		}))
//	}
func RunTests(tests Tests, options Options, prepare func(context.Context, *Cluster) error) int {
	if options.Log == nil {
		options.Log = os.Stderr
	}
	code, err := runTests(tests, options, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func runTests(tests Tests, options Options, prepare func(context.Context, *Cluster) error) (code int, err error) {
	ctx := context.Background()
	c, err := Start(ctx, options)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := prepare(ctx, c); err != nil {
		return 1, err
	}
	return tests.Run(), nil
}

// Process returns a command, not yet started, that runs a program in a process group of its own and that
// cannot outlive this process or the cluster's Stop. The name must be unique among the processes that run.
func (c *Cluster) Process(name, program string, args ...string) (*exec.Cmd, error) {
	switch name {
	case "etcd", "kube-apiserver":
		return nil, fmt.Errorf("launch %s: the name is taken", name)
	}
	return c.guard.command(name, program, args...)
}
