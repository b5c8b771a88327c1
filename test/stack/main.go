package stack

import (
	"context"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Main is what TestMain of a package does: run starts what its tests share, runs them, and stops it again. Main exits with
// its code, or says its error and exits with 1. No goroutine may be left of it.
func Main(run func(context.Context) (code int, err error)) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	goleak.VerifyTestMain(tests(run))
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
