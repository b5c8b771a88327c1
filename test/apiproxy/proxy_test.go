package apiproxy_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
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

// upstream is an API server that writes down what it is asked. A watch is told one word for each that news brings.
type upstream struct {
	news chan string

	mu   sync.Mutex
	seen []string
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.note(r.Method + " " + r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer token-of-the-server" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if r.URL.Query().Get("watch") != "true" {
		_, _ = io.WriteString(w, "done")
		return
	}
	w.WriteHeader(http.StatusOK)
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case word, more := <-u.news:
			if !more {
				return
			}
			_, _ = io.WriteString(w, word)
		case <-r.Context().Done():
			u.note("the watch ended")
			return
		}
	}
}

func (u *upstream) note(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen = append(u.seen, what)
}

func (u *upstream) saw() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.seen)
}

// asker asks an API server through a proxy, of which it knows the kubeconfig alone.
type asker struct {
	t      *testing.T
	client *http.Client
	host   string
}

// start returns an API server, the dials of a proxy to it, and who asks.
func start(t *testing.T) (*upstream, *apiproxy.Dials, *asker) {
	t.Helper()
	u := &upstream{news: make(chan string, 100)}
	server := httptest.NewTLSServer(u)
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	dials := &apiproxy.Dials{}
	proxy, err := apiproxy.Start(t.Context(), &rest.Config{
		Host: server.URL, BearerToken: "token-of-the-server", TLSClientConfig: rest.TLSClientConfig{CAData: authority},
	}, dials)
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
	return u, dials, &asker{t: t, client: &http.Client{Transport: transport}, host: config.Host}
}

func (a *asker) do(ctx context.Context, method, path string) (*http.Response, error) {
	a.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, a.host+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.client.Do(request)
}

// ask returns what is answered to one request.
func (a *asker) ask(method, path string) (int, string) {
	a.t.Helper()
	answer, err := a.do(a.t.Context(), method, path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

func TestPassesOnInTheServersName(t *testing.T) {
	u, dials, server := start(t)
	for _, request := range []string{"GET " + order, "PATCH " + order + "/status", "POST /apis"} {
		method, path, _ := strings.Cut(request, " ")
		if code, content := server.ask(method, path); code != http.StatusOK || content != "done" {
			t.Errorf("%s: %d %s", request, code, content)
		}
	}
	if n := len(u.saw()); n != 3 || dials.Conflicts() != 0 {
		t.Errorf("the API server saw %q, and there were %d conflicts", u.saw(), dials.Conflicts())
	}
}

func TestEveryWriteIsRefusedFirst(t *testing.T) {
	u, dials, server := start(t)
	dials.ObstructWrites(apiproxy.Obstacle{Times: 2})
	for round := range 2 {
		for attempt, want := range []int{409, 409, 200} {
			code, content := server.ask(http.MethodPatch, order+"/status")
			if code != want {
				t.Errorf("write %d, attempt %d: %d %s", round, attempt, code, content)
			}
			if want == 200 {
				continue
			}
			var status metav1.Status
			if err := json.Unmarshal([]byte(content), &status); err != nil {
				t.Fatal(err)
			}
			if status.Kind != "Status" || status.Code != 409 || status.Reason != metav1.StatusReasonConflict || status.Details.Name != "lifetime" {
				t.Errorf("the refusal is %+v", status)
			}
		}
	}
	if n := len(u.saw()); n != 2 || dials.Conflicts() != 4 {
		t.Errorf("%d writes arrived after %d conflicts, want 2 after 4", n, dials.Conflicts())
	}
	// Whatever is not a write to an order's status has its way.
	for _, request := range []string{
		"GET " + order + "/status", "PATCH " + order, "POST " + strings.TrimSuffix(order, "/lifetime"),
		"PATCH /apis/payments.paylink.dev/v1alpha1/namespaces/shop/stripeevents/evt-1/status",
	} {
		method, path, _ := strings.Cut(request, " ")
		if code, _ := server.ask(method, path); code != http.StatusOK {
			t.Errorf("%s: %d", request, code)
		}
	}
	dials.ObstructWrites(apiproxy.Obstacle{})
	if code, _ := server.ask(http.MethodPut, order+"/status"); code != http.StatusOK {
		t.Errorf("after the conflicts: %d", code)
	}
}

func TestEveryWriteIsOvertaken(t *testing.T) {
	u, dials, server := start(t)
	dials.ObstructWrites(apiproxy.Obstacle{Times: 1, Overtake: func(_ context.Context, namespace, name string) error {
		u.note("a rival changes " + namespace + "/" + name)
		return nil
	}})
	for range 2 {
		if code, _ := server.ask(http.MethodPatch, order+"/status"); code != http.StatusOK {
			t.Errorf("a write that was overtaken: %d", code)
		}
	}
	want := []string{"a rival changes shop/lifetime", "PATCH " + order + "/status", "PATCH " + order + "/status"}
	if got := u.saw(); !slices.Equal(got, want) {
		t.Errorf("the API server saw %q, want %q", got, want)
	}
	dials.ObstructWrites(apiproxy.Obstacle{Times: 1, Overtake: func(context.Context, string, string) error { return errors.New("no rival") }})
	if code, content := server.ask(http.MethodPatch, order+"/status"); code != http.StatusServiceUnavailable || !strings.Contains(content, "no rival") {
		t.Errorf("a rival that failed: %d %s", code, content)
	}
}

func TestWatchesAreTheLaterTheSame(t *testing.T) {
	for _, by := range []time.Duration{0, 300 * time.Millisecond} {
		t.Run(by.String(), func(t *testing.T) {
			u, dials, server := start(t)
			dials.DelayWatches(by)
			answer, err := server.do(t.Context(), http.MethodGet, "/orders?watch=true")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			var want strings.Builder
			begun := time.Now()
			for i := range 50 {
				word := fmt.Sprintf("word-%d ", i)
				want.WriteString(word)
				u.news <- word
			}
			close(u.news) // the end of the watch is late too
			got, err := io.ReadAll(answer.Body)
			if err != nil || string(got) != want.String() {
				t.Errorf("the watch was told %q, %v", got, err)
			}
			if took := time.Since(begun); took < by {
				t.Errorf("the watch ended after %s, want it %s late", took, by)
			}
			if late := dials.Delayed() > 0; late != (by > 0) {
				t.Errorf("%d pieces were delayed", dials.Delayed())
			}
		})
	}
}

func TestAWatchThatIsGivenUpEnds(t *testing.T) {
	u, dials, server := start(t)
	dials.DelayWatches(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := server.do(ctx, http.MethodGet, "/orders?watch=true")
	if err != nil {
		t.Fatal(err)
	}
	u.news <- "never told"
	cancel()
	if content, err := io.ReadAll(answer.Body); err == nil || len(content) > 0 {
		t.Errorf("the watch was told %q, %v", content, err)
	}
	_ = answer.Body.Close()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !slices.Contains(u.saw(), "the watch ended") {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the API server still tells the watch")
		}
	}
}
