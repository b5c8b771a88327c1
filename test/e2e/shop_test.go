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

	"github.com/paylink-dev/paylink/test/stripesim"
)

// shop is how buyers, the shop's backend and its bookkeeper come to the cluster: by the names that they know.
type shop struct {
	client    *http.Client
	transport *http.Transport
	buyers    atomic.Int64

	mu      sync.Mutex
	tunnels map[string]string
}

func newShop(t *testing.T, certificate []byte) *shop {
	t.Helper()
	s := &shop{tunnels: map[string]string{}}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(certificate) {
		t.Fatal("the shop's certificate is none")
	}
	s.transport = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 16, DisableCompression: true,
		IdleConnTimeout: 30 * time.Second, // nginx ends them after 75 s
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

// reach has an address reached through a tunnel.
func (s *shop) reach(address, through string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tunnels[address] = through
}

func (s *shop) hangUp() { s.transport.CloseIdleConnections() }

// answered is an answer, read to its end.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (s *shop) do(request *http.Request) (answered, error) {
	response, err := s.client.Do(request)
	if err != nil {
		return answered{}, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return answered{response.StatusCode, response.Header, body}, err
}

func (s *shop) get(ctx context.Context, address string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answered{}, err
	}
	return s.do(request)
}

// stripe asks Stripe's API, as the shop.
func (s *shop) stripe(t *testing.T, method, path string, form url.Values, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+stripeHost+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+stripesim.TestKey)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := s.do(request)
	if err != nil || answer.status != http.StatusOK {
		t.Fatalf("%s %s: %d, %v: %s", method, path, answer.status, err, answer.body)
	}
	if err := json.Unmarshal(answer.body, into); err != nil {
		t.Fatal(err)
	}
}

// webhook posts an event to a webhook server as Stripe does, signed with a secret, and returns the answer's status.
func (s *shop) webhook(ctx context.Context, server string, body []byte, secret string) (int, error) {
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

// orderByBackend creates an order by the API, as the shop's backend, and returns the page to pay it at and its reference.
func (s *shop) orderByBackend(t *testing.T, token string) (checkoutURL, reference string) {
	t.Helper()
	body := strings.NewReader(`{"namespace": "` + shopNamespace + `", "paymentLink": "` + linkName + `"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+shopHost+"/api/orders", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.do(request)
	if err != nil || answer.status != http.StatusCreated {
		t.Fatalf("create an order: %d, %v: %s", answer.status, err, answer.body)
	}
	var made struct{ CheckoutURL, OrderID string }
	if err := json.Unmarshal(answer.body, &made); err != nil {
		t.Fatal(err)
	}
	return made.CheckoutURL, made.OrderID
}

// buyer is one, with an address of his own.
type buyer struct {
	shop    *shop
	address string
	person  *stripesim.Buyer
}

func (s *shop) buyer() *buyer {
	n := s.buyers.Add(1)
	return &buyer{s, fmt.Sprintf("198.51.%d.%d", n/200%200, n%200+1), stripesim.RemoteBuyer(s.transport)}
}

// ask is do for a page of the shop.
func (b *buyer) ask(ctx context.Context, method, address string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Origin", "https://"+shopHost)
	request.Header.Set("X-Forwarded-For", b.address)
	return b.shop.do(request)
}

// order presses the button, and returns the payment page of the order that this makes.
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
	_, err := b.person.Pay(ctx, checkoutURL, stripesim.Card4242)
	return err
}

// comeBack opens the page that Stripe sends the buyer to.
func (b *buyer) comeBack(ctx context.Context) error {
	answer, err := b.ask(ctx, http.MethodGet, b.person.ReturnedTo())
	if err != nil {
		return fmt.Errorf("come back: %w", err)
	}
	if answer.status != http.StatusOK {
		return fmt.Errorf("come back: %d: %s", answer.status, answer.body)
	}
	return nil
}

// buy is all of it.
func (b *buyer) buy(ctx context.Context) error {
	page, err := b.order(ctx)
	if err == nil {
		err = b.pay(ctx, page)
	}
	if err == nil {
		err = b.comeBack(ctx)
	}
	return err
}
