package credentials_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"go.uber.org/goleak"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secretPart is the secret part of the keys and secrets in these tests. No error may hold it.
const secretPart = "4eC39HqLyjWDarjtT1zdp7dc"

// start is the start time of the fake clocks.
var start = time.Unix(1760000061, 0)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkRefused fails the test unless an error says why a value is refused, on one line and without the value.
func checkRefused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), secretPart) || strings.Contains(err.Error(), "\n")) {
		t.Errorf("got error %q, want one line without the value", err)
	}
}

// format shows the names and values of secrets, which do not print.
func format(secrets []credentials.NamedSecret) string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Name + "=" + string(s.Secret)
	}
	return strings.Join(texts, " ")
}

// formatUses shows the names of secrets, and the seconds from the start to the last use of each; 0 means never.
func formatUses(uses iter.Seq2[string, time.Time]) string {
	var texts []string
	for name, at := range uses {
		seconds := 0.0
		if !at.IsZero() {
			seconds = at.Sub(start).Seconds()
		}
		texts = append(texts, fmt.Sprintf("%s:%g", name, seconds))
	}
	return strings.Join(texts, " ")
}

func newLog() (logr.Logger, *strings.Builder) {
	text := &strings.Builder{}
	return funcr.New(func(_, args string) { text.WriteString(args + "\n") }, funcr.Options{}), text
}

// checkLogged compares a log with a part of it, or with "" for an empty log. It finds secrets by one of these words.
func checkLogged(t *testing.T, step, log, want string, secrets ...string) {
	t.Helper()
	if !strings.Contains(log, want) || (want == "") != (log == "") {
		t.Errorf("%s: got log %q, want %q", step, log, want)
	}
	for _, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Errorf("%s: got log %q, want it without %q", step, log, secret)
		}
	}
}

// reloader is a file or folder of a mounted Secret that is polled.
type reloader interface{ Start(context.Context) error }

// runReloader starts a reloader in a bubble of fake time and runs steps. Before each, it changes the files, and checks
// that they are not read within 9 s. The step runs after 10 s.
func runReloader(t *testing.T, clock *testingclock.FakeClock, r reloader, current func() string, steps int, change, step func(int)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Start(ctx) }()
	synctest.Wait()
	for i := range steps {
		before := current()
		change(i)
		clock.Step(9 * time.Second)
		synctest.Wait()
		if got := current(); got != before {
			t.Errorf("step %d after 9 s: got %s, want %s", i+1, got, before)
		}
		clock.Step(time.Second)
		synctest.Wait()
		step(i)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("got error %v from Start, want none", err)
	}
}
