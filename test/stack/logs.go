package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// lastWords is the end of the log, which goes away with the cluster.
func (s *Server) lastWords() string {
	content, err := os.ReadFile(s.Log)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-1000):])
}

// alarms are what no server may say, whatever breaks around it: that it has a data race, or panics, or that Go's runtime
// gave up. A process that was killed, or started again since, has told nobody else.
var alarms = []string{"WARNING: DATA RACE", "panic", "fatal error: "}

// alarm returns the first alarm in the log, with what follows it.
func (s *Server) alarm() error {
	log, err := os.ReadFile(s.Log)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // it was never started
			return nil
		}
		return err
	}
	for _, alarm := range alarms {
		if at := strings.Index(string(log), alarm); at >= 0 {
			return fmt.Errorf("%s says:\n%s", s.name, log[at:min(len(log), at+8000)])
		}
	}
	return nil
}
