package client_test

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/missing"
)

// startMock starts stripe-mock and returns its address. It knows every parameter of Stripe's API and refuses others.
func startMock(t *testing.T) string {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	build := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+filepath.Join("test", "tools", "stripemock", "go.mod"), "-n", "stripe-mock")
	build.Dir, build.Stderr = root, t.Output()
	program, err := build.Output()
	if err != nil {
		t.Logf("go tool stripe-mock: %v", err)
		missing.Tool(t, "stripe-mock cannot be built: it needs the go command, and the Go module proxy or a filled module cache")
	}
	// Without an address for HTTPS, stripe-mock listens on all addresses.
	mock := exec.CommandContext(t.Context(), strings.TrimSpace(string(program)), "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	mock.Stderr = t.Output()
	out, err := mock.StdoutPipe()
	check(t, err)
	check(t, mock.Start())
	t.Cleanup(func() {
		_ = mock.Process.Kill()
		_, _ = io.Copy(io.Discard, out)
		_ = mock.Wait() // the error says that it was killed
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "Listening for HTTP at address: "); ok {
			return "http://" + address
		}
	}
	t.Fatal("stripe-mock ended before it listened")
	return ""
}

// TestContract: stripe-mock accepts every call of the client, with every parameter.
func TestContract(t *testing.T) {
	base := startMock(t)
	client := newClient(t, "sk_test_123", stripeclient.Options{Base: base})
	ctx := t.Context()
	// stripe-mock sends fixed responses, so that some calls fail after the response.
	for operation, call := range map[string]func() error{
		"checkout.sessions.retrieve": func() error {
			_, err := client.Session(ctx, "cs_test_a1")
			return err
		},
		"checkout.sessions.retrieve, with charge": func() error {
			_, err := client.SessionWithCharge(ctx, "cs_test_a1")
			return err
		},
		"checkout.sessions.list, of a link": func() error {
			return client.SessionsOfLink(ctx, "plink_1", noon, func(stripeclient.Session) error { return nil })
		},
		"checkout.sessions.list, of a payment": func() error {
			_, err := client.SessionsOfPayment(ctx, "pi_1")
			return err
		},
		"events.list": func() error {
			return client.Events(ctx, noon, noon.Add(time.Hour), func(_ webhook.Event, err error) error { return err })
		},
		"events.list, undelivered": func() error {
			_, _, err := client.Undelivered(ctx, noon)
			return err
		},
		"disputes.list": func() error {
			_, err := client.Disputes(ctx, "pi_1")
			return err
		},
		"refunds.list": func() error {
			_, err := client.FailedRefunds(ctx, "pi_1")
			return err
		},
		"webhook_endpoints.list": func() error {
			_, err := client.Endpoints(ctx)
			return err
		},
		"webhook_endpoints.create": func() error {
			_, _, err := client.CreateEndpoint(ctx, newEndpoint())
			return err
		},
		"webhook_endpoints.update": func() error { return client.SetEndpointEvents(ctx, "we_1") },
	} {
		t.Run(operation, func(t *testing.T) {
			if err := call(); err != nil {
				t.Log(err)
			}
			name, _, _ := strings.Cut(operation, ",")
			client.calls.expect(t, name+" 200")
		})
	}
	// stripe-mock refuses other calls.
	for wrong, want := range map[string]int{
		"/v1/events?no_such_parameter=1": http.StatusBadRequest, "/v1/checkout/sessions?status=good": http.StatusBadRequest,
		"/v1/checkout/sessions?no_such_parameter=1": http.StatusBadRequest, "/v1/no_such_list": http.StatusNotFound,
	} {
		if got := getStatus(t, base+wrong); got != want {
			t.Errorf("%s: got status %d, want %d", wrong, got, want)
		}
	}
}

// getStatus returns the status of a GET request.
func getStatus(t *testing.T, address string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	check(t, err)
	request.Header.Set("Authorization", "Bearer sk_test_123")
	response, err := http.DefaultClient.Do(request)
	check(t, err)
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}
