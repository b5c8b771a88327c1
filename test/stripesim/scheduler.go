package stripesim

import (
	"container/heap"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// scheduler runs functions at a given time of an injected clock: retries, the expiry of sessions, late answers of banks.
type scheduler struct {
	clock clock.WithTicker

	mu    sync.Mutex
	tasks taskHeap
	count uint64

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

type task struct {
	at    time.Time
	count uint64
	do    func()
}

func newScheduler(c clock.WithTicker) *scheduler {
	s := &scheduler{clock: c, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// runAt runs do at that time or soon after. Tasks run one at a time, ordered by time and then by insertion.
func (s *scheduler) runAt(t time.Time, do func()) {
	s.mu.Lock()
	s.count++
	heap.Push(&s.tasks, task{at: t, count: s.count, do: do})
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close drops the tasks that are left, and returns when none runs any more.
func (s *scheduler) close() {
	close(s.stop)
	<-s.done
}

func (s *scheduler) run() {
	defer close(s.done)
	for {
		next, more := s.runDue()
		if !s.wait(next, more) {
			return
		}
	}
}

// runDue runs every task that is due, and returns the time of the next.
func (s *scheduler) runDue() (next time.Time, more bool) {
	for {
		s.mu.Lock()
		if len(s.tasks) == 0 {
			s.mu.Unlock()
			return time.Time{}, false
		}
		if at := s.tasks[0].at; at.After(s.clock.Now()) {
			s.mu.Unlock()
			return at, true
		}
		next := heap.Pop(&s.tasks).(task)
		s.mu.Unlock()
		select {
		case <-s.stop:
			return time.Time{}, false
		default:
			next.do()
		}
	}
}

// wait returns when a task can be due, or false when the scheduler closes.
func (s *scheduler) wait(next time.Time, more bool) bool {
	var due <-chan time.Time
	if more {
		timer := s.clock.NewTimer(next.Sub(s.clock.Now()))
		defer timer.Stop()
		// A fake clock may have been stepped between the two readings above.
		if !next.After(s.clock.Now()) {
			return true
		}
		due = timer.C()
	}
	select {
	case <-due:
	case <-s.wake:
	case <-s.stop:
		return false
	}
	return true
}

// taskHeap is a heap ordered by time, then by insertion.
type taskHeap []task

func (h taskHeap) Len() int { return len(h) }
func (h taskHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].count < h[j].count
	}
	return h[i].at.Before(h[j].at)
}
func (h taskHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *taskHeap) Push(x any) { *h = append(*h, x.(task)) }

// Pop implements heap.Interface.
func (h *taskHeap) Pop() any {
	last := len(*h) - 1
	next := (*h)[last]
	(*h)[last] = task{}
	*h = (*h)[:last]
	return next
}
