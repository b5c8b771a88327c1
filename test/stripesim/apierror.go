package stripesim

import (
	"fmt"
	"net/http"
)

// APIError is a refusal of the API, in the shape that Stripe gives it.
type APIError struct {
	// Status is the HTTP status.
	Status int
	// Type, Code, Param and Message are the fields of the answer's "error".
	Type, Code, Param, Message string
	// Charge is the charge that the refusal is about, if any.
	Charge string
}

// Error is the message as Stripe words it.
func (e *APIError) Error() string { return e.Message }

const invalidRequest = "invalid_request_error"

func (e *APIError) render() rendered {
	shown := rendered{"type": e.Type, "message": e.Message}
	for field, value := range map[string]string{"code": e.Code, "param": e.Param, "charge": e.Charge} {
		if value != "" {
			shown[field] = value
		}
	}
	return rendered{"error": shown}
}

func errInvalid(param, code, format string, args ...any) *APIError {
	return &APIError{Status: http.StatusBadRequest, Type: invalidRequest, Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

func errRequired(param string) *APIError {
	return errInvalid(param, "parameter_missing", "Missing required param: %s.", param)
}

func errMissing(noun, id, param string) *APIError {
	return &APIError{
		Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: param,
		Message: fmt.Sprintf("No such %s: '%s'", noun, id),
	}
}

func errOtherMode(noun, id, param string, livemode bool) *APIError {
	err := errMissing(noun, id, param)
	there, here := "live", "test"
	if livemode {
		there, here = here, there
	}
	err.Message += fmt.Sprintf("; a similar object exists in %s mode, but a %s mode key was used to make this request.", there, here)
	return err
}

func errUnauthorized(message string) *APIError {
	return &APIError{Status: http.StatusUnauthorized, Type: invalidRequest, Message: message}
}
