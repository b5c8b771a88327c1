package main

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Results are what one run measured. Times are in nanoseconds in JSON, as time.Duration is.
type Results struct {
	Machine Machine
	// Quick: fewer orders than a full run has.
	Quick bool
	// Measured says of which build each section is, by its name: a run of some sections keeps the others of the run before.
	Measured map[string]string
	Webhook  []WebhookRow
	Writes   []WriteRow
	Events   []EventRow
	Scale    []ScaleRow
	Waves    []Wave
}

// Older says which sections are of another build than the last run's.
func (r *Results) Older() []string {
	of := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(r.Measured)) {
		if commit := r.Measured[name]; commit != r.Machine.Commit {
			of[commit] = append(of[commit], name)
		}
	}
	var older []string
	for _, commit := range slices.Sorted(maps.Keys(of)) {
		older = append(older, strings.Join(of[commit], ", ")+", of "+commit)
	}
	return older
}

// Machine is where it was measured.
type Machine struct {
	CPU, Kernel, OS, Go, Kubernetes, Etcd string
	Cores                                 int
	// Memory in bytes.
	Memory int64
	Date   time.Time
	Commit string
}

// WebhookRow compares the webhook server with a client that patches and does nothing else, at one concurrency.
type WebhookRow struct {
	Concurrency, Orders int
	Paylink, Ceiling    Side
	// RateRatio is Paylink's rate by the ceiling's, P50Ratio the same of the median latency.
	RateRatio, P50Ratio float64
}

// Side is one of two that are compared.
type Side struct {
	// Rate is events a second.
	Rate     float64
	P50, P99 time.Duration
	// CPU is for an event, by program: webhookserver, kube-apiserver, etcd, controller, and bench (which sends).
	CPU map[string]time.Duration
}

// WriteRow is what one status write costs the API server in one variant.
type WriteRow struct {
	Variant string
	// APIServer and Etcd are CPU for a write; Ratio is APIServer's by that of the first row.
	APIServer, Etcd time.Duration
	Ratio           float64
	// Bytes is how large the object is as JSON.
	Bytes int
}

// EventRow is what it takes to verify and decode one event: medians of benchstat.
type EventRow struct {
	Event, Reader string // reader: paylink, floor, stripe-go
	Time          time.Duration
	// Spread is benchstat's ± in percent of the time.
	Spread        float64
	Bytes, Allocs float64
}

// ScaleRow is a cluster with so many orders, half of them paid.
type ScaleRow struct {
	Orders int
	// Ready is from the start of the process until /readyz says yes.
	WebhookReady, ControllerReady time.Duration
	// Resident is memory in bytes; PerOrder is what it grew by since the row before the first order, for an order.
	WebhookResident, ControllerResident, APIServerResident, EtcdResident int64
	WebhookPerOrder, ControllerPerOrder                                  float64
	// ControllerIdle is the part of a core that the controller uses when nothing happens, scraped every 15 s.
	ControllerIdle float64
	// Paylink and Ceiling are webhooks, and the same patches by a client that does nothing else, at concurrency 32.
	Paylink, Ceiling Side
	// RefundP50 is the median latency of refunds, which name nothing but their PaymentIntent; LiveReads is how often the
	// API server had to be asked for them.
	RefundP50 time.Duration
	LiveReads float64
	// EtcdPerOrder is the size of etcd's database for an order, in bytes, after compaction; ObjectBytes is the order's JSON.
	EtcdPerOrder float64
	ObjectBytes  int
	// ListTime and ListCPU are of one list of all orders from the API server's cache; ListBytes is what it sends.
	ListTime, ListCPU time.Duration
	ListBytes         int64
}

// Wave is everything that Stripe kept for an hour, all at once.
type Wave struct {
	Replicas, Events, Duplicates int
	// Admitted are answers 200, Refused 503 with Retry-After, Other anything else.
	Admitted, Refused, Other int
	// Lost are orders that are not what the events make of them in the end.
	Lost int
	// P50 and P99 are of admitted requests, Took is until the last event was taken.
	P50, P99, Took time.Duration
	// MaxResident is the most memory that one replica used, in bytes.
	MaxResident int64
	Samples     []WaveSample
}

// WaveSample is one second of a wave.
type WaveSample struct {
	Second            float64
	Admitted, Refused float64 // a second
	P99               time.Duration
	// Left are the events that were not taken yet.
	Left     int
	Resident []int64 // of each replica, in bytes
}
