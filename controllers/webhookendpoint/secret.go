package webhookendpoint

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
)

// WebhookSecret is the Kubernetes Secret that the webhook server mounts: each key of it is a file that holds a signing
// secret.
type WebhookSecret struct {
	// Reader asks the API server itself: Secrets are not cached.
	Reader client.Reader
	Writer client.Client
	// Namespace is that of the webhook server.
	Namespace string
	Name      string
}

// read adds what the Secret has to stored. It fails where nothing could be put there.
func (s *WebhookSecret) read(ctx context.Context, stored map[string][]byte) error {
	var kept corev1.Secret
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Name}, &kept)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read Secret %s: %w", s.Name, err)
	}
	if kept.Immutable != nil && *kept.Immutable {
		return fmt.Errorf("no signing secret can be stored, as the Secret %s is immutable: delete it, and create it anew", s.Name)
	}
	maps.Copy(stored, kept.Data)
	return nil
}

// put stores a signing secret beside what is there. The error does not hold it, whoever refuses it.
func (s *WebhookSecret) put(ctx context.Context, key string, secret credentials.Secret) error {
	data := map[string][]byte{key: []byte(string(secret))}
	patch, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}
	err = s.Writer.Patch(ctx, &corev1.Secret{ObjectMeta: meta}, client.RawPatch(types.MergePatchType, patch))
	if apierrors.IsNotFound(err) {
		meta.Labels = map[string]string{"app.kubernetes.io/managed-by": "paylink"}
		err = s.Writer.Create(ctx, &corev1.Secret{ObjectMeta: meta, Type: corev1.SecretTypeOpaque, Data: data})
	}
	if err != nil {
		return fmt.Errorf("write Secret %s: %w", s.Name, without(secret, err))
	}
	return nil
}

// without is an error that does not hold a secret: an admission webhook may repeat what it refuses.
func without(secret credentials.Secret, err error) error {
	text := err.Error()
	for _, form := range []string{string(secret), base64.StdEncoding.EncodeToString([]byte(string(secret)))} {
		text = strings.ReplaceAll(text, form, secret.String())
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
