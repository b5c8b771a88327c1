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

// Main is what TestMain of a package does: run starts what its tests share, runs them, and stops it again. Main exits with
// its code, or says its error and exits with 1. No goroutine may be left of it.
func Main(run func(context.Context) (code int, err error)) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	goleak.VerifyTestMain(tests(run))
}

// Retry is how Stripe tries again in tests. A real one waits minutes and hours between its attempts, but not fewer of them.
var Retry = stripesim.Backoff{Initial: 50 * time.Millisecond, Max: time.Second, Factor: 2, MaxAttempts: 500}

// Share is Main for tests that share one installation, on a cluster of its own. It is given away before they run.
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

// tests are a package's, with what they share around them.
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
