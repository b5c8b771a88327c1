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
	return s.PostSigned(body, stripesim.SignatureHeader([]string{s.Paylink.Endpoint.Secret}, time.Now(), body))
}

// PostSigned is Post with another Stripe-Signature.
func (s *Seller) PostSigned(body []byte, signature string) int {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.Ctx, http.MethodPost, s.Paylink.Endpoint.URL, bytes.NewReader(body))
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
