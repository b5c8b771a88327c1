package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
)

// environment has the variables that the server needs beside the shop's settings.
var environment = []string{"POD_NAMESPACE=paylink-system", "STRIPE_WEBHOOK_SECRET=whsec_a"}

// TestRefusesToStartForShop with one line that says what to do, and never holds a key.
func TestRefusesToStartForShop(t *testing.T) {
	const value = "4eC39HqLyjWDarjtT1zdp7dc"
	const appURL, key, base = "NEXT_PUBLIC_APP_URL", "STRIPE_SECRET_KEY", "STRIPE_API_BASE"
	for name, row := range map[string]struct {
		env  []string
		args []string
		want []string
	}{
		"nobody may look":             {nil, []string{"--requests-per-address=0"}, []string{"--requests-per-address must be at least 1"}},
		"fewer than nobody":           {nil, []string{"--requests-per-address=-60"}, []string{"--requests-per-address must be at least 1"}},
		"no order of an address":      {nil, []string{"--public-orders-per-address=0"}, []string{"--public-orders-per-address must be at least 1, not 0"}},
		"no order of a link":          {nil, []string{"--public-orders-per-link=-1"}, []string{"--public-orders-per-link must be at least 1, not -1"}},
		"no order open":               {nil, []string{"--public-orders-open=0"}, []string{"--public-orders-open must be at least 1"}},
		"expires before it is there":  {nil, []string{"--public-order-expiry=-1h"}, []string{"--public-order-expiry must be from 1s to 87600h", "not -1h0m0s"}},
		"expires at once":             {nil, []string{"--public-order-expiry=500ms"}, []string{"--public-order-expiry must be from 1s to 87600h", "not 500ms"}},
		"expires never":               {nil, []string{"--public-order-expiry=87600h1s"}, []string{"--public-order-expiry must be from 1s to 87600h", "not 87600h0m1s"}},
		"expires between two seconds": {nil, []string{"--public-order-expiry=1500ms"}, []string{"--public-order-expiry must be in whole seconds, not 1.5s"}},
		"a proxy by name":             {nil, []string{"--trusted-proxies=private,proxy.example"}, []string{"--trusted-proxies", `"proxy.example"`, "10.0.0.0/8", "private"}},
		"a proxy's wide network":      {nil, []string{"--trusted-proxies=10.0.0.0/33"}, []string{"--trusted-proxies", `"10.0.0.0/33"`}},
		"a proxy's port":              {nil, []string{"--trusted-proxies=10.0.0.1:80"}, []string{"--trusted-proxies", `"10.0.0.1:80"`}},
		"a host for an address":       {[]string{appURL + "=shop.example.com"}, nil, []string{appURL + " is not a web address", "such as https://shop.example.com"}},
		"an address with a password":  {[]string{appURL + "=https://shop:" + value + "@shop.example.com"}, nil, []string{appURL + " must be a plain address", "such as https://shop.example.com"}},
		"a signing secret for a key":  {[]string{key + "=whsec_" + value}, nil, []string{key + ": API key 1 of 1 is a webhook signing secret (whsec_…)", "put an API key"}},
		"a key and a file":            {[]string{key + "=rk_test_" + value}, []string{"--stripe-secret-key-file=/keys/key"}, []string{"both --stripe-secret-key-file and " + key + " are set"}},
		"a file that is not there":    {nil, []string{"--stripe-secret-key-file=/keys/key"}, []string{"--stripe-secret-key-file: name a file of a mounted Secret"}},
		"a host for an API":           {[]string{key + "=rk_test_" + value, base + "=api.stripe.com"}, nil, []string{base + " is not an API address", "https://api.stripe.com"}},
		"a live key in clear":         {[]string{key + "=rk_live_" + value, base + "=http://127.0.0.1:12111"}, nil, []string{base + " is an http:// address", "live mode", "Use https://, or a test key"}},
		"a live key, logging it all":  {[]string{key + "=sk_live_" + value, base + "=http://127.0.0.1:12111"}, []string{"--zap-devel"}, []string{base + " is an http:// address"}},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, append(row.env, environment...), row.args, value, row.want...)
		})
	}
}

// TestShopIsAccepted: with right settings it is the cluster that is missing.
func TestShopIsAccepted(t *testing.T) {
	for name, row := range map[string]struct{ env, args []string }{
		"nothing":         {nil, nil},
		"an address":      {[]string{"NEXT_PUBLIC_APP_URL=https://shop.example.com/en/"}, nil},
		"a key":           {[]string{"STRIPE_SECRET_KEY=rk_live_a\n"}, nil},
		"a simulator":     {[]string{"STRIPE_SECRET_KEY=sk_test_a", "STRIPE_API_BASE=http://127.0.0.1:12111/"}, nil},
		"proxies":         {nil, []string{"--trusted-proxies=private, 203.0.113.0/24,2001:db8::1"}},
		"no proxy":        {nil, []string{"--trusted-proxies="}},
		"audiences":       {nil, []string{"--token-audiences=paylink, other"}},
		"no checkout API": {nil, []string{"--checkout-api=false"}},
		"narrow limits": {nil, []string{
			"--requests-per-address=1", "--public-orders-per-address=1", "--public-orders-per-link=1", "--public-orders-open=1", "--public-order-expiry=1s",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := program.Run(t, append(row.env, environment...), row.args...)
			if code != 1 || !strings.Contains(stderr, "webhookserver: find the cluster: ") {
				t.Errorf("exits %d: %s", code, stderr)
			}
		})
	}
}

// TestManual: each flag and variable that docs/checkout.md names is there, with the default that it says.
func TestManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/checkout.md")
	check.Must(t, err)
	_, _, usage := program.Run(t, nil, "--help")
	for _, flag := range regexp.MustCompile("`--([a-z-]+)").FindAllStringSubmatch(string(manual), -1) {
		if !strings.Contains(usage, "\n  -"+flag[1]+" ") && !strings.Contains(usage, "\n  -"+flag[1]+"\n") {
			t.Errorf("there is no flag --%s", flag[1])
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (\\w+)").FindAllStringSubmatch(string(manual), -1) {
		_, rest, _ := strings.Cut(usage, "\n  -"+row[1]+" ")
		help, _, _ := strings.Cut(rest, "\n  -")
		if !strings.Contains(help, "(default "+row[2]) {
			t.Errorf("--%s is %s, says the manual: %q", row[1], row[2], help)
		}
	}
}
