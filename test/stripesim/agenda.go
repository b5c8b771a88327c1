package stripesim

import (
	"container/heap"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// agenda does things at their time by an injected clock: a retry when its
// back-off is over, a session's end after a day, a bank's late answer.
type agenda struct {
	clock clock.WithTicker

	mu      sync.Mutex
	entries appointments
	count   uint64

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

type appointment struct {
	at    time.Time
	count uint64
	do    func()
}

func newAgenda(c clock.WithTicker) *agenda {
	a := &agenda{clock: c, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go a.run()
	return a
}

// at runs do at that time or as soon after as it can, one at a time, in the
// order of their times and then of their entry.
func (a *agenda) at(t time.Time, do func()) {
	a.mu.Lock()
	a.count++
	heap.Push(&a.entries, appointment{at: t, count: a.count, do: do})
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// close forgets what is still to come and returns once nothing runs any more.
func (a *agenda) close() {
	close(a.stop)
	<-a.done
}

func (a *agenda) run() {
	defer close(a.done)
	for {
		next, more := a.doDue()
		if !a.wait(next, more) {
			return
		}
	}
}

// doDue does everything whose time has come, and returns the time of the next.
func (a *agenda) doDue() (next time.Time, more bool) {
	for {
		a.mu.Lock()
		if len(a.entries) == 0 {
			a.mu.Unlock()
			return time.Time{}, false
		}
		if at := a.entries[0].at; at.After(a.clock.Now()) {
			a.mu.Unlock()
			return at, true
		}
		entry := heap.Pop(&a.entries).(appointment)
		a.mu.Unlock()
		select {
		case <-a.stop:
			return time.Time{}, false
		default:
			entry.do()
		}
	}
}

// wait returns when something may be due, or false when the agenda closes.
func (a *agenda) wait(next time.Time, more bool) bool {
	var due <-chan time.Time
	if more {
		timer := a.clock.NewTimer(next.Sub(a.clock.Now()))
		defer timer.Stop()
		// A fake clock may have been stepped between the two readings above.
		if !next.After(a.clock.Now()) {
			return true
		}
		due = timer.C()
	}
	select {
	case <-due:
	case <-a.wake:
	case <-a.stop:
		return false
	}
	return true
}

// appointments is a heap by time, then by entry.
type appointments []appointment

func (h appointments) Len() int { return len(h) }
func (h appointments) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].count < h[j].count
	}
	return h[i].at.Before(h[j].at)
}
func (h appointments) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *appointments) Push(x any) { *h = append(*h, x.(appointment)) }

// Pop implements heap.Interface.
func (h *appointments) Pop() any {
	last := len(*h) - 1
	entry := (*h)[last]
	(*h)[last] = appointment{}
	*h = (*h)[:last]
	return entry
}
