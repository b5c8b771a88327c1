package problem_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// parcel is a body as a route of ours could want it.
type parcel struct {
	Link  string `json:"link"`
	Note  string `json:"note"`
	Buyer struct {
		ID string `json:"id"`
	} `json:"buyer"`
}

// posted is a request with a body of this type.
func posted(t testing.TB, contentType, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// TestReadJSON reads what it should, however it is written.
func TestReadJSON(t *testing.T) {
	whole := parcel{Link: "lifetime", Note: "für Ü"}
	whole.Buyer.ID = "c1"
	for name, row := range map[string]struct {
		body string
		want parcel
	}{
		"all fields":                 {`{"link":"lifetime","note":"für Ü","buyer":{"id":"c1"}}`, whole},
		"in another order":           {`{"buyer":{"id":"c1"},"note":"f\u00fcr \u00dc","link":"lifetime"}`, whole},
		"white space around it":      {" \r\n\t{ \"link\" : \"lifetime\" } \n", parcel{Link: "lifetime"}},
		"an empty object":            {`{}`, parcel{}},
		"null is as if left out":     {`{"link":null,"note":"n","buyer":null}`, parcel{Note: "n"}},
		"an empty text":              {`{"link":""}`, parcel{}},
		"braces and quotes in texts": {`{"link":"{\"note\":\"x\"}"}`, parcel{Link: `{"note":"x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got parcel
			if p := problem.ReadJSON(posted(t, "application/json", row.body), &got); p != nil {
				t.Fatalf("refused: %d %s", p.Status, p.Detail)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestContentType: a form of another origin's page cannot send application/json unasked, so nothing else is taken.
func TestContentType(t *testing.T) {
	for contentType, taken := range map[string]bool{
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
			p := problem.ReadJSON(posted(t, contentType, `{"link":"lifetime"}`), &parcel{})
			if taken {
				if p != nil {
					t.Errorf("refused: %s", p.Detail)
				}
				return
			}
			want := problem.Of(http.StatusUnsupportedMediaType, "Content-Type", "send a JSON object, as application/json.")
			if diff := cmp.Diff(want, p); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWrongBody: what is wrong is said, by the field where there is one, and nothing of the body is said again.
func TestWrongBody(t *testing.T) {
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
			p := problem.ReadJSON(posted(t, "application/json", row.body), &parcel{})
			if p == nil {
				t.Fatal("taken")
			}
			if diff := cmp.Diff(problem.New(http.StatusBadRequest, row.detail, row.fields...), p); diff != "" {
				t.Error(diff)
			}
			silent(t, p)
		})
	}
}

// silent fails the test if the answer repeats one of the values that these tests send.
func silent(t *testing.T, p *problem.Problem) {
	t.Helper()
	answer := httptest.NewRecorder()
	p.Write(answer)
	for _, value := range []string{"Erika", "Mustermann", "example.com", "4242"} {
		if strings.Contains(answer.Body.String(), value) {
			t.Errorf("%q is said again: %s", value, answer.Body)
		}
	}
}
