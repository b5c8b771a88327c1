package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stack"
)

const (
	// One in oneInRefunds events is a refund, whose payment can come after it.
	oneInRefunds = 10
	// One in oneInTwice events comes twice.
	oneInTwice = 10
	// atOnce is how many connections Stripe has open: more than one replica serves and queues.
	atOnce = 3000
	// retryAfter is the Retry-After of a refused event, to which a random part is added. Stripe itself waits longer.
	retryAfter = 5 * time.Second
)

// wave sends the events of an hour at once and in random order, until each is accepted.
func (w *environment) wave(ctx context.Context, replicas []*stack.Server, events int) (Wave, error) {
	refunds := events / oneInRefunds
	seeded, err := w.seed(ctx, w.templates.ready, events-refunds)
	if err != nil {
		return Wave{}, err
	}
	bodies, err := waveBodies(ctx, seeded, refunds)
	if err != nil {
		return Wave{}, err
	}
	if err := w.settle(ctx); err != nil {
		return Wave{}, err
	}
	twice := events / oneInTwice
	for range twice {
		bodies = append(bodies, bodies[rand.N(events)])
	}
	rand.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })

	s := &waveRun{env: w, replicas: replicas, sender: newSender(w.paylink.Endpoint.Secret, bodies), left: len(bodies)}
	result := Wave{Replicas: len(replicas), Events: events, Duplicates: twice}
	if err := s.run(ctx, &result); err != nil {
		return Wave{}, err
	}
	result.Lost, err = w.lost(ctx, seeded, refunds)
	return result, err
}

// waveBodies returns the payments of all orders and the refunds of the first of them.
func waveBodies(ctx context.Context, s seeded, refundedOrders int) ([][]byte, error) {
	orders := make([]v1alpha1.Order, len(s.uids))
	for i := range orders {
		orders[i].UID, orders[i].Status.ClientReferenceID, orders[i].Spec.Amount = types.UID(s.uids[i]), s.uids[i], price
	}
	bodies, err := payments(ctx, orders)
	if err != nil {
		return nil, err
	}
	back, err := refunds(ctx, s.uids[:refundedOrders])
	return append(bodies, back...), err
}

// waveRun is the state of a running wave.
type waveRun struct {
	env      *environment
	replicas []*stack.Server
	sender   *sender

	mu    sync.Mutex
	left  int
	other int
	taken []time.Duration // of all that were admitted
	now   []time.Duration // of those since the last sample
	// refused since the last sample.
	refused int
}

func (s *waveRun) run(ctx context.Context, result *Wave) error {
	processes := make([]process, len(s.replicas))
	for i, replica := range s.replicas {
		var err error
		if processes[i], err = findProcess(s.env.cluster.Dir(), replica.Name()); err != nil {
			return err
		}
	}
	begin := time.Now()
	sampled, done := make(chan error, 1), make(chan struct{})
	go func() { sampled <- s.sample(result, processes, begin, done) }()
	_, err := timed(ctx, len(s.sender.bodies), atOnce, s.deliver)
	result.Took = time.Since(begin)
	close(done)
	err = errors.Join(err, <-sampled)
	result.Admitted, result.Other = len(s.taken), s.other
	admitted := timings{latencies: s.taken}
	if len(s.taken) > 0 {
		result.P50, result.P99 = admitted.quantile(.5), admitted.quantile(.99)
	}
	return err
}

// deliver sends one event until it is accepted.
func (s *waveRun) deliver(ctx context.Context, i int) error {
	for attempt := 0; ; attempt++ {
		url := s.replicas[(i+attempt)%len(s.replicas)].URL + webhook.Path
		start := time.Now()
		status, err := s.sender.send(ctx, url, i)
		if err != nil {
			return fmt.Errorf("deliver an event: %w", err)
		}
		took := time.Since(start)
		s.mu.Lock()
		switch status {
		case http.StatusOK:
			s.taken, s.now = append(s.taken, took), append(s.now, took)
			s.left--
		case http.StatusServiceUnavailable:
			s.refused++
		default:
			s.other++
		}
		s.mu.Unlock()
		if status == http.StatusOK {
			return nil
		}
		select {
		case <-time.After(retryAfter + rand.N(retryAfter)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sample takes a sample each second until the wave ends.
func (s *waveRun) sample(result *Wave, processes []process, begin time.Time, done <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := begin
	for over := false; !over; {
		select {
		case <-tick.C:
		case <-done:
			over = true
		}
		now := time.Now()
		span := now.Sub(last).Seconds()
		last = now
		s.mu.Lock()
		sample := WaveSample{Second: now.Sub(begin).Seconds(), Admitted: float64(len(s.now)) / span, Refused: float64(s.refused) / span, Left: s.left}
		if len(s.now) > 0 {
			sample.P99 = (&timings{latencies: s.now}).quantile(.99)
		}
		result.Refused += s.refused
		s.now, s.refused = nil, 0
		s.mu.Unlock()
		for _, p := range processes {
			u, err := p.usage()
			if err != nil {
				return err
			}
			sample.Resident = append(sample.Resident, u.Resident)
			result.MaxResident = max(result.MaxResident, u.Resident)
		}
		if span > 0.1 { // the last one may be of a moment
			result.Samples = append(result.Samples, sample)
		}
	}
	return nil
}

// lost counts the orders whose status differs from their events, after the controller had time for early refunds.
func (w *environment) lost(ctx context.Context, s seeded, refunds int) (int, error) {
	refundedUIDs := map[string]bool{}
	for _, uid := range s.uids[:refunds] {
		refundedUIDs[uid] = true
	}
	mine := map[string]bool{}
	for _, uid := range s.uids {
		mine[uid] = true
	}
	lost := 0
	patience, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	err := wait.PollUntilContextCancel(patience, 2*time.Second, true, func(ctx context.Context) (bool, error) {
		var orders v1alpha1.OrderList
		if err := w.client.List(ctx, &orders); err != nil {
			return false, err
		}
		lost = len(mine)
		for i := range orders.Items {
			o := &orders.Items[i]
			want := v1alpha1.OrderPaid
			if refundedUIDs[string(o.UID)] {
				want = v1alpha1.OrderRefunded
			}
			if mine[string(o.UID)] && o.Status.Phase == want && len(o.Status.Payments) == 1 {
				lost--
			}
		}
		return lost == 0, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = nil // lost says it
	}
	return lost, err
}

// waves sends a wave to one replica, and then one to two replicas.
func (w *environment) waves(ctx context.Context, events int) ([]Wave, error) {
	one, err := w.wave(ctx, w.paylink.Replicas, events)
	if err != nil {
		return nil, err
	}
	second, err := w.paylink.AddReplica(ctx, "webhookserver-second")
	if err != nil {
		return nil, err
	}
	two, err := w.wave(ctx, append(slices.Clone(w.paylink.Replicas), second), events)
	return []Wave{one, two}, errors.Join(err, second.Stop())
}
