package sale_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/mount"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// acceptedKeys are the API keys that Stripe accepts.
type acceptedKeys struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (a *acceptedKeys) set(keys ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = map[string]bool{}
	for _, key := range keys {
		a.keys[key] = true
	}
}

func (a *acceptedKeys) check(r *http.Request) stripesim.Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.keys[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
		return stripesim.Fault{Status: http.StatusUnauthorized}
	}
	return stripesim.Fault{}
}

// TestAPIKeyRotation takes the steps of docs/rotation.md under a controller that reads Stripe's events all the time. It
// never stops reading them.
func TestAPIKeyRotation(t *testing.T) {
	t.Parallel()
	s := newClientAt(t, startStripe(t, stripesim.Options{}))
	first, second := "rk_test_"+rand.Text(), "rk_test_"+rand.Text()
	accepted := &acceptedKeys{}
	accepted.set(first)
	s.Stripe.InjectFaults(accepted.check)
	keys := mount.NewSecret(t, map[string]string{"key": first + "\n"})
	controller, err := paylink.AddControllerOf(s.Ctx, "keyed", stack.Controller{
		Env:   []string{"STRIPE_API_BASE=" + s.Stripe.URL()},
		Flags: []string{"--stripe-secret-key-file=" + keys.Dir + "/key", "--backfill-period=1s", "--reconcile-period=0"},
	})
	s.Must(err)
	check.AtEnd(t, controller.Stop)
	const used, success = `paylink_stripe_api_key_last_used_timestamp_seconds{key="%d"}`, "paylink_backfill_last_success_timestamp_seconds"
	// awaitUse waits until a key has been used again, and a backfill has succeeded since.
	awaitUse := func(what string, key int) {
		t.Helper()
		series, before := fmt.Sprintf(used, key), s.Samples(controller)
		s.Eventually(what, func(context.Context) (bool, error) {
			now := s.Samples(controller)
			return now[series] > before[series] && now[success] > before[success], fmt.Errorf("%s: from %f to %f", series, before[series], now[series])
		})
	}
	awaitSecondKey := func(what string, want bool) {
		t.Helper()
		s.Eventually(what, func(context.Context) (bool, error) {
			_, got := s.Samples(controller)[fmt.Sprintf(used, 2)]
			return got == want, nil
		})
	}
	awaitUse("the old key is used", 1)

	// The new key comes before the old one, too early: Stripe does not accept it yet, and the controller uses the second.
	keys.Update(map[string]string{"key": second + " " + first})
	awaitSecondKey("the controller has both keys", true)
	awaitUse("the old key is used as the second", 2)
	check.Equal(t, 0, s.Samples(controller)[fmt.Sprintf(used, 1)], "time of use of a key that Stripe does not accept")

	// Stripe accepts both keys, and then the new one alone.
	accepted.set(first, second)
	awaitUse("the old key is still used", 2)
	accepted.set(second)
	awaitUse("the new key is used", 1)

	// The old key is removed.
	keys.Update(map[string]string{"key": second})
	awaitSecondKey("the old key is gone", false)
	awaitUse("the controller has the new key alone", 1)

	log := s.Log(controller)
	for _, key := range []string{first, second} {
		if strings.Contains(log, strings.TrimPrefix(key, "rk_test_")) {
			t.Error("got a key in the log")
		}
	}
	if strings.Contains(log, "The backfill from Stripe stopped") {
		t.Errorf("got a backfill that stopped: %s", log)
	}
}
