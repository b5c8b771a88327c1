package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"--endpoint", "http://127.0.0.1:1/api/webhooks/stripe", "--endpoint-secret", "whsec_given",
			"--link", "name=Lifetime,amount=19900,currency=usd,limit=1,redirect=http://127.0.0.1:1/back?a=1,2", "--live",
		}, write, io.Discard)
		_ = write.Close()
	}()
	lines := bufio.NewScanner(read)
	said := map[string]string{}
	for lines.Scan() {
		line := lines.Text()
		if name, value, ok := strings.Cut(line, "="); ok {
			said[name] = value
		}
		if _, address, ok := strings.Cut(line, "(Lifetime): "); ok {
			said["link"] = address
		}
		if strings.HasPrefix(line, "operator's page") {
			break
		}
	}
	if said["STRIPE_WEBHOOK_SECRET"] != "whsec_given" || said["STRIPE_SECRET_KEY"] != stripesim.LiveKey ||
		!strings.HasPrefix(said["link"], said["STRIPE_API_BASE"]+"/pay/plink_") {
		t.Errorf("got %v", said)
	}
	transport := &http.Transport{}
	answer, err := (&http.Client{Transport: transport}).Get(said["link"])
	check.Must(t, err)
	page, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(page, []byte("199.00 USD")) {
		t.Errorf("got page %s, %v, want the price", page, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	transport.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v at the end", err)
	}
}
