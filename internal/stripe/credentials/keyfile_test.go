package credentials_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/test/mount"
)

func TestKeyFileAtStart(t *testing.T) {
	m := mount.NewSecret(t, map[string]string{"key": "rk_live_new\nrk_live_old\n", "other": "no key"})
	f, err := credentials.NewKeyFile(filepath.Join(m.Dir, "key"), testingclock.NewFakeClock(start), logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1=rk_live_new", "2=rk_live_old"}, shown(f.Keys().Current())); diff != "" {
		t.Error(diff)
	}
	if !f.Keys().Live() || f.NeedLeaderElection() {
		t.Error("not live, or a replica that does not lead would not see another key")
	}
}

func TestKeyFileRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		files map[string]string
		want  string
		is    error
	}{
		"no file":       {nil, "name a file of a mounted Secret that holds an API key: open ", os.ErrNotExist},
		"an empty file": {map[string]string{"key": ""}, "key is empty: no API key: put a restricted key (rk_…) there", credentials.ErrNoKey},
		"a blank file":  {map[string]string{"key": " \n,\n"}, "key is empty: no API key", credentials.ErrNoKey},
		"both modes":    {map[string]string{"key": "rk_test_" + keyTail + " rk_live_" + keyTail}, "key: API key 2 of 2 is of live mode", nil},
		"a secret":      {map[string]string{"key": "whsec_" + keyTail}, "key: API key 1 of 1 is a webhook signing secret", nil},
		"its folder":    {map[string]string{"key/": ""}, "name a file of a mounted Secret", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := mount.NewSecret(t, nil)
			if _, folder := row.files["key/"]; folder {
				if err := os.Mkdir(filepath.Join(m.Dir, "key"), 0o755); err != nil {
					t.Fatal(err)
				}
			} else {
				m.Update(row.files)
			}
			_, err := credentials.NewKeyFile(filepath.Join(m.Dir, "key"), testingclock.NewFakeClock(start), logr.Discard())
			refusedWith(t, err, row.want)
			if err != nil && !strings.Contains(err.Error(), m.Dir) {
				t.Errorf("%q does not say where", err)
			}
			if row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("%v is not %v", err, row.is)
			}
		})
	}
}

// TestKeyFileChanges swaps the mounted Secret under keys that are in use, and lets 10 s pass each time.
func TestKeyFileChanges(t *testing.T) {
	const changed, kept = "API keys changed", "Keeping the API keys read before"
	m := mount.NewSecret(t, map[string]string{"key": "rk_test_old"})
	synctest.Test(t, func(t *testing.T) {
		clock := testingclock.NewFakeClock(start)
		var logged strings.Builder
		log := funcr.New(func(_, args string) { logged.WriteString(args + "\n") }, funcr.Options{})
		f, err := credentials.NewKeyFile(filepath.Join(m.Dir, "key"), clock, log)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Start(ctx) }()
		synctest.Wait()

		keys := f.Keys()
		for _, s := range []struct {
			name, content string
			account       account
			want, used    string
			said          string
		}{
			{"the new one before the old", "rk_test_new rk_test_old", account{"rk_test_old": good}, "2=rk_test_old 1=rk_test_new", "1:0 2:10", changed},
			{"written again", "rk_test_new\nrk_test_old\n", account{"rk_test_old": good}, "2=rk_test_old 1=rk_test_new", "1:0 2:20", ""},
			{"emptied", "", account{"rk_test_old": good}, "2=rk_test_old 1=rk_test_new", "1:0 2:30", kept},
			{"a signing secret by mistake", "whsec_new", account{"rk_test_old": good}, "2=rk_test_old 1=rk_test_new", "1:0 2:40", kept},
			{"of the other mode", "rk_live_new", account{"rk_test_old": good}, "2=rk_test_old 1=rk_test_new", "1:0 2:50", kept},
			{"the other way round", "rk_test_old rk_test_new", account{}, "1=rk_test_old 2=rk_test_new", "1:50 2:0", changed},
			{"the old one removed", "rk_test_new", account{"rk_test_new": good}, "1=rk_test_new", "1:70", changed},
			{"and back", "rk_test_new rk_test_old", account{"rk_test_new": good}, "1=rk_test_new 2=rk_test_old", "1:80 2:0", changed},
		} {
			before := strings.Join(shown(keys.Current()), " ")
			logged.Reset()
			m.Update(map[string]string{"key": s.content})
			clock.Step(9 * time.Second)
			synctest.Wait()
			if got := strings.Join(shown(keys.Current()), " "); got != before {
				t.Errorf("%s: read before the time: %s", s.name, got)
			}
			clock.Step(time.Second)
			synctest.Wait()
			if said := logged.String(); !strings.Contains(said, s.said) || (s.said == "") != (said == "") || strings.Contains(said, "_test_") || strings.Contains(said, "_live_") {
				t.Errorf("%s: logged %q, not %q", s.name, said, s.said)
			}
			_, _ = s.account.call(keys)
			if got := strings.Join(shown(keys.Current()), " "); got != s.want || keys.Live() {
				t.Errorf("%s: keys %s, not %s", s.name, got, s.want)
			}
			if got := uses(keys); got != s.used {
				t.Errorf("%s: used %s, not %s", s.name, got, s.used)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Start returned %v", err)
		}
	})
}
