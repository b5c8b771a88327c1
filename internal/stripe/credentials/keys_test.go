package credentials_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// account is the set of keys that Stripe knows, with its response to each.
type account map[credentials.Secret]error

// status returns an error of stripe-go's, wrapped as a caller can do.
func status(code int) error {
	return fmt.Errorf("retrieve: %w", &stripe.Error{HTTPStatusCode: code})
}

// try makes a call. It returns the keys that were tried and the error of the call.
func (a account) try(k *credentials.Keys) (tried []string, err error) {
	err = k.Try(func(key credentials.Secret) error {
		tried = append(tried, string(key))
		if response, known := a[key]; known {
			return response
		}
		return status(401)
	})
	return tried, err
}

// TestTryKeys: a call tries the next key if Stripe does not know one, and only then.
func TestTryKeys(t *testing.T) {
	clock := testingclock.NewFakePassiveClock(start)
	log, logged := newLog()
	keys, err := credentials.NewKeys("rk_test_new rk_test_mid rk_test_old", clock, log)
	check(t, err)
	if got, want := formatUses(keys.LastUsed()), "1:0 2:0 3:0"; got != want {
		t.Errorf("at the start: got last uses %s, want %s", got, want)
	}
	second := 0
	for _, step := range []struct {
		name    string
		account account
		tried   []string
		status  int
		used    string
		logged  string
	}{
		{"the first is known", account{"rk_test_new": nil}, []string{"rk_test_new"}, 0, "1:1 2:0 3:0", ""},
		{"an error of the request", account{"rk_test_new": status(404)}, []string{"rk_test_new"}, 404, "1:2 2:0 3:0", ""},
		{"no permission", account{"rk_test_new": status(403), "rk_test_old": nil}, []string{"rk_test_new"}, 403, "1:2 2:0 3:0", ""},
		{"too many calls", account{"rk_test_new": status(429), "rk_test_old": nil}, []string{"rk_test_new"}, 429, "1:2 2:0 3:0", ""},
		{"a failure at Stripe", account{"rk_test_new": status(500), "rk_test_old": nil}, []string{"rk_test_new"}, 500, "1:2 2:0 3:0", ""},
		{"no connection", account{"rk_test_new": errors.New("no route")}, []string{"rk_test_new"}, 0, "1:2 2:0 3:0", ""},
		{"none is known", account{}, []string{"rk_test_new", "rk_test_mid", "rk_test_old"}, 401, "1:2 2:0 3:0", ""},
		{"the second is known", account{"rk_test_mid": status(503)}, []string{"rk_test_new", "rk_test_mid"}, 503, "1:2 2:0 3:0", ""},
		{"the last is known", account{"rk_test_old": nil}, []string{"rk_test_new", "rk_test_mid", "rk_test_old"}, 0, "1:2 2:0 3:9", `"refused"="1" "key"="3"`},
		{"the last is tried first", account{"rk_test_old": nil, "rk_test_new": nil}, []string{"rk_test_old"}, 0, "1:2 2:0 3:10", ""},
		{"the last expires", account{"rk_test_mid": nil}, []string{"rk_test_old", "rk_test_new", "rk_test_mid"}, 0, "1:2 2:11 3:10", `"refused"="3" "key"="2"`},
	} {
		second++
		clock.SetTime(start.Add(time.Duration(second) * time.Second))
		logged.Reset()
		tried, err := step.account.try(keys)
		if diff := cmp.Diff(step.tried, tried); diff != "" {
			t.Errorf("%s: tried keys (-want +got): %s", step.name, diff)
		}
		got := &stripe.Error{}
		if errors.As(err, &got); got.HTTPStatusCode != step.status || (err != nil) != (step.status != 0 || step.name == "no connection") {
			t.Errorf("%s: got error %v, want status %d", step.name, err, step.status)
		}
		if got := formatUses(keys.LastUsed()); got != step.used {
			t.Errorf("%s: got last uses %s, want %s", step.name, got, step.used)
		}
		checkLogged(t, step.name, logged.String(), step.logged, "_test_")
	}
	if got, want := format(keys.Current()), "2=rk_test_mid 3=rk_test_old 1=rk_test_new"; got != want {
		t.Errorf("got keys %s, want %s", got, want)
	}
}

func TestKeysMode(t *testing.T) {
	for text, want := range map[string]struct{ live, restricted bool }{
		"rk_live_a": {true, true}, "sk_live_a": {true, false}, "rk_test_a rk_test_b": {false, true}, "rk_test_a sk_test_b": {false, false}, "sk_test_a rk_test_b": {false, false},
	} {
		keys, err := credentials.NewKeys(text, testingclock.NewFakePassiveClock(start), logr.Discard())
		check(t, err)
		if keys.Live() != want.live || keys.Restricted() != want.restricted {
			t.Errorf("%s: got live %t, restricted %t; want %+v", text, keys.Live(), keys.Restricted(), want)
		}
	}
	if _, err := credentials.NewKeys(" ", testingclock.NewFakePassiveClock(start), logr.Discard()); !errors.Is(err, credentials.ErrNoKey) {
		t.Errorf("no key: got error %v, want %v", err, credentials.ErrNoKey)
	}
}

// TestConcurrentTry: concurrent calls with a refused key all succeed with the next one. The change is logged once.
func TestConcurrentTry(t *testing.T) {
	var mu sync.Mutex
	lines := 0
	keys, err := credentials.NewKeys("rk_test_new rk_test_old", testingclock.NewFakePassiveClock(start), funcr.New(func(string, string) {
		mu.Lock()
		defer mu.Unlock()
		lines++
	}, funcr.Options{}))
	check(t, err)
	var refused, done sync.WaitGroup
	refused.Add(8)
	for range 8 {
		done.Go(func() {
			_ = keys.Current()
			if err := keys.Try(func(key credentials.Secret) error {
				if key == "rk_test_new" {
					refused.Done()
					refused.Wait() // all calls have tried it
					return status(401)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if lines != 1 {
		t.Errorf("got %d log lines, want 1", lines)
	}
}
