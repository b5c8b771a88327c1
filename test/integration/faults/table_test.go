package faults_test

import (
	"fmt"
	"sync"
	"time"

	"github.com/paylink-dev/paylink/test/bookkeeper"
)

// heading is printed before the first row.
var heading sync.Once

// print adds what a fault came to to the table: the webhooks that Stripe sent, those of them that it had sent before, and
// the orders that differ from its books in the end. go test shows the table where it runs one package in its folder, as
// `make test-faults` does.
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
	line(fault, len(attempts), retries, s.n, s.report.Orders(bookkeeper.Lost), s.report.Orders(bookkeeper.Double),
		s.report.Orders(bookkeeper.Unearned), s.report.Orders(bookkeeper.Wrong), took.Round(time.Second))
}

func line(columns ...any) { fmt.Printf("%-52v %8v %8v %7v %5v %7v %9v %6v %7v\n", columns...) }
