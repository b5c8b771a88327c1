package openapi_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/openapi"
)

// TestIncomplete: where not every route is described, the others are nobody's business.
func TestIncomplete(t *testing.T) {
	c := contract(t)
	c.Complete = false
	for name, row := range map[string]row{"another route": get("/api/refunds", canned{200, json, "{}", nil}, ""), "a known one": creation(lifetime, refused, "valid")} {
		if _, complaints := c.Ask(row.answer, row.request(t)); (len(complaints) > 0) != (row.want != "") {
			t.Errorf("%s: %q", name, complaints)
		}
	}
}

// TestTwice: a header that is there twice is one header of both.
func TestTwice(t *testing.T) {
	r := creation(lifetime, taken, "").request(t)
	r.Header["Idempotency-Key"] = []string{"a", "b"}
	if _, complaints := contract(t).Ask(taken, r); len(complaints) != 1 || !strings.Contains(complaints[0], "Idempotency-Key") {
		t.Errorf("%q", complaints)
	}
}

// broken is a body that breaks off.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// unread is a handler that does not look at the body.
func unread(answer canned) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.NoBody
		answer.ServeHTTP(w, r)
	})
}

// TestBrokenOff: what breaks off may be refused in its form, and must not be taken, even if all of it has come.
func TestBrokenOff(t *testing.T) {
	c := contract(t)
	for _, text := range []string{session[:9], session} {
		for answer, wrong := range map[*canned]bool{&known: true, {408, wrong, problem, nil}: false} {
			for name, handler := range map[string]http.Handler{"read": answer, "unread": unread(*answer)} {
				r := capture("", known, "").request(t)
				r.Body = io.NopCloser(broken{strings.NewReader(text)})
				if _, complaints := c.Ask(handler, r); (len(complaints) > 0) != wrong {
					t.Errorf("%s, %s, answered %d: %q", text, name, answer.status, complaints)
				}
			}
		}
	}
}

// TestUnread: what the handler does not read has been sent all the same.
func TestUnread(t *testing.T) {
	c := contract(t)
	for answer, wrong := range map[*canned]bool{&known: false, &refused: true} {
		if _, complaints := c.Ask(unread(*answer), capture(session, known, "").request(t)); (len(complaints) > 0) != wrong {
			t.Errorf("answered %d: %q", answer.status, complaints)
		}
	}
}

// TestUnnoticed: a handler is sent what was sent, as it was sent.
func TestUnnoticed(t *testing.T) {
	r := creation(lifetime, taken, "").request(t)
	length := r.ContentLength
	_, _ = contract(t).Ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if string(body) != lifetime || err != nil || r.ContentLength != length || r.Header.Get("Authorization") != "Bearer a" {
			t.Errorf("%s %v, %d bytes, %v", body, err, r.ContentLength, r.Header)
		}
		taken.ServeHTTP(w, r)
	}), r)
}

// TestUnseen: an answer that is described and never comes as described is missed, by its operation, status and type.
func TestUnseen(t *testing.T) {
	c := contract(t)
	for _, row := range []row{
		get("/buy/shop/l", canned{404, "text/html", "<p>", nil}, ""), ask("HEAD", "/buy/shop/l", shown, ""), creation(lifetime, canned{201, json, "{}", located}, ""),
	} {
		_, _ = c.Ask(row.answer, row.request(t))
	}
	unseen := c.Unseen()
	for name, want := range map[string]bool{
		"createOrder 201 application/json": true, "buy 303": true, "showBuy 404 application/problem+json": true, "showBuy 200 text/html": true, "showBuy 404 text/html": false,
	} {
		if slices.Contains(unseen, name) != want {
			t.Errorf("%s is missed: %t", name, !want)
		}
	}
}

// TestNoDescription: what is no description, or one by which nothing could be checked, is not read.
func TestNoDescription(t *testing.T) {
	const valid = "openapi: 3.1.0\ninfo: {title: t, version: v}\npaths: {}\n"
	for name, row := range map[string]struct{ text, want string }{
		"one":             {valid, ""},
		"no YAML":         {"{", "read the description at /a, answered 200"},
		"nothing":         {"", "is no description"},
		"one of no title": {strings.Replace(valid, "title: t, ", "", 1), "is no description"},
		"an older one":    {strings.Replace(valid, "3.1.0", "3.0.3", 1), "is of OpenAPI 3.0.3"},
	} {
		_, err := openapi.Read(canned{200, "application/yaml", row.text, nil}, "/a")
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
