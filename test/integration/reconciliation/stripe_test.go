package reconciliation_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/paylink-dev/paylink/test/stack"
)

// api asks Stripe's API as the seller, and returns the answer.
func (s *shop) api(method, path string, form url.Values) []byte {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.Ctx, method, s.Stripe.URL()+path, strings.NewReader(form.Encode()))
	s.must(err)
	request.SetBasicAuth(s.key, "")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	s.must(err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	s.must(err)
	if answer.StatusCode != http.StatusOK {
		s.T.Fatalf("%s %s: %s\n%s", method, path, answer.Status, body)
	}
	return body
}

// log is what a server has logged so far.
func (s *shop) log(server *stack.Server) string {
	s.T.Helper()
	content, err := os.ReadFile(server.Log)
	s.must(err)
	return string(content)
}
