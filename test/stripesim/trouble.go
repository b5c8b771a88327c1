package stripesim

import (
	"io"
	"net/http"
	"strconv"
)

// Trouble is a fault of one request to the API. The zero value is none.
type Trouble struct {
	// Status is an error status. The request has no effect.
	Status int
	// Hang leaves the request without an answer until its client gives up.
	Hang bool
	// Cut executes the request, and closes the connection in the middle of the answer.
	Cut bool
	// PageLimit is the largest number of entries of a list, below the limit of the request. has_more stays correct.
	PageLimit int
}

// TroubleAPI sets the function that chooses the fault of each request to the API. A nil function ends all faults, those of
// DisturbAPI too.
func (s *Simulator) TroubleAPI(trouble func(*http.Request) Trouble) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.trouble = trouble
}

// DisturbAPI is TroubleAPI for error statuses alone; 0 is no fault.
func (s *Simulator) DisturbAPI(disturb func(*http.Request) int) {
	if disturb == nil {
		s.TroubleAPI(nil)
		return
	}
	s.TroubleAPI(func(r *http.Request) Trouble { return Trouble{Status: disturb(r)} })
}

func (a *api) troubleOf(r *http.Request) Trouble {
	a.mu.Lock()
	trouble := a.trouble
	a.mu.Unlock()
	if trouble == nil {
		return Trouble{}
	}
	return trouble(r)
}

// failBefore applies a fault that comes before the execution of a request, and reports whether the request is answered.
func (t Trouble) failBefore(w http.ResponseWriter, r *http.Request) bool {
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
func (t Trouble) write(w http.ResponseWriter, given answer) {
	if !t.Cut {
		writeAnswer(w, given)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(given.body)))
	given.body = given.body[:len(given.body)/2]
	writeAnswer(w, given)
	panic(http.ErrAbortHandler) // net/http's way of breaking a connection off
}
