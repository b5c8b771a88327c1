package credentials_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-logr/logr"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/test/mount"
)

func TestKeyFileAtStart(t *testing.T) {
	m := mount.NewSecret(t, map[string]string{"key": "rk_live_new\nrk_live_old\n", "other": "no key"})
	f, err := credentials.NewKeyFile(filepath.Join(m.Dir, "key"), testingclock.NewFakeClock(start), logr.Discard())
	check(t, err)
	if got, want := format(f.Keys().Current()), "1=rk_live_new 2=rk_live_old"; got != want || !f.Keys().Live() {
		t.Errorf("got keys %s, live %t; want %s in live mode", got, f.Keys().Live(), want)
	}
	if f.NeedLeaderElection() {
		t.Error("got NeedLeaderElection true, want every replica to reload the keys")
	}
}

func TestSecretDirAtStart(t *testing.T) {
	m := mount.NewSecret(t, map[string]string{"b-test": "whsec_test\n", "a-live": "whsec_new, whsec_old"})
	d, err := credentials.NewSecretDir(m.Dir, testingclock.NewFakeClock(start), logr.Discard())
	check(t, err)
	if got, want := format(d.Secrets().Current()), "a-live=whsec_new a-live/2=whsec_old b-test=whsec_test"; got != want {
		t.Errorf("got secrets %s, want %s", got, want)
	}
	if d.NeedLeaderElection() {
		t.Error("got NeedLeaderElection true, want every replica to reload the secrets")
	}
}

// TestRefusedMounts: an invalid mount is refused at the start. The error says why and where, and holds no value.
func TestRefusedMounts(t *testing.T) {
	keyFile := func(dir string) error {
		_, err := credentials.NewKeyFile(filepath.Join(dir, "key"), testingclock.NewFakeClock(start), logr.Discard())
		return err
	}
	secretDir := func(dir string) error {
		_, err := credentials.NewSecretDir(dir, testingclock.NewFakeClock(start), logr.Discard())
		return err
	}
	for name, row := range map[string]struct {
		open  func(dir string) error
		files map[string]string
		want  string
		is    error
	}{
		"key file: no file":                      {keyFile, nil, "name a file of a mounted Secret that holds an API key: open ", os.ErrNotExist},
		"key file: empty":                        {keyFile, map[string]string{"key": ""}, "key is empty: no API key: put a restricted key (rk_…) there", credentials.ErrNoKey},
		"key file: blank":                        {keyFile, map[string]string{"key": " \n,\n"}, "key is empty: no API key", credentials.ErrNoKey},
		"key file: both modes":                   {keyFile, map[string]string{"key": "rk_test_" + secretPart + " rk_live_" + secretPart}, "key: API key 2 of 2 is of live mode", nil},
		"key file: a signing secret":             {keyFile, map[string]string{"key": "whsec_" + secretPart}, "key: API key 1 of 1 is a webhook signing secret", nil},
		"key file: a folder":                     {keyFile, map[string]string{"key/": ""}, "name a file of a mounted Secret", nil},
		"secret dir: no file":                    {secretDir, nil, "holds no file", credentials.ErrNoSecret},
		"secret dir: an empty file":              {secretDir, map[string]string{"live": ""}, "live is empty", credentials.ErrNoSecret},
		"secret dir: a blank file":               {secretDir, map[string]string{"live": " \n"}, "live is empty", credentials.ErrNoSecret},
		"secret dir: an empty file beside one":   {secretDir, map[string]string{"live": "whsec_good", "test": ""}, "test is empty", credentials.ErrNoSecret},
		"secret dir: an API key":                 {secretDir, map[string]string{"live": "sk_live_" + secretPart}, "is an API key (sk_…)", nil},
		"secret dir: a name that is not UTF-8":   {secretDir, map[string]string{"live\xff": "whsec_good"}, "give it a name in UTF-8", nil},
		"secret dir: a private key":              {secretDir, map[string]string{"tls.key": "-----BEGIN " + secretPart}, "does not look like", nil},
		"secret dir: a folder that is not there": {func(dir string) error { return secretDir(filepath.Join(dir, "none")) }, nil, "read signing secrets: ", os.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			m := mount.NewSecret(t, nil)
			if _, folder := row.files["key/"]; folder {
				check(t, os.Mkdir(filepath.Join(m.Dir, "key"), 0o755))
			} else {
				m.Update(row.files)
			}
			err := row.open(m.Dir)
			checkRefused(t, err, row.want)
			if err != nil && (!strings.Contains(err.Error(), m.Dir) || strings.Contains(err.Error(), "whsec_good")) {
				t.Errorf("got error %q, want the path and no value", err)
			}
			if row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("got error %v, want %v", err, row.is)
			}
		})
	}
}

// TestKeyFileChanges: a change of the mounted file replaces the keys in use. An invalid file leaves them.
func TestKeyFileChanges(t *testing.T) {
	const changed, kept = "API keys changed", "Keeping the API keys read before"
	steps := []struct {
		name, content string
		account       account
		want, used    string
		logged        string
	}{
		{"the new key before the old", "rk_test_new rk_test_old", account{"rk_test_old": nil}, "2=rk_test_old 1=rk_test_new", "1:0 2:10", changed},
		{"written again", "rk_test_new\nrk_test_old\n", account{"rk_test_old": nil}, "2=rk_test_old 1=rk_test_new", "1:0 2:20", ""},
		{"emptied", "", account{"rk_test_old": nil}, "2=rk_test_old 1=rk_test_new", "1:0 2:30", kept},
		{"a signing secret by mistake", "whsec_new", account{"rk_test_old": nil}, "2=rk_test_old 1=rk_test_new", "1:0 2:40", kept},
		{"the other mode", "rk_live_new", account{"rk_test_old": nil}, "2=rk_test_old 1=rk_test_new", "1:0 2:50", kept},
		{"the other order", "rk_test_old rk_test_new", account{}, "1=rk_test_old 2=rk_test_new", "1:50 2:0", changed},
		{"the old key removed", "rk_test_new", account{"rk_test_new": nil}, "1=rk_test_new", "1:70", changed},
		{"the old key added again", "rk_test_new rk_test_old", account{"rk_test_new": nil}, "1=rk_test_new 2=rk_test_old", "1:80 2:0", changed},
	}
	m := mount.NewSecret(t, map[string]string{"key": "rk_test_old"})
	synctest.Test(t, func(t *testing.T) {
		clock := testingclock.NewFakeClock(start)
		log, logged := newLog()
		f, err := credentials.NewKeyFile(filepath.Join(m.Dir, "key"), clock, log)
		check(t, err)
		keys := f.Keys()
		runReloader(t, clock, f, func() string { return format(keys.Current()) }, len(steps), func(i int) {
			logged.Reset()
			m.Update(map[string]string{"key": steps[i].content})
		}, func(i int) {
			step := steps[i]
			checkLogged(t, step.name, logged.String(), step.logged, "_test_", "_live_")
			_, _ = step.account.try(keys)
			if got := format(keys.Current()); got != step.want || keys.Live() {
				t.Errorf("%s: got keys %s, want %s", step.name, got, step.want)
			}
			if got := formatUses(keys.LastUsed()); got != step.used {
				t.Errorf("%s: got last uses %s, want %s", step.name, got, step.used)
			}
		})
	})
}

// TestSecretDirChanges: a change of the mounted folder replaces the secrets in use. An invalid folder leaves them.
func TestSecretDirChanges(t *testing.T) {
	const changed, kept, both = "Signing secrets changed", "Keeping the signing secrets read before", "live=whsec_new live/2=whsec_old"
	steps := []struct {
		name   string
		files  map[string]string
		want   string
		logged string
	}{
		{"rotated", map[string]string{"live": "whsec_new whsec_old"}, both, `"Signing secrets changed" "secrets"=["live" "live/2"]`},
		{"written again", map[string]string{"live": "whsec_new whsec_old"}, both, ""},
		{"emptied", map[string]string{"live": ""}, both, kept},
		{"an API key by mistake", map[string]string{"live": "sk_live_new"}, both, kept},
		{"all files removed", nil, both, kept},
		{"valid again", map[string]string{"live": "whsec_new"}, "live=whsec_new", changed},
		{"one more file", map[string]string{"live": "whsec_new", "test": "whsec_test"}, "live=whsec_new test=whsec_test", changed},
	}
	m := mount.NewSecret(t, map[string]string{"live": "whsec_old"})
	synctest.Test(t, func(t *testing.T) {
		clock := testingclock.NewFakeClock(start)
		log, logged := newLog()
		d, err := credentials.NewSecretDir(m.Dir, clock, log)
		check(t, err)
		current := func() string { return format(d.Secrets().Current()) }
		runReloader(t, clock, d, current, len(steps), func(i int) {
			logged.Reset()
			m.Update(steps[i].files)
		}, func(i int) {
			if got := current(); got != steps[i].want {
				t.Errorf("%s: got secrets %s, want %s", steps[i].name, got, steps[i].want)
			}
			checkLogged(t, steps[i].name, logged.String(), steps[i].logged, "whsec_new", "whsec_old", "sk_live")
		})
	})
}
