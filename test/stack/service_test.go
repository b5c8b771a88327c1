package stack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

func TestServiceBalances(t *testing.T) {
	service, err := newService(t.Context())
	check.Must(t, err)
	t.Cleanup(func() {
		if err := service.close(); err != nil {
			t.Error(err)
		}
	})
	served := map[string]int{}
	var last *httptest.Server
	for _, name := range []string{"first", "second", "third"} {
		last = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, name+" "+r.Header.Get("Stripe-Signature")+" "+string(body)+" "+r.URL.Path)
		}))
		t.Cleanup(last.Close)
		check.Must(t, service.add(last.URL))
	}
	for range 6 {
		status, content := post(t, service.url)
		if status != http.StatusOK {
			t.Errorf("got status %d, want 200", status)
		}
		served[content]++
	}
	for _, name := range []string{"first", "second", "third"} {
		if n := served[name+" signed event "+webhookPath]; n != 2 {
			t.Errorf("got %d requests at %s, want 2: %v", n, name, served)
		}
	}

	last.Close()
	answers := map[int]int{}
	for range 3 {
		status, _ := post(t, service.url)
		answers[status]++
	}
	if answers[http.StatusOK] != 2 || answers[http.StatusBadGateway] != 1 {
		t.Errorf("got the statuses %v with one replica down, want 200 twice and 502 once", answers)
	}
}

func post(t *testing.T, url string) (status int, content string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+webhookPath, strings.NewReader("event"))
	check.Must(t, err)
	request.Header.Set("Stripe-Signature", "signed")
	answer, err := http.DefaultClient.Do(request)
	check.Must(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	check.Must(t, err)
	return answer.StatusCode, string(body)
}
