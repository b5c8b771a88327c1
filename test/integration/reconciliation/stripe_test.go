package reconciliation_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// api sends a request to Stripe's API, and returns the answer.
func (s *fixture) api(method, path string, form url.Values) []byte {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.Ctx, method, s.Stripe.URL()+path, strings.NewReader(form.Encode()))
	s.Must(err)
	request.SetBasicAuth(s.key, "")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	s.Must(err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	s.Must(err)
	if answer.StatusCode != http.StatusOK {
		s.T.Fatalf("%s %s: %s\n%s", method, path, answer.Status, body)
	}
	return body
}
