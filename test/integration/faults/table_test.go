package faults_test

import (
	"fmt"
	"sync"
	"time"

	"github.com/paylink-dev/paylink/test/bookkeeper"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// row is what one fault came to.
type row struct {
	fault string
	// requests are the webhooks that Stripe sent, retries those of them that it had sent before.
	requests, retries int
	orders            int
	report            bookkeeper.Report
	took              time.Duration
}

func (r *row) count(attempts []stripesim.Attempt) {
	r.requests = len(attempts)
	for _, a := range attempts {
		if a.Number > 1 {
			r.retries++
		}
	}
}

// table prints the rows as they come. go test shows them where it runs one package in its folder, as `make test-faults`
// does.
var table struct {
	sync.Once
}

func (r *row) print() {
	const columns = "%-52s %9s %8s %7s %5s %7s %9s %6s %6s\n"
	table.Do(func() {
		fmt.Println()
		fmt.Printf(columns, "FAULT", "REQUESTS", "RETRIES", "ORDERS", "LOST", "DOUBLE", "UNEARNED", "WRONG", "TOOK")
	})
	n := func(i int) string { return fmt.Sprint(i) }
	lost, double := r.report.Orders(bookkeeper.Lost), r.report.Orders(bookkeeper.Double)
	unearned, wrong := r.report.Orders(bookkeeper.Unearned), r.report.Orders(bookkeeper.Wrong)
	fmt.Printf(columns, r.fault, n(r.requests), n(r.retries), n(r.orders), n(lost), n(double), n(unearned), n(wrong), r.took.Round(time.Second))
}
