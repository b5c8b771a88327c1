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

// maxBody is the size of the largest body that is read. A valid request is under 1 KiB.
const maxBody = 16 << 10

// ReadJSON reads the body of a request into a struct. The body is one JSON object. It has no field that the struct has
// not, and none twice. The error is a Problem that names the wrong field.
func ReadJSON(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return ForField(http.StatusUnsupportedMediaType, "Content-Type", "send a JSON object, as application/json.")
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
	case !utf8.Valid(body): // the decoder would replace invalid bytes, and another text would be kept than was sent
		return New(http.StatusBadRequest, "The body is not UTF-8.")
	case firstByte(body) != '{':
		return New(http.StatusBadRequest, "The body is no JSON object.")
	}
	fields, err := strict.UnmarshalStrict(body, into)
	if err != nil {
		return syntaxProblem(err)
	}
	if len(fields) > 0 {
		return fieldsProblem(fields)
	}
	return nil
}

// firstByte returns the first byte that is not JSON's white space. A byte order mark is not white space.
func firstByte(body []byte) byte { return strings.TrimLeft(string(body), " \t\r\n")[0] }

// syntaxProblem describes an error without quoting the body, as the decoder's own errors can do.
func syntaxProblem(err error) *Problem {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return ForField(http.StatusBadRequest, wrongType.Field, "must be a "+wrongType.Type.Kind().String()+".")
	}
	if is, offset := strict.SyntaxErrorOffset(err); is {
		return New(http.StatusBadRequest, fmt.Sprintf("The body is not JSON, from byte %d on.", offset))
	}
	return New(http.StatusBadRequest, "The body is not JSON of the expected shape.")
}

// printableName matches the field names that a problem repeats. Others could hold personal data or markup.
var printableName = regexp.MustCompile(`^[A-Za-z0-9_.\[\]-]{1,64}$`)

// fieldsProblem names the fields that are unknown or occur twice.
func fieldsProblem(errs []error) *Problem {
	p := New(http.StatusBadRequest, "")
	for _, err := range errs {
		detail := "is not a field of this request: leave it out."
		if strings.HasPrefix(err.Error(), "duplicate") {
			detail = "is there more than once."
		}
		name := "?"
		var field strict.FieldError
		if errors.As(err, &field) && printableName.MatchString(field.FieldPath()) {
			name = field.FieldPath()
		}
		p.Errors = append(p.Errors, Field{Name: name, Detail: detail})
	}
	p.Detail = p.Errors[0].Name + ": " + p.Errors[0].Detail
	return p
}
