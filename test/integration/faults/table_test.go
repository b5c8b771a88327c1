package faults_test

import (
	"fmt"
	"sync"
	"time"

	"github.com/paylink-dev/paylink/test/oracle"
)

// heading is printed before the first row.
var heading sync.Once

// print adds a row to the table: the webhooks that Stripe sent, the retries among them, and the orders that differ from
// Stripe's records in the end. `make test-faults` shows the table.
func (s *sale) print(fault string, took time.Duration) {
	heading.Do(func() {
		line("FAULT", "REQUESTS", "RETRIES", "ORDERS", "LOST", "DOUBLE", "UNEARNED", "WRONG", "TOOK")
	})
	attempts := s.Stripe.Attempts()
	retries := 0
	for _, a := range attempts {
		if a.Number > 1 {
			retries++
		}
	}
	line(fault, len(attempts), retries, s.n, s.report.Orders(oracle.Lost), s.report.Orders(oracle.Double),
		s.report.Orders(oracle.Unearned), s.report.Orders(oracle.Wrong), took.Round(time.Second))
}

func line(columns ...any) { fmt.Printf("%-52v %8v %8v %7v %5v %7v %9v %6v %7v\n", columns...) }
