package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ID is a reference to another object of Stripe's. In JSON it is the id of the object, the expanded object itself, or
// null.
type ID string

// UnmarshalJSON reads all three forms.
func (i *ID) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case 'n': // null
		return nil
	case '"':
		return json.Unmarshal(data, (*string)(i))
	case '{':
		var expanded struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(data, &expanded); err != nil {
			return err
		}
		*i = ID(expanded.ID)
		return nil
	default:
		return errors.New("an id is a string or an object")
	}
}

// UnixTime is a time in seconds since 1970.
type UnixTime time.Time

// UnmarshalJSON reads seconds. Null and the text of a thin event, which is ignored, leave the time zero.
func (t *UnixTime) UnmarshalJSON(data []byte) error {
	if data[0] == 'n' || data[0] == '"' {
		return nil
	}
	var seconds int64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return err
	}
	if seconds < 0 || seconds > maxUnixTime {
		return errors.New("a time is in seconds since 1970")
	}
	*t = UnixTime(time.Unix(seconds, 0).UTC())
	return nil
}

// maxUnixTime is the last second of the year 9999, the latest time that RFC 3339 can express.
const maxUnixTime = 253402300799

// DescribeJSON describes an error of encoding/json without quoting the text. The error itself can hold a piece of the
// text.
func DescribeJSON(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("not JSON, from byte %d on", syntax.Offset)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Sprintf("JSON, but not an object (%s)", firstWord(kind.Value))
	case errors.As(err, &kind):
		return fmt.Sprintf("field %q has the wrong type (%s)", kind.Field, firstWord(kind.Value))
	default:
		return "not JSON of the expected shape"
	}
}

// firstWord cuts "number 12.5" to "number".
func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}
