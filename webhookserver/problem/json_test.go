package problem_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// document is the JSON body of a request.
type document struct {
	Link  string `json:"link"`
	Note  string `json:"note"`
	Buyer struct {
		ID string `json:"id"`
	} `json:"buyer"`
}

// posted is a request with a body of a content type.
func posted(t testing.TB, contentType, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// TestReadJSON: every notation of a valid body is accepted.
func TestReadJSON(t *testing.T) {
	whole := document{Link: "lifetime", Note: "für Ü"}
	whole.Buyer.ID = "c1"
	for name, row := range map[string]struct {
		body string
		want document
	}{
		"all fields":                 {`{"link":"lifetime","note":"für Ü","buyer":{"id":"c1"}}`, whole},
		"in another order":           {`{"buyer":{"id":"c1"},"note":"f\u00fcr \u00dc","link":"lifetime"}`, whole},
		"white space around it":      {" \r\n\t{ \"link\" : \"lifetime\" } \n", document{Link: "lifetime"}},
		"an empty object":            {`{}`, document{}},
		"null is as if left out":     {`{"link":null,"note":"n","buyer":null}`, document{Note: "n"}},
		"an empty text":              {`{"link":""}`, document{}},
		"braces and quotes in texts": {`{"link":"{\"note\":\"x\"}"}`, document{Link: `{"note":"x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got document
			if err := problem.ReadJSON(posted(t, "application/json", row.body), &got); err != nil {
				t.Fatalf("got error %v, want none", err)
			}
			check.Equal(t, row.want, got, "result")
		})
	}
}

// TestContentType: only application/json is accepted. A form on a page of another origin cannot send it without a preflight.
func TestContentType(t *testing.T) {
	for contentType, accepted := range map[string]bool{
		"application/json":                  true,
		"application/json; charset=utf-8":   true,
		"Application/JSON;charset=UTF-8":    true,
		"":                                  false,
		"text/plain":                        false,
		"text/json":                         false,
		"application/x-www-form-urlencoded": false,
		"multipart/form-data; boundary=x":   false,
		"application/problem+json":          false,
		"application/jsonp":                 false,
		"application/json, text/plain":      false,
		"text/plain; application/json":      false,
		"application/json; charset":         false,
	} {
		t.Run(contentType, func(t *testing.T) {
			err := problem.ReadJSON(posted(t, contentType, `{"link":"lifetime"}`), &document{})
			if accepted {
				check.NoError(t, err)
				return
			}
			want := problem.ForField(http.StatusUnsupportedMediaType, "Content-Type", "send a JSON object, as application/json.")
			check.Equal(t, error(want), err, "error")
		})
	}
}

// TestInvalidBody: the error names the field, if there is one, and repeats no value of the body.
func TestInvalidBody(t *testing.T) {
	const unknown, twice = "is not a field of this request: leave it out.", "is there more than once."
	for name, row := range map[string]struct {
		body   string
		detail string
		fields []problem.Field
	}{
		"empty":                         {"", "The body is empty: send a JSON object.", nil},
		"white space alone":             {" \r\n\t", "The body is empty: send a JSON object.", nil},
		"other white space alone":       {"\u00a0\u2028", "The body is empty: send a JSON object.", nil},
		"byte order mark":               {"\ufeff{}", "The body is no JSON object.", nil},
		"array":                         {`[{"link":"Erika"}]`, "The body is no JSON object.", nil},
		"text":                          {`"Erika"`, "The body is no JSON object.", nil},
		"number":                        {`4242`, "The body is no JSON object.", nil},
		"null":                          {`null`, "The body is no JSON object.", nil},
		"form":                          {`link=Erika`, "The body is no JSON object.", nil},
		"vertical tab before it":        {"\v{}", "The body is no JSON object.", nil},
		"cut off":                       {`{"link":"Erika"`, "The body is not JSON, from byte 15 on.", nil},
		"comma at the end":              {`{"link":"Erika",}`, "The body is not JSON, from byte 17 on.", nil},
		"single quotes":                 {`{'link':'Erika'}`, "The body is not JSON, from byte 2 on.", nil},
		"no quotes":                     {`{"link":Erika}`, "The body is not JSON, from byte 9 on.", nil},
		"line break in a text":          {"{\"link\":\"Erika\n\"}", "The body is not JSON, from byte 15 on.", nil},
		"something behind it":           {`{"link":"a"} Erika`, "The body is not JSON, from byte 14 on.", nil},
		"another object behind it":      {`{"link":"a"}{"link":"Erika"}`, "The body is not JSON, from byte 13 on.", nil},
		"too deep":                      {`{"buyer":` + strings.Repeat(`[`, 10001), "The body is not JSON, from byte 10009 on.", nil},
		"not UTF-8":                     {"{\"link\":\"Erika\xff\"}", "The body is not UTF-8.", nil},
		"a number for a text":           {`{"link":4242}`, "link: must be a string.", []problem.Field{{Name: "link", Detail: "must be a string."}}},
		"a flag for a text":             {`{"link":true}`, "link: must be a string.", []problem.Field{{Name: "link", Detail: "must be a string."}}},
		"an array for a text":           {`{"link":["Erika"]}`, "link: must be a string.", []problem.Field{{Name: "link", Detail: "must be a string."}}},
		"an object for a text":          {`{"link":{"Erika":"Erika"}}`, "link: must be a string.", []problem.Field{{Name: "link", Detail: "must be a string."}}},
		"further in":                    {`{"buyer":{"id":4242}}`, "buyer.id: must be a string.", []problem.Field{{Name: "buyer.id", Detail: "must be a string."}}},
		"unknown field":                 {`{"amount":"Erika"}`, "amount: " + unknown, []problem.Field{{Name: "amount", Detail: unknown}}},
		"a field in another case":       {`{"Link":"Erika"}`, "Link: " + unknown, []problem.Field{{Name: "Link", Detail: unknown}}},
		"a field twice":                 {`{"link":"a","link":"Erika"}`, "link: " + twice, []problem.Field{{Name: "link", Detail: twice}}},
		"further in, twice":             {`{"buyer":{"id":"a","id":"Erika"}}`, "buyer.id: " + twice, []problem.Field{{Name: "buyer.id", Detail: twice}}},
		"several":                       {`{"a":1,"note":"","b":2,"note":""}`, "a: " + unknown, []problem.Field{{Name: "a", Detail: unknown}, {Name: "b", Detail: unknown}, {Name: "note", Detail: twice}}},
		"an unusual name":               {`{"Erika Mustermann":1}`, "?: " + unknown, []problem.Field{{Name: "?", Detail: unknown}}},
		"an address for a name":         {`{"buyer@example.com":1}`, "?: " + unknown, []problem.Field{{Name: "?", Detail: unknown}}},
		"markup for a name":             {`{"<b>Erika":1}`, "?: " + unknown, []problem.Field{{Name: "?", Detail: unknown}}},
		"no name":                       {`{"":"Erika"}`, "?: " + unknown, []problem.Field{{Name: "?", Detail: unknown}}},
		"a name of the greatest length": {`{"` + strings.Repeat("n", 64) + `":1}`, strings.Repeat("n", 64) + ": " + unknown, []problem.Field{{Name: strings.Repeat("n", 64), Detail: unknown}}},
		"a longer one":                  {`{"` + strings.Repeat("n", 65) + `":1}`, "?: " + unknown, []problem.Field{{Name: "?", Detail: unknown}}},
	} {
		t.Run(name, func(t *testing.T) {
			err := problem.ReadJSON(posted(t, "application/json", row.body), &document{})
			want := problem.New(http.StatusBadRequest, row.detail, row.fields...)
			if diff := cmp.Diff(error(want), err); diff != "" {
				t.Fatalf("problem (-want +got):\n%s", diff)
			}
			wantNoValues(t, err)
		})
	}
}

// wantNoValues fails the test if the response repeats one of the values that these tests send.
func wantNoValues(t *testing.T, err error) {
	t.Helper()
	answer := httptest.NewRecorder()
	problem.From(err).Write(answer)
	for _, value := range []string{"Erika", "Mustermann", "example.com", "4242"} {
		check.Lacks(t, answer.Body.String(), value)
	}
}
