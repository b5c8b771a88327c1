package stack

import (
	"context"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Main is what TestMain of a package does: run starts what its tests share, runs them, and stops it again. Main exits with
// its code, or says its error and exits with 1.
func Main(run func(context.Context) (code int, err error)) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	code, err := run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
