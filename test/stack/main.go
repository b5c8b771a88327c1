package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// Main is the TestMain of a package: run starts what its tests share, runs them, and stops it. Main exits with its code, or
// prints its error and exits with 1. It fails where a goroutine is left.
func Main(run func(context.Context) (code int, err error)) {
	log.SetLogger(logr.Discard()) // controller-runtime logs an error after 30 s without one
	goleak.VerifyTestMain(tests(run))
}

// Retry has Stripe retry within a second. The real Stripe waits minutes and hours between as many attempts.
var Retry = stripesim.Backoff{Initial: 50 * time.Millisecond, Max: time.Second, Factor: 2, MaxAttempts: 500}

// Share is Main for tests that share one installation, on a cluster of its own. give gets it before they run.
func Share(tests cluster.Tests, on cluster.Options, o Options, give func(*Stack)) {
	Main(func(ctx context.Context) (code int, err error) {
		on.Log = os.Stderr
		if o.Cluster, err = cluster.Start(ctx, on); err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, o.Cluster.Stop()) }()
		s, err := Start(ctx, o)
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, s.Stop()) }()
		give(s)
		return tests.Run(), nil
	})
}

// tests are the tests of a package, and what they share.
type tests func(context.Context) (code int, err error)

// Run returns the code to exit with.
func (run tests) Run() int {
	code, err := run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
