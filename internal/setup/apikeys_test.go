package setup_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmanager "sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/scrape"
)

// keyTail is the secret part of a key. No error may hold it.
const keyTail = "4eC39HqLyjWDarjtT1zdp7dc"

// keyFile writes a key file and returns the flag with its path.
func keyFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	check.Must(t, os.WriteFile(path, []byte(content), 0o600))
	return "--stripe-secret-key-file=" + path
}

func TestAPIKeys(t *testing.T) {
	for name, row := range map[string]struct {
		env  string
		args []string
		want []string // names and values
		file bool
	}{
		"none":                  {"", nil, nil, false},
		"a blank variable":      {" \n", []string{"--stripe-secret-key-file="}, nil, false},
		"a variable":            {"rk_test_a\n", nil, []string{"1=rk_test_a"}, false},
		"two in a variable":     {"rk_test_a, rk_test_b", nil, []string{"1=rk_test_a", "2=rk_test_b"}, false},
		"a file":                {"", []string{keyFile(t, "rk_live_a\n")}, []string{"1=rk_live_a"}, true},
		"two in a file":         {"", []string{keyFile(t, "rk_live_a\nrk_live_b\n")}, []string{"1=rk_live_a", "2=rk_live_b"}, true},
		"a file, no variable":   {" ", []string{keyFile(t, "rk_live_a")}, []string{"1=rk_live_a"}, true},
		"restricted and secret": {"sk_test_a rk_test_b", nil, []string{"1=sk_test_a", "2=rk_test_b"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STRIPE_SECRET_KEY", row.env)
			keys, file, err := parse(t, row.args...).APIKeys()
			check.Must(t, err)
			var got []string
			if keys != nil {
				for _, key := range keys.Current() {
					got = append(got, key.Name+"="+string(key.Secret))
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
			if (file != nil) != row.file || (file != nil && file.Keys() != keys) {
				t.Errorf("got key file %v, want one: %t", file, row.file)
			}
		})
	}
}

func TestAPIKeysRefused(t *testing.T) {
	for name, row := range map[string]struct {
		env  string
		args []string
		want string
	}{
		"both":                   {"rk_test_" + keyTail, []string{keyFile(t, "rk_test_"+keyTail)}, "both --stripe-secret-key-file and STRIPE_SECRET_KEY are set: unset one of them"},
		"no file":                {"", []string{"--stripe-secret-key-file=/none"}, "--stripe-secret-key-file: name a file of a mounted Secret that holds an API key: open /none: no such file"},
		"an empty file":          {"", []string{keyFile(t, " \n")}, "key is empty: no API key: put a restricted key (rk_…) there"},
		"a bad file":             {"", []string{keyFile(t, "whsec_"+keyTail)}, "key: API key 1 of 1 is a webhook signing secret (whsec_…): put an API key"},
		"a bad variable":         {"pk_test_" + keyTail, nil, "STRIPE_SECRET_KEY: API key 1 of 1 is a publishable key (pk_…): put a restricted key"},
		"both modes":             {"rk_test_" + keyTail + " rk_live_" + keyTail, nil, "STRIPE_SECRET_KEY: API key 2 of 2 is of live mode"},
		"a comma for a variable": {",", nil, "STRIPE_SECRET_KEY: no API key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STRIPE_SECRET_KEY", row.env)
			keys, file, err := parse(t, row.args...).APIKeys()
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), keyTail) || keys != nil || file != nil {
				t.Errorf("got error %v, want %q", err, row.want)
			}
		})
	}
}

// TestAPIBase: a live key requires https, wherever the key comes from.
func TestAPIBase(t *testing.T) {
	for name, row := range map[string]struct{ base, key, want, err string }{
		"Stripe's own":    {"", "rk_live_a", "https://api.stripe.com", ""},
		"without a key":   {"http://127.0.0.1:12111", "", "http://127.0.0.1:12111", ""},
		"with a test key": {"http://127.0.0.1:12111", "rk_test_a", "http://127.0.0.1:12111", ""},
		"with a live key": {"http://127.0.0.1:12111", "rk_live_a", "", "STRIPE_API_BASE is an http:// address, and the API key is of live mode"},
		"no address":      {"api.stripe.com", "", "", "STRIPE_API_BASE is not an API address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STRIPE_API_BASE", row.base)
			t.Setenv("STRIPE_SECRET_KEY", row.key)
			keys, _, err := parse(t).APIKeys()
			check.Must(t, err)
			got, err := setup.APIBase(keys)
			if got != row.want || (row.err == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.err)) {
				t.Errorf("got %q and error %v, want %q and error %q", got, err, row.want, row.err)
			}
		})
	}
}

// manager records the runnables that are added to it.
type manager struct {
	ctrl.Manager
	added []any
}

func (m *manager) Add(r ctrlmanager.Runnable) error {
	m.added = append(m.added, r)
	return nil
}

// TestAddAPIKeys: the manager reloads the file, and the metric shows every key before its first use.
func TestAddAPIKeys(t *testing.T) {
	shared := ctrlmetrics.Registry
	t.Cleanup(func() { ctrlmetrics.Registry = shared })
	const series = "paylink_stripe_api_key_last_used_timestamp_seconds"
	for name, row := range map[string]struct {
		env   string
		args  []string
		shown []string
		added int
	}{
		"no key":     {"", nil, nil, 0},
		"a variable": {"rk_test_a", nil, []string{series + `{key="1"} 0`}, 0},
		"a file":     {"", []string{keyFile(t, "rk_test_a rk_test_b")}, []string{series + `{key="1"} 0`, series + `{key="2"} 0`}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STRIPE_SECRET_KEY", row.env)
			registry := prometheus.NewRegistry()
			ctrlmetrics.Registry = registry
			mgr := &manager{}
			keys, file, err := parse(t, row.args...).APIKeys()
			check.Must(t, err)
			check.Must(t, setup.AddAPIKeys(mgr, keys, file))
			got := regexp.MustCompile(`(?m)^paylink_.*$`).FindAllString(scrape.Text(t, registry), -1)
			if diff := cmp.Diff(row.shown, got); diff != "" {
				t.Error(diff)
			}
			if len(mgr.added) != row.added || (row.added == 1 && mgr.added[0] != any(file)) {
				t.Errorf("got runnables %v, want %d", mgr.added, row.added)
			}
		})
	}
}
