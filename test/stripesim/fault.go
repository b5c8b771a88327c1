package stripesim

import (
	"io"
	"net/http"
	"strconv"
)

// Fault is a fault of one request to the API. The zero value is none.
type Fault struct {
	// Status is an error status. The request has no effect.
	Status int
	// Hang leaves the request without an answer until its client gives up.
	Hang bool
	// Cut executes the request, and closes the connection in the middle of the answer.
	Cut bool
	// PageLimit is the largest number of entries of a list, below the limit of the request. has_more stays correct.
	PageLimit int
}

// InjectFaults sets the function that chooses the fault of each request to the API. A nil function ends all faults, those of
// InjectErrors too.
func (s *Simulator) InjectFaults(fault func(*http.Request) Fault) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.fault = fault
}

// InjectErrors is InjectFaults for error statuses alone; 0 is no fault.
func (s *Simulator) InjectErrors(disturb func(*http.Request) int) {
	if disturb == nil {
		s.InjectFaults(nil)
		return
	}
	s.InjectFaults(func(r *http.Request) Fault { return Fault{Status: disturb(r)} })
}

func (a *api) faultOf(r *http.Request) Fault {
	a.mu.Lock()
	fault := a.fault
	a.mu.Unlock()
	if fault == nil {
		return Fault{}
	}
	return fault(r)
}

// failBefore applies a fault that comes before the execution of a request, and reports whether the request is answered.
func (t Fault) failBefore(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case t.Hang:
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices a closed connection only then
		<-r.Context().Done()
		return true
	case t.Status != 0:
		writeAnswer(w, errorAnswer(&APIError{Status: t.Status, Type: "api_error", Message: "The simulator was told to fail this request."}))
		return true
	}
	return false
}

// write writes an answer, or half of it.
func (t Fault) write(w http.ResponseWriter, given answer) {
	if !t.Cut {
		writeAnswer(w, given)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(given.body)))
	given.body = given.body[:len(given.body)/2]
	writeAnswer(w, given)
	panic(http.ErrAbortHandler) // net/http's way of breaking a connection off
}
