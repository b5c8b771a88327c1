// Package faults_test sells while things break: real servers on a real API server, whole lives of orders at the Stripe
// simulator, and one fault at a time. Whatever broke, in the end every order must agree with Stripe's books to the penny.
package faults_test

import (
	"context"
	"flag"
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/test/cluster"
)

// perFault is how many orders each fault is tried on. Few of each life are enough to see that every fault is survived;
// `make test-faults` takes many.
var perFault = flag.Int("orders", len(lives), "how many orders each fault is tried on")

// shared is the cluster of all faults. Each has an installation and a Stripe of its own on it.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	goleak.VerifyTestMain(cluster.Around(m, cluster.Options{}, func(_ context.Context, c *cluster.Cluster) error {
		shared = c
		return nil
	}))
}
