package apiproxy_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/paylink-dev/paylink/test/apiproxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const order = "/apis/payments.paylink.dev/v1alpha1/namespaces/shop/orders/lifetime"

// apiServer records its requests, and sends to a watch what events has.
type apiServer struct {
	events chan string

	mu       sync.Mutex
	requests []string
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.record(r.Method + " " + r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer token-of-the-server" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusOK)
	if r.URL.Query().Get("watch") != "true" {
		return
	}
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case event, more := <-s.events:
			if !more {
				return
			}
			_, _ = io.WriteString(w, event)
		case <-r.Context().Done():
			s.record("the watch ended")
			return
		}
	}
}

func (s *apiServer) record(request string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
}

func (s *apiServer) recorded() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// client sends requests to a proxy, whose kubeconfig it has read.
type client struct {
	transport *http.Transport
	host      string
}

// do sends a request, such as "GET /apis".
func (c *client) do(ctx context.Context, request string) (*http.Response, error) {
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(ctx, method, c.host+path, nil)
	if err != nil {
		return nil, err
	}
	return c.transport.RoundTrip(r)
}

// start returns an API server, the faults of a proxy to it, and a client of the proxy.
func start(t *testing.T) (*apiServer, *apiproxy.Faults, *client) {
	t.Helper()
	s := &apiServer{events: make(chan string, 100)}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	faults := &apiproxy.Faults{}
	proxy, err := apiproxy.Start(t.Context(), &rest.Config{
		Host: server.URL, BearerToken: "token-of-the-server", TLSClientConfig: rest.TLSClientConfig{CAData: authority},
	}, faults)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := proxy.WriteKubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, faults, &client{transport: transport, host: config.Host}
}

// TestConflicts: writes to the status of orders fail as often as they are told, and no other request does.
func TestConflicts(t *testing.T) {
	s, faults, c := start(t)
	overtake := func(err error) func(context.Context, string, string) error {
		return func(_ context.Context, namespace, name string) error {
			s.record("overtaken: " + namespace + "/" + name)
			return err
		}
	}
	const write = "PATCH " + order + "/status"
	for _, row := range []struct {
		name     string
		conflict apiproxy.Conflict
		request  string
		codes    []int
		recorded []string // by the API server
	}{
		{"none", apiproxy.Conflict{}, write, []int{200}, []string{write}},
		{"first write", apiproxy.Conflict{Times: 2}, write, []int{409, 409, 200}, []string{write}},
		{"second write", apiproxy.Conflict{Times: 1}, write, []int{409, 200, 409, 200}, []string{write, write}},
		{"overtaken", apiproxy.Conflict{Times: 1, Overtake: overtake(nil)}, write, []int{200, 200}, []string{"overtaken: shop/lifetime", write, write}},
		{"not overtaken", apiproxy.Conflict{Times: 1, Overtake: overtake(errors.New("no rival"))}, write, []int{503}, []string{"overtaken: shop/lifetime"}},
		{"read", apiproxy.Conflict{Times: 1}, "GET " + order + "/status", []int{200}, []string{"GET " + order + "/status"}},
		{"other write", apiproxy.Conflict{Times: 1}, "PATCH " + order, []int{200}, []string{"PATCH " + order}},
		{"other kind", apiproxy.Conflict{Times: 1}, "PATCH " + strings.Replace(order, "orders", "stripeevents", 1) + "/status", []int{200},
			[]string{"PATCH " + strings.Replace(order, "orders", "stripeevents", 1) + "/status"}},
	} {
		before, conflicts := len(s.recorded()), faults.Conflicts()
		faults.ConflictWrites(row.conflict)
		for i, want := range row.codes {
			answer, err := c.do(t.Context(), row.request)
			if err != nil {
				t.Fatal(err)
			}
			var status metav1.Status
			if err := json.NewDecoder(answer.Body).Decode(&status); want != 200 && (err != nil || status.Kind != "Status" || int(status.Code) != want || status.Details.Name != "lifetime") {
				t.Errorf("%s: got status %+v, %v, want %d", row.name, status, err, want)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s, request %d: got %d, want %d", row.name, i, answer.StatusCode, want)
			}
		}
		if got := s.recorded()[before:]; !slices.Equal(got, row.recorded) {
			t.Errorf("%s: got requests %q, want %q", row.name, got, row.recorded)
		}
		if conflicted := slices.Contains(row.codes, 409) || row.conflict.Overtake != nil; (faults.Conflicts() > conflicts) != conflicted {
			t.Errorf("%s: got %d conflicts", row.name, faults.Conflicts()-conflicts)
		}
	}
}

// TestDelays: a watch gets the same events in the same order, later; and it can be cancelled meanwhile.
func TestDelays(t *testing.T) {
	for _, by := range []time.Duration{0, 300 * time.Millisecond, time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			s, faults, c := start(t)
			faults.DelayWatches(by)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answer, err := c.do(ctx, "GET /orders?watch=true")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			want, begin := "", time.Now()
			for range 50 {
				s.events <- "event "
				want += "event "
			}
			if by == time.Hour {
				cancel()
				tick := time.NewTicker(5 * time.Millisecond)
				defer tick.Stop()
				for !slices.Contains(s.recorded(), "the watch ended") { // or the test times out
					<-tick.C
				}
				return
			}
			close(s.events) // the end of the watch is late too
			got, err := io.ReadAll(answer.Body)
			if err != nil || string(got) != want || time.Since(begin) < by || (faults.Delayed() > 0) != (by > 0) {
				t.Errorf("got %q, %v after %s, want %q", got, err, time.Since(begin), want)
			}
		})
	}
}
