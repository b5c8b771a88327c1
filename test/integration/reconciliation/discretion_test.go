package reconciliation_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stack"
)

// close ends a shop, and looks at what its servers said in all that time, with every word of theirs logged.
func (s *shop) close(paylink *stack.Stack) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.T.Context()), seller.Patience)
	defer cancel()
	kept := "nothing"
	if s.Paylink != nil {
		state, _, err := s.state(ctx)
		if err != nil {
			s.T.Error(err)
		}
		kept = fmt.Sprint(state)
	}
	if err := paylink.Stop(); err != nil {
		s.T.Error(err)
	}
	if err := removeAll(ctx, paylink.Client); err != nil {
		s.T.Error(err)
	}
	s.keepsSecrets("the ConfigMap", kept)
	for _, name := range []string{"controller", "controller-2", "webhookserver"} {
		s.readLog(shared.Dir() + "/" + name + ".log")
	}
}

// readLog looks for what no server may say, and removes the log.
func (s *shop) readLog(path string) {
	s.T.Helper()
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		s.T.Error(err)
	}
	log := string(content)
	s.keepsSecrets(path, log)
	// The servers have the rights of config/rbac alone: whatever they lack, the API server calls forbidden.
	if at := strings.Index(log, "forbidden"); at >= 0 {
		s.T.Errorf("%s tells of something forbidden:\n%s", path, log[max(0, at-500):min(len(log), at+2000)])
	}
	if s.T.Failed() {
		s.T.Logf("%s ends with\n%s", path, log[max(0, len(log)-4000):])
	}
	if err := os.Remove(path); err != nil {
		s.T.Error(err)
	}
}

// keepsSecrets fails the test where a text holds a secret, or the end of one.
func (s *shop) keepsSecrets(where, text string) {
	s.T.Helper()
	secrets := []string{s.key}
	if s.Paylink != nil {
		secrets = append(secrets, s.Paylink.Endpoint.Secret)
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret[len(secret)-8:]) {
			s.T.Errorf("%s holds a secret, or the end of one", where)
		}
	}
}
