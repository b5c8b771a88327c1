package credentials_test

import (
	"errors"
	"fmt"
	"strings"
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

// newKeys makes keys whose log is kept, on a clock that a test may step.
// start is the time at which the fake clocks begin.
var start = time.Unix(1760000061, 0)

func newKeys(t *testing.T, text string) (*credentials.Keys, *testingclock.FakePassiveClock, *strings.Builder) {
	t.Helper()
	clock, logged := testingclock.NewFakePassiveClock(start), &strings.Builder{}
	keys, err := credentials.NewKeys(text, clock, funcr.New(func(_, args string) { logged.WriteString(args + "\n") }, funcr.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return keys, clock, logged
}

// account is Stripe's side: what it answers to each key. A key that is not there is not known.
type account map[credentials.Secret]error

// answer is Stripe's, with a status; it is wrapped, as a caller may do.
func answer(status int) error {
	return fmt.Errorf("retrieve: %w", &stripe.Error{HTTPStatusCode: status})
}

var good error

// call calls once, and returns the keys that were tried, and the call's end.
func (a account) call(k *credentials.Keys) (tried []string, err error) {
	err = k.Try(func(key credentials.Secret) error {
		tried = append(tried, string(key))
		if end, known := a[key]; known {
			return end
		}
		return answer(401)
	})
	return tried, err
}

// uses are the names of keys, and how many seconds after the start each was last used; 0 is never.
func uses(k *credentials.Keys) string {
	var text []string
	for name, at := range k.LastUsed() {
		seconds := 0.0
		if !at.IsZero() {
			seconds = at.Sub(start).Seconds()
		}
		text = append(text, fmt.Sprintf("%s:%g", name, seconds))
	}
	return strings.Join(text, " ")
}

// TestKeysRoll: the next key is tried in the same call where Stripe does not know one, and only then.
func TestKeysRoll(t *testing.T) {
	keys, clock, logged := newKeys(t, "rk_test_new rk_test_mid rk_test_old")
	if got := uses(keys); got != "1:0 2:0 3:0" {
		t.Errorf("at the start: %s", got)
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
		{"the first is good", account{"rk_test_new": good}, []string{"rk_test_new"}, 0, "1:1 2:0 3:0", ""},
		{"another way to be good", account{"rk_test_new": answer(404)}, []string{"rk_test_new"}, 404, "1:2 2:0 3:0", ""},
		{"it may not do that", account{"rk_test_new": answer(403), "rk_test_old": good}, []string{"rk_test_new"}, 403, "1:2 2:0 3:0", ""},
		{"too many calls", account{"rk_test_new": answer(429), "rk_test_old": good}, []string{"rk_test_new"}, 429, "1:2 2:0 3:0", ""},
		{"trouble at Stripe", account{"rk_test_new": answer(500), "rk_test_old": good}, []string{"rk_test_new"}, 500, "1:2 2:0 3:0", ""},
		{"no answer", account{"rk_test_new": errors.New("no route")}, []string{"rk_test_new"}, 0, "1:2 2:0 3:0", ""},
		{"none is known", account{}, []string{"rk_test_new", "rk_test_mid", "rk_test_old"}, 401, "1:2 2:0 3:0", ""},
		{"nor does the next help", account{"rk_test_mid": answer(503)}, []string{"rk_test_new", "rk_test_mid"}, 503, "1:2 2:0 3:0", ""},
		{"but the last is known", account{"rk_test_old": good}, []string{"rk_test_new", "rk_test_mid", "rk_test_old"}, 0, "1:2 2:0 3:9", `"refused"="1" "key"="3"`},
		{"and is first from then on", account{"rk_test_old": good, "rk_test_new": good}, []string{"rk_test_old"}, 0, "1:2 2:0 3:10", ""},
		{"until it ends", account{"rk_test_mid": good}, []string{"rk_test_old", "rk_test_new", "rk_test_mid"}, 0, "1:2 2:11 3:10", `"refused"="3" "key"="2"`},
	} {
		second++
		clock.SetTime(start.Add(time.Duration(second) * time.Second))
		logged.Reset()
		tried, err := step.account.call(keys)
		if diff := cmp.Diff(step.tried, tried); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
		var told *stripe.Error
		if status := 0; errors.As(err, &told) {
			status = told.HTTPStatusCode
			if status != step.status {
				t.Errorf("%s: %v, not %d", step.name, err, step.status)
			}
		} else if step.status != 0 || (err != nil) != (step.name == "no answer") {
			t.Errorf("%s: %v", step.name, err)
		}
		if got := uses(keys); got != step.used {
			t.Errorf("%s: used %s, not %s", step.name, got, step.used)
		}
		if said := logged.String(); !strings.Contains(said, step.logged) || (step.logged == "") != (said == "") || strings.Contains(said, "_test_") {
			t.Errorf("%s: logged %q, not %q", step.name, said, step.logged)
		}
	}
	if diff := cmp.Diff([]string{"2=rk_test_mid", "3=rk_test_old", "1=rk_test_new"}, shown(keys.Current())); diff != "" {
		t.Error(diff)
	}
}

func TestKeysMode(t *testing.T) {
	for text, want := range map[string]struct{ live, restricted bool }{
		"rk_live_a": {true, true}, "sk_live_a": {true, false}, "rk_test_a rk_test_b": {false, true}, "rk_test_a sk_test_b": {false, false}, "sk_test_a rk_test_b": {false, false},
	} {
		keys, _, _ := newKeys(t, text)
		if keys.Live() != want.live || keys.Restricted() != want.restricted {
			t.Errorf("%s: live %t, restricted %t", text, keys.Live(), keys.Restricted())
		}
	}
	if _, err := credentials.NewKeys(" ", testingclock.NewFakePassiveClock(start), logr.Discard()); !errors.Is(err, credentials.ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
}

// TestKeysAtOnce: of many calls that find the first key refused, each ends well, and the change is told once.
func TestKeysAtOnce(t *testing.T) {
	var mu sync.Mutex
	told := 0
	keys, err := credentials.NewKeys("rk_test_new rk_test_old", testingclock.NewFakePassiveClock(start), funcr.New(func(string, string) {
		mu.Lock()
		defer mu.Unlock()
		told++
	}, funcr.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	var refused, done sync.WaitGroup
	refused.Add(8)
	for range 8 {
		done.Go(func() {
			_ = keys.Current()
			if err := keys.Try(func(key credentials.Secret) error {
				if key == "rk_test_new" {
					refused.Done()
					refused.Wait() // all have asked with it
					return answer(401)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestKeysAreNeverShown prints keys in the ways that a program does by mistake.
func TestKeysAreNeverShown(t *testing.T) {
	keys, _, _ := newKeys(t, "rk_test_"+keyTail+" rk_test_other"+keyTail)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for name, value := range map[string]any{"keys": keys, "current": keys.Current(), "one": keys.Current()[0]} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, keyTail) || strings.Contains(text, fmt.Sprintf("%x", keyTail)) {
				t.Errorf("%s as %s: %s", name, verb, text)
			}
		}
	}
}
