package fakeshop

import (
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// Journal is everything that is logged, at every level.
type Journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Logger writes into the journal.
func (j *Journal) Logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.text.WriteString(prefix + " " + args + "\n")
	}, funcr.Options{Verbosity: 10})
}

// String is all of it.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
