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

func TestSecretDirAtStart(t *testing.T) {
	m := mount.NewSecret(t, map[string]string{"b-test": "whsec_test\n", "a-live": "whsec_new, whsec_old"})
	d, err := credentials.NewSecretDir(m.Dir, testingclock.NewFakeClock(start), logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a-live=whsec_new", "a-live/2=whsec_old", "b-test=whsec_test"}, shown(d.Secrets().Current())); diff != "" {
		t.Error(diff)
	}
	if d.NeedLeaderElection() {
		t.Error("a replica that does not lead would not see a rolled secret")
	}
}

func TestSecretDirRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		files map[string]string
		want  string
		is    error
	}{
		"no file":                    {nil, "holds no file", credentials.ErrNoSecret},
		"an empty file":              {map[string]string{"live": ""}, "live is empty", credentials.ErrNoSecret},
		"a blank file":               {map[string]string{"live": " \n"}, "live is empty", credentials.ErrNoSecret},
		"an empty file beside a key": {map[string]string{"live": "whsec_good", "test": ""}, "test is empty", credentials.ErrNoSecret},
		"an API key":                 {map[string]string{"live": "sk_live_4eC39HqLyj"}, "is an API key (sk_…)", nil},
		"a name that is no text":     {map[string]string{"live\xff": "whsec_good"}, "give it a name in UTF-8", nil},
		"something else":             {map[string]string{"tls.key": "-----BEGIN 4eC39HqLyj"}, "does not look like", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := mount.NewSecret(t, row.files)
			_, err := credentials.NewSecretDir(m.Dir, testingclock.NewFakeClock(start), logr.Discard())
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), m.Dir) {
				t.Errorf("%q does not say %q and where", err, row.want)
			}
			if row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("%v is not %v", err, row.is)
			}
			if strings.Contains(err.Error(), "4eC39HqLyj") || strings.Contains(err.Error(), "whsec_good") {
				t.Errorf("the message holds a value: %q", err)
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		_, err := credentials.NewSecretDir(filepath.Join(t.TempDir(), "none"), testingclock.NewFakeClock(start), logr.Discard())
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
}

// TestSecretDirChanges swaps the mounted Secret under a running reader, and lets 10 s pass each time.
func TestSecretDirChanges(t *testing.T) {
	type step struct {
		name  string
		files map[string]string
		want  []string
		// said is a piece of what is logged; "" for nothing.
		said string
	}
	m := mount.NewSecret(t, map[string]string{"live": "whsec_old"})
	synctest.Test(t, func(t *testing.T) {
		clock := testingclock.NewFakeClock(start)
		var logged strings.Builder
		log := funcr.New(func(_, args string) { logged.WriteString(args + "\n") }, funcr.Options{})
		d, err := credentials.NewSecretDir(m.Dir, clock, log)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Start(ctx) }()
		synctest.Wait()

		for _, s := range []step{
			{"rolled", map[string]string{"live": "whsec_new whsec_old"}, []string{"live=whsec_new", "live/2=whsec_old"}, `"Signing secrets changed" "secrets"=["live" "live/2"]`},
			{"written again", map[string]string{"live": "whsec_new whsec_old"}, []string{"live=whsec_new", "live/2=whsec_old"}, ""},
			{"emptied", map[string]string{"live": ""}, []string{"live=whsec_new", "live/2=whsec_old"}, "Keeping the signing secrets read before"},
			{"an API key by mistake", map[string]string{"live": "sk_live_new"}, []string{"live=whsec_new", "live/2=whsec_old"}, "Keeping the signing secrets read before"},
			{"all files gone", nil, []string{"live=whsec_new", "live/2=whsec_old"}, "Keeping the signing secrets read before"},
			{"right again", map[string]string{"live": "whsec_new"}, []string{"live=whsec_new"}, "Signing secrets changed"},
			{"one more file", map[string]string{"live": "whsec_new", "test": "whsec_test"}, []string{"live=whsec_new", "test=whsec_test"}, "Signing secrets changed"},
		} {
			before := shown(d.Secrets().Current())
			logged.Reset()
			m.Update(s.files)
			clock.Step(9 * time.Second)
			synctest.Wait()
			if diff := cmp.Diff(before, shown(d.Secrets().Current())); diff != "" {
				t.Errorf("%s: read before the time: %s", s.name, diff)
			}
			clock.Step(time.Second)
			synctest.Wait()
			if diff := cmp.Diff(s.want, shown(d.Secrets().Current())); diff != "" {
				t.Errorf("%s: %s", s.name, diff)
			}
			if said := logged.String(); !strings.Contains(said, s.said) || (s.said == "") != (said == "") {
				t.Errorf("%s: logged %q, not %q", s.name, said, s.said)
			}
			if said := logged.String(); strings.Contains(said, "whsec_new") || strings.Contains(said, "whsec_old") || strings.Contains(said, "sk_live") {
				t.Errorf("%s: a secret was logged: %s", s.name, said)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Start returned %v", err)
		}
	})
}
