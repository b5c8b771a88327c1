package seller

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// Post brings the webhook server a body that was made by hand, signed as Stripe signs, and returns the answer's status.
func (s *Seller) Post(body []byte) int {
	s.T.Helper()
	endpoint := s.Paylink.Endpoint
	return s.PostSigned(endpoint.URL, body, stripesim.SignatureHeader([]string{endpoint.Secret}, time.Now(), body))
}

// PostSigned is Post to any webhook server, with any Stripe-Signature.
func (s *Seller) PostSigned(url string, body []byte, signature string) int {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.Ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", signature)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	return answer.StatusCode
}
