package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Tests are the tests of a package: a *testing.M, or the result of Around.
type Tests interface {
	// Run runs them and returns the exit code.
	Run() int
}

// Around returns the tests with a cluster around them: it is started, prepare makes it ready, and it is stopped when
// they have run.
//
//	func TestMain(m *testing.M) {
//		goleak.VerifyTestMain(cluster.Around(m, cluster.Options{}, func(ctx context.Context, c *cluster.Cluster) error {
//			shared = c
//			return c.InstallCRDs(ctx, cluster.CRDs)
//		}))
//	}
func Around(tests Tests, options Options, prepare func(context.Context, *Cluster) error) Tests {
	if options.Log == nil {
		options.Log = os.Stderr
	}
	return around{tests, options, prepare}
}

type around struct {
	tests   Tests
	options Options
	prepare func(context.Context, *Cluster) error
}

// Run implements Tests.
func (a around) Run() int {
	code, err := a.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (a around) run() (code int, err error) {
	ctx := context.Background()
	c, err := Start(ctx, a.options)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := a.prepare(ctx, c); err != nil {
		return 1, err
	}
	return a.tests.Run(), nil
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
