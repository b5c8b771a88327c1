package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/check"
)

const secondSecret = "whsec_second0123456789"

// ping is an event of Stripe that Paylink ignores.
var ping = []byte(`{"id":"evt_ping","object":"event","type":"ping","livemode":false,"created":1764000000,"api_version":"2023-10-16","data":{"object":{"object":"ping"}}}`)

// testRotation rotates the signing secret in the Secret. No pod restarts, and in between both secrets verify.
func (s *environment) testRotation(t *testing.T) {
	before := s.serving(t)
	s.awaitAnswers(t, before, map[string]int{firstSecret: http.StatusOK, secondSecret: http.StatusBadRequest})
	s.patchSecret(t, `{"stringData":{"second":"`+secondSecret+`"}}`)
	s.awaitAnswers(t, before, map[string]int{firstSecret: http.StatusOK, secondSecret: http.StatusOK})
	check.NoError(t, s.http.buyer().buy(t.Context()))
	s.awaitDelivered(t) // Stripe signs with the first secret
	s.patchSecret(t, `{"data":{"first":null}}`)
	s.awaitAnswers(t, before, map[string]int{firstSecret: http.StatusBadRequest, secondSecret: http.StatusOK})
	s.patchSecret(t, `{"stringData":{"second":" "}}`)
	s.awaitLog(t, before, "Keeping the signing secrets read before")
	s.awaitAnswers(t, before, map[string]int{secondSecret: http.StatusOK})
	s.patchSecret(t, `{"stringData":{"first":"`+firstSecret+`"},"data":{"second":null}}`)
	s.awaitAnswers(t, before, map[string]int{firstSecret: http.StatusOK, secondSecret: http.StatusBadRequest})

	after := s.serving(t)
	for name, p := range before {
		if now, there := after[name]; !there || now.Status.ContainerStatuses[0].RestartCount != p.Status.ContainerStatuses[0].RestartCount {
			t.Errorf("got pod %s restarted, want it unchanged", name)
		}
	}
	s.reconcile(t)
	s.expectNoErrors(t)
}

// patchSecret patches the Secret, and annotates the pods: a kubelet syncs about once a minute, or when a pod changes.
func (s *environment) patchSecret(t *testing.T, patch string) {
	t.Helper()
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = systemNamespace, "paylink-webhook"
	check.Must(t, s.Patch(t.Context(), secret, client.RawPatch(types.MergePatchType, []byte(patch))))
	hint, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{"e2e/hint": time.Now().Format(time.RFC3339Nano)}}})
	check.Must(t, err)
	for _, p := range s.serving(t) {
		check.Must(t, s.Patch(t.Context(), &p, client.RawPatch(types.MergePatchType, hint)))
	}
}

// awaitAnswers waits until every webhook server answers events signed with each secret with these statuses.
func (s *environment) awaitAnswers(t *testing.T, pods map[string]corev1.Pod, want map[string]int) {
	t.Helper()
	for name, p := range webhookServers(pods) {
		address, end := s.tunnel(t, &p, 8080)
		for secret, status := range want {
			until(t.Context(), t, fmt.Sprintf("%s answers %d to what is signed with %.12s…", name, status, secret), func(ctx context.Context) (bool, error) {
				got, err := s.http.webhook(ctx, "http://"+address, ping, secret)
				return got == status, fmt.Errorf("it answers %d, %v", got, err) //nolint:errorlint // there may be none
			})
		}
		http.DefaultClient.CloseIdleConnections()
		end()
	}
}

// awaitLog waits until every webhook server has logged a message.
func (s *environment) awaitLog(t *testing.T, pods map[string]corev1.Pod, what string) {
	t.Helper()
	for name, p := range webhookServers(pods) {
		until(t.Context(), t, name+" logs: "+what, func(ctx context.Context) (bool, error) {
			out, err := s.logs(ctx, &p, corev1.PodLogOptions{})
			return strings.Contains(string(out), what), err
		})
	}
}

// webhookServers are the webhook servers among the pods.
func webhookServers(pods map[string]corev1.Pod) map[string]corev1.Pod {
	found := maps.Clone(pods)
	maps.DeleteFunc(found, func(_ string, p corev1.Pod) bool { return p.Labels["app.kubernetes.io/component"] != "webhookserver" })
	return found
}
