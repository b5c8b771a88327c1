// Command demo is `make run`: it starts a Kubernetes API, Paylink and a Stripe simulator on this machine, takes one order from
// Pending to Refunded, and stays until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	exit := flag.Bool("exit", false, "Stop after the order was refunded, instead of staying.")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard()) // the servers log to files
	d := &demo{screen: newScreen(os.Stdout), stay: !*exit}
	err := d.run(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) { // Ctrl-C is its usual end
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nmake run:", err)
		os.Exit(1)
	}
}
