package openapi_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

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

// TestBodies: a body that breaks off must be refused, even if all of it has come. A body that the handler does not read is
// checked too.
func TestBodies(t *testing.T) {
	c := contract(t)
	timeout := canned{408, wrong, problem, nil}
	for name, row := range map[string]struct {
		body     io.Reader
		answer   canned
		unread   bool
		complain bool
	}{
		"broken off, taken":          {broken{strings.NewReader(session[:9])}, known, false, true},
		"broken off, taken unread":   {broken{strings.NewReader(session[:9])}, known, true, true},
		"broken off, refused":        {broken{strings.NewReader(session[:9])}, timeout, false, false},
		"broken off, refused unread": {broken{strings.NewReader(session[:9])}, timeout, true, false},
		"broken at the end, taken":   {broken{strings.NewReader(session)}, known, false, true},
		"broken at the end, refused": {broken{strings.NewReader(session)}, timeout, true, false},
		"valid, taken unread":        {strings.NewReader(session), known, true, false},
		"valid, refused unread":      {strings.NewReader(session), refused, true, true},
	} {
		var handler http.Handler = row.answer
		if row.unread {
			handler = unread(row.answer)
		}
		r := capture("", known, "").request(t)
		r.Body = io.NopCloser(row.body)
		if _, complaints := c.Ask(handler, r); (len(complaints) > 0) != row.complain {
			t.Errorf("%s: got complaints %q, want some: %t", name, complaints, row.complain)
		}
	}
}

// TestUnseen: an answer that is described and does not come is listed by its operation, status and type. Where the description
// is not complete, other routes are not checked.
func TestUnseen(t *testing.T) {
	c := contract(t)
	c.Complete = false
	for _, row := range []row{
		get("/buy/shop/l", canned{404, "text/html", "<p>", nil}, ""), ask("HEAD", "/buy/shop/l", shown, ""), creation(lifetime, canned{201, json, "{}", located}, "complain"),
		get("/api/refunds", canned{200, json, "{}", nil}, ""),
	} {
		if _, complaints := c.Ask(row.answer, row.request(t)); (len(complaints) > 0) != (row.want != "") {
			t.Errorf("%s %s: got complaints %q", row.method, row.path, complaints)
		}
	}
	unseen := c.Unseen()
	for name, want := range map[string]bool{
		"createOrder 201 application/json": true, "buy 303": true, "showBuy 404 application/problem+json": true, "showBuy 200 text/html": true, "showBuy 404 text/html": false,
	} {
		if got := slices.Contains(unseen, name); got != want {
			t.Errorf("%s unseen: got %t, want %t", name, got, want)
		}
	}
}
