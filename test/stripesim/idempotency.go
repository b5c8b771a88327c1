package stripesim

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// replays keeps the answers to requests that carried an Idempotency-Key.
type replays struct {
	mu    sync.Mutex
	given map[replayKey]*replay
}

// replayKey separates the modes: the same key in both is two requests.
type replayKey struct {
	livemode bool
	key      string
}

type replay struct {
	path   string
	form   url.Values
	answer answer
}

// once runs do for the first request of a key, and repeats its answer for later ones. It holds the lock meanwhile, so that
// two parallel requests with one key have one effect.
func (r *replays) once(call *request, key string, do func() answer) (given answer, replayed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := replayKey{livemode: call.livemode, key: key}
	if past, ok := r.given[id]; ok {
		if past.path != call.path || !sameForm(past.form, call.params.values) {
			return errorAnswer(&APIError{
				Status: http.StatusBadRequest, Type: "idempotency_error",
				Message: "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + key + "' if you meant to execute a different request.",
			}), false
		}
		return past.answer, true
	}
	given = do()
	// A refused request can be corrected and sent again with its key, as at Stripe.
	if given.status >= http.StatusOK && given.status < http.StatusMultipleChoices {
		if r.given == nil {
			r.given = map[replayKey]*replay{}
		}
		r.given[id] = &replay{path: call.path, form: call.params.values, answer: given}
	}
	return given, false
}

func sameForm(a, b url.Values) bool {
	return maps.EqualFunc(a, b, func(x, y []string) bool { return slices.Equal(x, y) })
}
