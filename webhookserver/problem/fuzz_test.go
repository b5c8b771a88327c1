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

// FuzzReadJSON: a body is read as encoding/json reads it, or refused as 4xx in words of ours.
func FuzzReadJSON(f *testing.F) {
	for _, body := range []string{
		``, `{}`, ` {"link":"a","note":"b","buyer":{"id":"c"}} `, `{"link":null}`, `{"link":1}`, `{"link":"a","link":"b"}`, `{"Link":"a"}`, `[]`, `null`,
		`{"link":"\ud800"}`, "{\"link\":\"\xff\"}", `{"<b>":1}`, `{"buyer":{"id":{}}}`, `{"link":"a"} x`, "\ufeff{}", `{"link":"a"`, `{"buyer":[]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got parcel
		p := problem.ReadJSON(posted(t, "application/json", string(body)), &got)
		if p != nil {
			if p.Status != http.StatusBadRequest && p.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("%d", p.Status)
			}
			if !details.MatchString(p.Detail) {
				t.Errorf("it says %q", p.Detail)
			}
			return
		}
		var want parcel
		if err := json.Unmarshal(body, &want); err != nil || got != want {
			t.Errorf("%q is read as %+v; encoding/json: %+v, %v", body, got, want, err)
		}
	})
}
