package reconciliation_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stack"
	"github.com/paylink-dev/paylink/test/testclient"
)

// stop stops the installation, and searches the servers' logs and their ConfigMap for secrets.
func (s *fixture) stop(paylink *stack.Stack) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.T.Context()), testclient.Timeout)
	defer cancel()
	kept := "nothing"
	if s.Stack != nil {
		state, _, err := s.state(ctx)
		check.NoError(s.T, err)
		kept = fmt.Sprint(state)
	}
	check.NoError(s.T, paylink.Stop())
	check.NoError(s.T, removeAll(ctx, paylink.Client))
	s.expectNoSecret("the ConfigMap", kept)
	for _, name := range []string{"controller", "controller-2", "webhookserver"} {
		s.readLog(shared.Dir() + "/" + name + ".log")
	}
}

// readLog searches a log for secrets and missing rights, and removes it.
func (s *fixture) readLog(path string) {
	s.T.Helper()
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return
	}
	check.NoError(s.T, err)
	log := string(content)
	s.expectNoSecret(path, log)
	// The servers have the rights of config/rbac alone: a missing one shows as forbidden.
	if at := strings.Index(log, "forbidden"); at >= 0 {
		s.T.Errorf("%s has a forbidden request:\n%s", path, log[max(0, at-500):min(len(log), at+2000)])
	}
	if s.T.Failed() {
		s.T.Logf("%s ends with\n%s", path, log[max(0, len(log)-4000):])
	}
	check.NoError(s.T, os.Remove(path))
}

// expectNoSecret fails the test where a text holds a secret, or the end of one.
func (s *fixture) expectNoSecret(where, text string) {
	s.T.Helper()
	secrets := []string{s.key}
	if s.Stack != nil {
		secrets = append(secrets, s.Stack.Endpoint.Secret)
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret[len(secret)-8:]) {
			s.T.Errorf("%s holds a secret, or the end of one", where)
		}
	}
}
