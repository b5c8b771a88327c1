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
	"github.com/paylink-dev/paylink/test/mount"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// verified are the names of secrets, and how many seconds after the start each last verified something; 0 is never.
func verified(s *credentials.SigningSecrets) string {
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

// TestEverySecretIsTried: each secret that made a signature is noted, and none but those. What is refused counts for none:
// whoever recorded an old delivery could else keep an old secret in use.
func TestEverySecretIsTried(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	secrets := inForce(liveSecret, "", oldSecret, testSecret)
	clock := testingclock.NewFakePassiveClock(signedAt)
	v := &webhook.Verifier{Secrets: secrets, Clock: clock}
	second := 0
	for _, step := range []struct {
		name   string
		header func(now time.Time) string
		want   error
		used   string
	}{
		{"nothing", func(time.Time) string { return "" }, webhook.ErrSignature, "1:0 2:0 3:0 4:0"},
		{"the first", func(now time.Time) string { return header(body, now, liveSecret) }, nil, "1:2 2:0 3:0 4:0"},
		{"both of a roll", func(now time.Time) string { return header(body, now, liveSecret, oldSecret) }, nil, "1:3 2:0 3:3 4:0"},
		{"the other way round", func(now time.Time) string { return header(body, now, oldSecret, liveSecret) }, nil, "1:4 2:0 3:4 4:0"},
		{"the old one expired", func(now time.Time) string { return header(body, now, liveSecret) }, nil, "1:5 2:0 3:4 4:0"},
		{"the last", func(now time.Time) string { return header(body, now, testSecret) }, nil, "1:5 2:0 3:4 4:6"},
		{"an empty one", func(now time.Time) string { return header(body, now, "") }, webhook.ErrSignature, "1:5 2:0 3:4 4:6"},
		{"a stranger's", func(now time.Time) string { return header(body, now, "whsec_other") }, webhook.ErrSignature, "1:5 2:0 3:4 4:6"},
		{"a replay", func(now time.Time) string { return header(body, now.Add(-time.Hour), oldSecret, testSecret) }, webhook.ErrStale, "1:5 2:0 3:4 4:6"},
		{"ahead", func(now time.Time) string { return header(body, now.Add(time.Hour), oldSecret, testSecret) }, webhook.ErrFuture, "1:5 2:0 3:4 4:6"},
	} {
		second++
		now := signedAt.Add(time.Duration(second) * time.Second)
		clock.SetTime(now)
		if err := v.Verify(body, step.header(now)); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, not %v", step.name, err, step.want)
		}
		if got := verified(secrets); got != step.used {
			t.Errorf("%s: verified %s, not %s", step.name, got, step.used)
		}
	}
}

// TestSecretDirRoll rolls a secret in a mounted folder: what was signed with is known of each by its value, whatever file it
// moves to, and counts no longer than it is in force.
func TestSecretDirRoll(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	m := mount.NewSecret(t, map[string]string{"live": string(oldSecret)})
	synctest.Test(t, func(t *testing.T) {
		clock := testingclock.NewFakeClock(signedAt)
		d, err := credentials.NewSecretDir(m.Dir, clock, logr.Discard())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Start(ctx) }()
		synctest.Wait()
		v := &webhook.Verifier{Secrets: d.Secrets(), Clock: clock}

		for _, step := range []struct {
			name         string
			files        map[string]string
			signed       []credentials.Secret
			want         error
			read, signal string
		}{
			{"before", map[string]string{"live": "whsec_rolled"}, []credentials.Secret{oldSecret}, nil, "live:0", "live:10"},
			{"a new file", map[string]string{"live": "whsec_rolled", "new": "whsec_live"}, []credentials.Secret{oldSecret}, nil, "live:10 new:0", "live:20 new:0"},
			{"both sign", map[string]string{"live": "whsec_rolled", "new": "whsec_live"}, []credentials.Secret{liveSecret, oldSecret}, nil, "live:20 new:0", "live:30 new:30"},
			{"one file", map[string]string{"live": "whsec_live whsec_rolled"}, []credentials.Secret{liveSecret}, nil, "live:30 live/2:30", "live:40 live/2:30"},
			{"the old one gone", map[string]string{"live": "whsec_live"}, []credentials.Secret{oldSecret}, webhook.ErrSignature, "live:40", "live:40"},
			{"and back", map[string]string{"live": "whsec_live", "old": "whsec_rolled"}, []credentials.Secret{oldSecret}, nil, "live:40 old:0", "live:40 old:60"},
		} {
			m.Update(step.files)
			clock.Step(10 * time.Second)
			synctest.Wait()
			if got := verified(d.Secrets()); got != step.read {
				t.Errorf("%s: verified %s, not %s, before anything came", step.name, got, step.read)
			}
			if err := v.Verify(body, header(body, clock.Now(), step.signed...)); !errors.Is(err, step.want) {
				t.Errorf("%s: %v, not %v", step.name, err, step.want)
			}
			if got := verified(d.Secrets()); got != step.signal {
				t.Errorf("%s: verified %s, not %s", step.name, got, step.signal)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Start returned %v", err)
		}
	})
}

// BenchmarkVerify: a secret more costs one more hash of the body.
func BenchmarkVerify(b *testing.B) {
	body := stripeevents.FromStripe(b, stripeevents.SessionPaid)
	for secrets, list := range map[int]*credentials.SigningSecrets{1: inForce(liveSecret), 2: inForce(liveSecret, oldSecret)} {
		b.Run(fmt.Sprint(secrets), func(b *testing.B) {
			v := &webhook.Verifier{Secrets: list, Clock: testingclock.NewFakePassiveClock(signedAt)}
			signed := header(body, signedAt, liveSecret)
			b.ReportAllocs()
			for b.Loop() {
				if err := v.Verify(body, signed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
