package testclient

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// Post sends the webhook server a signed body, and returns the status of the answer.
func (c *Client) Post(body []byte) int {
	c.T.Helper()
	endpoint := c.Stack.Endpoint
	return c.PostSigned(endpoint.URL, body, stripesim.SignatureHeader([]string{endpoint.Secret}, time.Now(), body))
}

// PostSigned is Post to any webhook server, with any Stripe-Signature.
func (c *Client) PostSigned(url string, body []byte, signature string) int {
	c.T.Helper()
	request, err := http.NewRequestWithContext(c.Ctx, http.MethodPost, url, bytes.NewReader(body))
	c.Must(err)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", signature)
	answer, err := http.DefaultClient.Do(request)
	c.Must(err)
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	return answer.StatusCode
}
