package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/mount"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// formatUses shows the names of secrets, and the seconds from signedAt to the last use of each; 0 means never.
func formatUses(s *credentials.SigningSecrets) string {
	var text []string
	for name, at := range s.LastVerified() {
		seconds := 0.0
		if !at.IsZero() {
			seconds = at.Sub(signedAt).Seconds()
		}
		text = append(text, fmt.Sprintf("%s:%g", name, seconds))
	}
	return strings.Join(text, " ")
}

// TestEverySecretIsTried: every secret that verifies a signature counts as used, and no other. A refused replay counts for
// none: an attacker with an old delivery could otherwise keep an old secret in use.
func TestEverySecretIsTried(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	secrets := inUse(liveSecret, "", oldSecret, testSecret)
	clock := testingclock.NewFakePassiveClock(signedAt)
	v := &webhook.Verifier{Secrets: secrets, Clock: clock}
	second := 0
	for _, step := range []struct {
		name   string
		header func(now time.Time) string
		want   error
		used   string
	}{
		{"no header", func(time.Time) string { return "" }, webhook.ErrSignature, "1:0 2:0 3:0 4:0"},
		{"the first", func(now time.Time) string { return header(body, now, liveSecret) }, nil, "1:2 2:0 3:0 4:0"},
		{"both of a rotation", func(now time.Time) string { return header(body, now, liveSecret, oldSecret) }, nil, "1:3 2:0 3:3 4:0"},
		{"both in the other order", func(now time.Time) string { return header(body, now, oldSecret, liveSecret) }, nil, "1:4 2:0 3:4 4:0"},
		{"the old one expired", func(now time.Time) string { return header(body, now, liveSecret) }, nil, "1:5 2:0 3:4 4:0"},
		{"the last", func(now time.Time) string { return header(body, now, testSecret) }, nil, "1:5 2:0 3:4 4:6"},
		{"an empty one", func(now time.Time) string { return header(body, now, "") }, webhook.ErrSignature, "1:5 2:0 3:4 4:6"},
		{"an unknown one", func(now time.Time) string { return header(body, now, "whsec_other") }, webhook.ErrSignature, "1:5 2:0 3:4 4:6"},
		{"a replay", func(now time.Time) string { return header(body, now.Add(-time.Hour), oldSecret, testSecret) }, webhook.ErrStale, "1:5 2:0 3:4 4:6"},
		{"ahead", func(now time.Time) string { return header(body, now.Add(time.Hour), oldSecret, testSecret) }, webhook.ErrFuture, "1:5 2:0 3:4 4:6"},
	} {
		second++
		now := signedAt.Add(time.Duration(second) * time.Second)
		clock.SetTime(now)
		if err := v.Verify(body, step.header(now)); !errors.Is(err, step.want) {
			t.Errorf("%s: got error %v, want %v", step.name, err, step.want)
		}
		if got := formatUses(secrets); got != step.used {
			t.Errorf("%s: got last uses %s, want %s", step.name, got, step.used)
		}
	}
}

// TestSecretDirRotation rotates a secret in a mounted folder. The last use of a secret moves with its value to another
// file, and is lost when the secret is removed.
func TestSecretDirRotation(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	m := mount.NewSecret(t, map[string]string{"live": string(oldSecret)})
	synctest.Test(t, func(t *testing.T) {
		clock := testingclock.NewFakeClock(signedAt)
		d, err := credentials.NewSecretDir(m.Dir, clock, logr.Discard())
		check.Must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Start(ctx) }()
		synctest.Wait()
		v := &webhook.Verifier{Secrets: d.Secrets(), Clock: clock}

		for _, step := range []struct {
			name          string
			files         map[string]string
			signed        []credentials.Secret
			want          error
			before, after string
		}{
			{"one secret", map[string]string{"live": "whsec_rolled"}, []credentials.Secret{oldSecret}, nil, "live:0", "live:10"},
			{"a new file", map[string]string{"live": "whsec_rolled", "new": "whsec_live"}, []credentials.Secret{oldSecret}, nil, "live:10 new:0", "live:20 new:0"},
			{"both sign", map[string]string{"live": "whsec_rolled", "new": "whsec_live"}, []credentials.Secret{liveSecret, oldSecret}, nil, "live:20 new:0", "live:30 new:30"},
			{"one file", map[string]string{"live": "whsec_live whsec_rolled"}, []credentials.Secret{liveSecret}, nil, "live:30 live/2:30", "live:40 live/2:30"},
			{"the old one removed", map[string]string{"live": "whsec_live"}, []credentials.Secret{oldSecret}, webhook.ErrSignature, "live:40", "live:40"},
			{"the old one again", map[string]string{"live": "whsec_live", "old": "whsec_rolled"}, []credentials.Secret{oldSecret}, nil, "live:40 old:0", "live:40 old:60"},
		} {
			m.Update(step.files)
			clock.Step(10 * time.Second)
			synctest.Wait()
			if got := formatUses(d.Secrets()); got != step.before {
				t.Errorf("%s: got last uses %s before the delivery, want %s", step.name, got, step.before)
			}
			if err := v.Verify(body, header(body, clock.Now(), step.signed...)); !errors.Is(err, step.want) {
				t.Errorf("%s: got error %v, want %v", step.name, err, step.want)
			}
			if got := formatUses(d.Secrets()); got != step.after {
				t.Errorf("%s: got last uses %s, want %s", step.name, got, step.after)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("got error %v from Start, want none", err)
		}
	})
}
