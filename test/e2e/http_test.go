package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// httpClient reaches the shop and Stripe in the cluster by their public names, through tunnels.
type httpClient struct {
	client    *http.Client
	transport *http.Transport
	buyers    atomic.Int64

	mu      sync.Mutex
	tunnels map[string]string
}

func newHTTPClient(t *testing.T, certificate []byte) *httpClient {
	t.Helper()
	s := &httpClient{tunnels: map[string]string{}}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(certificate) {
		t.Fatal("got an invalid certificate of the shop")
	}
	s.transport = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 16, DisableCompression: true,
		IdleConnTimeout: 30 * time.Second, // nginx closes them after 75 s
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			s.mu.Lock()
			to, ok := s.tunnels[address]
			s.mu.Unlock()
			if !ok {
				return nil, fmt.Errorf("there is no tunnel to %s", address)
			}
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
	}
	s.client = &http.Client{
		Transport: s.transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// setTunnel sets the tunnel of an address.
func (s *httpClient) setTunnel(address, through string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tunnels[address] = through
}

func (s *httpClient) closeIdle() { s.transport.CloseIdleConnections() }

// answered is a complete response.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (s *httpClient) do(request *http.Request) (answered, error) {
	response, err := s.client.Do(request)
	if err != nil {
		return answered{}, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return answered{response.StatusCode, response.Header, body}, err
}

func (s *httpClient) get(ctx context.Context, address string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answered{}, err
	}
	return s.do(request)
}

// stripe sends a request to Stripe's API.
func (s *httpClient) stripe(t *testing.T, method, path string, form url.Values, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+stripeHost+path, strings.NewReader(form.Encode()))
	check.Must(t, err)
	request.Header.Set("Authorization", "Bearer "+stripesim.TestKey)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := s.do(request)
	if err != nil || answer.status != http.StatusOK {
		t.Fatalf("%s %s: %d, %v: %s", method, path, answer.status, err, answer.body)
	}
	check.Must(t, json.Unmarshal(answer.body, into))
}

// webhook posts a signed event to a webhook server, and returns the status.
func (s *httpClient) webhook(ctx context.Context, server string, body []byte, secret string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/api/webhooks/stripe", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", stripesim.SignatureHeader([]string{secret}, time.Now(), body))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// orderByBackend creates an order through the API, and returns its checkout URL and its reference.
func (s *httpClient) orderByBackend(t *testing.T, token string) (checkoutURL, reference string) {
	t.Helper()
	body := strings.NewReader(`{"namespace": "` + shopNamespace + `", "paymentLink": "` + linkName + `"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+shopHost+"/api/orders", body)
	check.Must(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.do(request)
	if err != nil || answer.status != http.StatusCreated {
		t.Fatalf("create an order: %d, %v: %s", answer.status, err, answer.body)
	}
	var made struct{ CheckoutURL, OrderID string }
	check.Must(t, json.Unmarshal(answer.body, &made))
	return made.CheckoutURL, made.OrderID
}

// buyer is a buyer with a unique address.
type buyer struct {
	http    *httpClient
	address string
	stripe  *stripesim.Buyer
}

func (s *httpClient) buyer() *buyer {
	n := s.buyers.Add(1)
	return &buyer{s, fmt.Sprintf("198.51.%d.%d", n/200%200, n%200+1), stripesim.RemoteBuyer(s.transport)}
}

// ask sends a request to a page of the shop.
func (b *buyer) ask(ctx context.Context, method, address string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Origin", "https://"+shopHost)
	request.Header.Set("X-Forwarded-For", b.address)
	return b.http.do(request)
}

// order presses the buy button, and returns the checkout URL of the order.
func (b *buyer) order(ctx context.Context) (checkoutURL string, err error) {
	answer, err := b.ask(ctx, http.MethodPost, "https://"+shopHost+"/buy/"+shopNamespace+"/"+linkName)
	if err != nil {
		return "", fmt.Errorf("order: %w", err)
	}
	if answer.status != http.StatusSeeOther {
		return "", fmt.Errorf("order: %d, Retry-After %q: %s", answer.status, answer.header.Get("Retry-After"), answer.body)
	}
	return answer.header.Get("Location"), nil
}

// pay pays by card.
func (b *buyer) pay(ctx context.Context, checkoutURL string) error {
	_, err := b.stripe.Pay(ctx, checkoutURL, stripesim.Card4242)
	return err
}

// openReturnPage opens the page to which Stripe redirected the buyer.
func (b *buyer) openReturnPage(ctx context.Context) error {
	answer, err := b.ask(ctx, http.MethodGet, b.stripe.ReturnedTo())
	if err != nil {
		return fmt.Errorf("open the return page: %w", err)
	}
	if answer.status != http.StatusOK {
		return fmt.Errorf("open the return page: %d: %s", answer.status, answer.body)
	}
	return nil
}

// buy orders, pays, and opens the return page.
func (b *buyer) buy(ctx context.Context) error {
	page, err := b.order(ctx)
	if err == nil {
		err = b.pay(ctx, page)
	}
	if err == nil {
		err = b.openReturnPage(ctx)
	}
	return err
}
