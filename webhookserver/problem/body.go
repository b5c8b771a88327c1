package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	strict "sigs.k8s.io/json"
)

// maxBody is the largest body read. A request of ours is under 1 KiB.
const maxBody = 16 << 10

// ReadJSON reads a request's body into a struct: one JSON object, with the fields of the struct alone, each once. The
// problem it returns names the field that is wrong.
func ReadJSON(r *http.Request, into any) *Problem {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return Of(http.StatusUnsupportedMediaType, "Content-Type", "send a JSON object, as application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return New(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may be at most %d KiB large.", maxBody>>10))
	case err != nil:
		return New(http.StatusRequestTimeout, "The body could not be read to its end in time: send it in one go.")
	case len(strings.TrimSpace(string(body))) == 0:
		return New(http.StatusBadRequest, "The body is empty: send a JSON object.")
	case !utf8.Valid(body): // or what is wrong would be replaced, and another text kept than was sent
		return New(http.StatusBadRequest, "The body is not UTF-8.")
	case firstByte(body) != '{':
		return New(http.StatusBadRequest, "The body is no JSON object.")
	}
	fields, err := strict.UnmarshalStrict(body, into)
	if err != nil {
		return unreadable(err)
	}
	if len(fields) > 0 {
		return unexpected(fields)
	}
	return nil
}

// firstByte skips white space, and a byte order mark is none.
func firstByte(body []byte) byte { return strings.TrimLeft(string(body), " \t\r\n")[0] }

// unreadable says what is wrong with a body without quoting it: json's own errors can hold a piece of it.
func unreadable(err error) *Problem {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return Of(http.StatusBadRequest, kind.Field, "must be a "+kind.Type.Kind().String()+".")
	}
	if is, offset := strict.SyntaxErrorOffset(err); is {
		return New(http.StatusBadRequest, fmt.Sprintf("The body is not JSON, from byte %d on.", offset))
	}
	return New(http.StatusBadRequest, "The body is not JSON of the expected shape.")
}

// harmless is a field name that may be repeated to the caller.
var harmless = regexp.MustCompile(`^[A-Za-z0-9_.\[\]-]{1,64}$`)

// unexpected names the fields that should not be there, or not twice.
func unexpected(errs []error) *Problem {
	p := New(http.StatusBadRequest, "")
	for _, err := range errs {
		detail := "is not a field of this request: leave it out."
		if strings.HasPrefix(err.Error(), "duplicate") {
			detail = "is there more than once."
		}
		name := "?"
		var field strict.FieldError
		if errors.As(err, &field) && harmless.MatchString(field.FieldPath()) {
			name = field.FieldPath()
		}
		p.Errors = append(p.Errors, Field{Name: name, Detail: detail})
	}
	p.Detail = p.Errors[0].Name + ": " + p.Errors[0].Detail
	return p
}
