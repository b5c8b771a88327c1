package rotation_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/paylink-dev/paylink/test/mount"
	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// doorkeeper has Stripe's API know some keys, and no others.
type doorkeeper struct {
	mu    sync.Mutex
	known map[string]bool
}

func (d *doorkeeper) know(keys ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = map[string]bool{}
	for _, key := range keys {
		d.known[key] = true
	}
}

func (d *doorkeeper) trouble(r *http.Request) stripesim.Trouble {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.known[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
		return stripesim.Trouble{Status: http.StatusUnauthorized}
	}
	return stripesim.Trouble{}
}

// TestAnAPIKeyIsRolled in the steps of docs/rotation.md, under a controller that reads Stripe's events all the time. It
// never stops doing so.
func TestAnAPIKeyIsRolled(t *testing.T) {
	s := seller.New(t, paylink, paylink.Stripe, "")
	first, second := "rk_test_"+rand.Text(), "rk_test_"+rand.Text()
	door := &doorkeeper{}
	door.know(first)
	paylink.Stripe.TroubleAPI(door.trouble)
	t.Cleanup(func() { paylink.Stripe.TroubleAPI(nil) })
	keys := mount.NewSecret(t, map[string]string{"key": first + "\n"})
	controller, err := paylink.AddController(s.Ctx, "keyed", "--stripe-secret-key-file="+keys.Dir+"/key", "--backfill-period=1s", "--audit-period=0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := controller.Stop(); err != nil {
			t.Error(err)
		}
	})
	samples := func() map[string]float64 {
		text, err := controller.Scrape(s.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		return scrape.Samples(t, text)
	}
	const used, success = `paylink_stripe_api_key_last_used_timestamp_seconds{key="%d"}`, "paylink_backfill_last_success_timestamp_seconds"
	// grows waits until a key has been used again, and a whole round has ended well since.
	grows := func(what string, key int) {
		t.Helper()
		series, before := fmt.Sprintf(used, key), samples()
		s.Eventually(what, func(context.Context) (bool, error) {
			now := samples()
			return now[series] > before[series] && now[success] > before[success], fmt.Errorf("%s: from %f to %f", series, before[series], now[series])
		})
	}
	grows("the old key is used", 1)

	// The new one is put before the old one, too early: Stripe does not know it yet, and the old one goes on as the second.
	keys.Update(map[string]string{"key": second + " " + first})
	s.Eventually("both keys are known", func(context.Context) (bool, error) {
		_, there := samples()[fmt.Sprintf(used, 2)]
		return there, nil
	})
	grows("the old key is used as the second", 2)
	if at := samples()[fmt.Sprintf(used, 1)]; at != 0 {
		t.Errorf("a key that Stripe does not know was used at %f", at)
	}

	// Stripe knows both, and then the new one alone.
	door.know(first, second)
	grows("the old key is still used", 2)
	door.know(second)
	grows("the new key is used", 1)

	// The old one is removed.
	keys.Update(map[string]string{"key": second})
	s.Eventually("the old key is gone", func(context.Context) (bool, error) {
		_, there := samples()[fmt.Sprintf(used, 2)]
		return !there, nil
	})
	grows("the new key alone is there", 1)

	log, err := os.ReadFile(controller.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{first, second} {
		if strings.Contains(string(log), strings.TrimPrefix(key, "rk_test_")) {
			t.Error("a key was logged")
		}
	}
	if strings.Contains(string(log), "The backfill from Stripe stopped") {
		t.Errorf("it stopped reading: %s", log)
	}
}
