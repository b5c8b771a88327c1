package setup_test

import (
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/check"
)

// parse reads flags as a server's command does.
func parse(t *testing.T, args ...string) *setup.Options {
	t.Helper()
	o := &setup.Options{}
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	o.Bind(flags)
	check.Must(t, flags.Parse(args))
	return o
}

func TestFlags(t *testing.T) {
	type settings struct {
		Metrics, Probe string
		Secure         bool
		Namespaces     []string
	}
	for name, row := range map[string]struct {
		args []string
		want settings
	}{
		"none":                 {nil, settings{":8443", ":8081", true, nil}},
		"metrics off":          {[]string{"--metrics-bind-address=0", "--health-probe-bind-address=0"}, settings{"0", "0", true, nil}},
		"metrics to anybody":   {[]string{"--metrics-bind-address=:8080", "--metrics-secure=false"}, settings{":8080", ":8081", false, nil}},
		"one namespace":        {[]string{"--watch-namespaces=shop"}, settings{":8443", ":8081", true, []string{"shop"}}},
		"several":              {[]string{"--watch-namespaces=shop,annex"}, settings{":8443", ":8081", true, []string{"shop", "annex"}}},
		"several, with spaces": {[]string{"--watch-namespaces= shop, annex ,"}, settings{":8443", ":8081", true, []string{"shop", "annex"}}},
		"blank means all":      {[]string{"--watch-namespaces= , "}, settings{":8443", ":8081", true, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, row.args...)
			got := settings{o.MetricsAddress, o.ProbeAddress, o.MetricsSecure, o.Namespaces()}
			if len(got.Namespaces) == 0 {
				got.Namespaces = nil
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestComplete requires POD_NAMESPACE, the namespace of the StripeEvents.
func TestComplete(t *testing.T) {
	for value, want := range map[string]string{"paylink-system": "paylink-system", " paylink-system\n": "paylink-system", "": "", " \n": ""} {
		t.Setenv("POD_NAMESPACE", value)
		o := parse(t)
		err := o.Complete()
		if o.EventNamespace != want || (err == nil) != (want != "") {
			t.Errorf("POD_NAMESPACE %q: got namespace %q and error %v, want namespace %q", value, o.EventNamespace, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "POD_NAMESPACE is not set: set it to") {
			t.Errorf("got error %q, want one that says what to do", err)
		}
	}
}
