package checkout_test

import (
	"sync"
	"time"
)

// sendMany sends n calls, atOnce in parallel. It returns the answers by status, and the duration.
func (s *fixture) sendMany(n, atOnce int, of func(i int) call) (statuses map[int]int, took time.Duration) {
	s.T.Helper()
	var mu sync.Mutex
	statuses = map[int]int{}
	next := make(chan int)
	var clients sync.WaitGroup
	begun := time.Now()
	for range atOnce {
		clients.Go(func() {
			for i := range next {
				a, err := trySend(s.Ctx, of(i))
				if err != nil {
					s.T.Errorf("call %d: %v", i, err)
					continue
				}
				if a.status >= 400 {
					a.problem(s.T, a.status)
				}
				mu.Lock()
				statuses[a.status]++
				mu.Unlock()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	clients.Wait()
	return statuses, time.Since(begun)
}
