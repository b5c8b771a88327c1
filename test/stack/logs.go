package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// logTail is the end of the log, which is removed with the cluster.
func (s *Server) logTail() string {
	content, err := os.ReadFile(s.Log)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-1000):])
}

// crashMarks are the log lines of a data race, a panic, or a failure of Go's runtime. A process that was killed or started
// again leaves no other trace of them.
var crashMarks = []string{"WARNING: DATA RACE", "panic", "fatal error: "}

// crash returns the first of the crashMarks in the log, with the text after it.
func (s *Server) crash() error {
	log, err := os.ReadFile(s.Log)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // it was never started
			return nil
		}
		return err
	}
	for _, mark := range crashMarks {
		if at := strings.Index(string(log), mark); at >= 0 {
			return fmt.Errorf("%s says:\n%s", s.name, log[at:min(len(log), at+8000)])
		}
	}
	return nil
}
