package problem_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// details are all that a problem may say of a body. Of the body's own words it holds the names of fields alone, and
// those only where they look like one.
var details = regexp.MustCompile(`^(The body (is empty: send a JSON object|is no JSON object|is not UTF-8|is not JSON, from byte \d+ on|is not JSON of the expected shape|may be at most 16 KiB large)\.` +
	`|(\?|[A-Za-z0-9_.\[\]-]{1,64}): (must be a (string|struct)\.|is not a field of this request: leave it out\.|is there more than once\.))$`)

// FuzzReadJSON: a body is decoded as by encoding/json, or refused with a 4xx whose text is our own.
func FuzzReadJSON(f *testing.F) {
	for _, body := range []string{
		``, `{}`, ` {"link":"a","note":"b","buyer":{"id":"c"}} `, `{"link":null}`, `{"link":1}`, `{"link":"a","link":"b"}`, `{"Link":"a"}`, `[]`, `null`,
		`{"link":"\ud800"}`, "{\"link\":\"\xff\"}", `{"<b>":1}`, `{"buyer":{"id":{}}}`, `{"link":"a"} x`, "\ufeff{}", `{"link":"a"`, `{"buyer":[]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got document
		if err := problem.ReadJSON(posted(t, "application/json", string(body)), &got); err != nil {
			p := problem.From(err)
			if p.Status != http.StatusBadRequest && p.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("got status %d, want 400 or 413", p.Status)
			}
			if !details.MatchString(p.Detail) {
				t.Errorf("got detail %q, want one of the texts", p.Detail)
			}
			return
		}
		var want document
		if err := json.Unmarshal(body, &want); err != nil || got != want {
			t.Errorf("%q: got %+v, want %+v, %v", body, got, want, err)
		}
	})
}
