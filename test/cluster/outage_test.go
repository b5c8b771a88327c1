package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ask asks a question. A server that hangs is told from a slow one by its patience alone, so an answer that must come is
// waited for longer.
func ask(t *testing.T, api client.Client, patience time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return api.Get(ctx, client.ObjectKeyFromObject(configMap("kept")), &corev1.ConfigMap{})
}

func TestOutagesEndWithoutLoss(t *testing.T) {
	c, api := startWithData(t, Options{})
	for _, outage := range []struct {
		name       string
		begin, end func() error
		hangs      bool
	}{
		{"the API server is paused", c.PauseAPIServer, c.ResumeAPIServer, true},
		{"etcd is killed", c.KillEtcd, c.StartEtcd, false},
	} {
		t.Run(outage.name, func(t *testing.T) {
			if err := outage.begin(); err != nil {
				t.Fatal(err)
			}
			switch err := ask(t, api, time.Second); {
			case err == nil:
				t.Error("it still answers")
			case outage.hangs && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("it refuses: %v", err)
			}
			if err := outage.end(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it answers again, and lost nothing", func() bool { return ask(t, api, 10*time.Second) == nil })
		})
	}

	// A cluster whose API server hangs must still end, and in order.
	if err := c.PauseAPIServer(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	expectGone(t, c.Dir())
}

func TestOutagesOfOthersClustersAreRefused(t *testing.T) {
	c, err := Connect(t.Context(), shared.Kubeconfig(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, refused := range map[string]func() error{
		"pause": c.PauseAPIServer, "resume": c.ResumeAPIServer, "kill etcd": c.KillEtcd, "start etcd": c.StartEtcd,
	} {
		if err := refused(); err == nil {
			t.Errorf("%s: done to a cluster that was not started here", name)
		}
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
}
