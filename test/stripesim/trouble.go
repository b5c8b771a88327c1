package stripesim

import (
	"io"
	"net/http"
	"strconv"
)

// Trouble is what goes wrong with one request to the API. The zero value is
// none.
type Trouble struct {
	// Status is an error status that the request is answered with; nothing that
	// it asks for is done.
	Status int
	// Hang leaves the request without an answer, for as long as its sender waits.
	Hang bool
	// Cut does what is asked, and breaks the connection off in the middle of the
	// answer.
	Cut bool
	// PageLimit is how many entries a list has at most, however many were asked
	// for; has_more says truthfully that there are others.
	PageLimit int
}

// TroubleAPI decides, for each request to the API, what goes wrong with it. A
// nil function ends all trouble, that of DisturbAPI too.
func (s *Simulator) TroubleAPI(trouble func(*http.Request) Trouble) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.trouble = trouble
}

// DisturbAPI is TroubleAPI for error statuses alone: 0 lets a request through.
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

// suffer lets the trouble that comes before a request's work take its course,
// and reports whether there is nothing left to do.
func (t Trouble) suffer(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case t.Hang:
		_, _ = io.Copy(io.Discard, r.Body) // or a sender that goes away would not be noticed
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
