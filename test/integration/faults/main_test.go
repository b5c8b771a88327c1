// Package faults_test sells under one fault at a time: real servers on a real API server, and orders from creation to
// refund or dispute at the Stripe simulator. In the end every order must agree with Stripe's records to the cent.
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

// perFault is how many orders each fault is tried on. One of each life shows that no fault loses anything; `make
// test-faults` takes many.
var perFault = flag.Int("orders", len(lives), "how many orders each fault is tried on")

// manyOrders is how many orders there are where a process ends under load.
var manyOrders = 8 * len(lives)

// shared is the cluster of all faults. Each has an installation and a Stripe of its own.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // or controller-runtime complains after 30 s
	goleak.VerifyTestMain(cluster.Around(m, cluster.Options{}, func(_ context.Context, c *cluster.Cluster) error {
		shared = c
		return nil
	}))
}
