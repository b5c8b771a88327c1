package storefront_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/storefront"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client sends requests to a shop, and follows no redirects.
type client struct {
	t    *testing.T
	shop *storefront.Storefront
	http *http.Client
}

func open(t *testing.T, o storefront.Options) *client {
	t.Helper()
	shop, err := storefront.Start(t.Context(), o)
	check.Must(t, err)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		check.NoError(t, shop.Close())
	})
	return &client{t: t, shop: shop, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	text   string
}

// ask sends a request with headers given as name, value, name, value.
func (v *client) ask(method, path, body string, headers ...string) answer {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, v.shop.URL()+path, strings.NewReader(body))
	check.Must(v.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := v.http.Do(request)
	check.Must(v.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	check.Must(v.t, err)
	return answer{status: response.StatusCode, header: response.Header, text: string(text)}
}

// serve starts a webhook server for the test.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func TestInvalidOptions(t *testing.T) {
	for want, o := range map[string]storefront.Options{
		"no address of a webhook server": {PaylinkURL: "localhost:8080"},
		"write a whole one":              {PaylinkURL: "ftp://127.0.0.1:8080"},
		"parse the webhook server's":     {PaylinkURL: "http://127.0.0.1:port"},
		"no path of this shop":           {BuyPath: "buy/shop/lifetime"},
		"to buy at":                      {BuyPath: "//evil.example/buy"},
		"listen on 127.0.0.1:-1":         {Addr: "127.0.0.1:-1"},
	} {
		if _, err := storefront.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want an error with %q", o, err, want)
		}
	}
}

func TestClose(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	shop, err := storefront.Start(ctx, storefront.Options{})
	check.Must(t, err)
	cancel() // which does not close the shop
	v := &client{t: t, shop: shop, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	check.Equal(t, http.StatusOK, v.ask(http.MethodGet, "/", "").status, "status after the context ended")
	for range 2 {
		check.NoError(t, shop.Close())
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.URL(), nil)
	check.Must(t, err)
	if response, err := v.http.Do(request); err == nil {
		_ = response.Body.Close()
		t.Error("got an answer of a closed shop, want an error")
	}
}
