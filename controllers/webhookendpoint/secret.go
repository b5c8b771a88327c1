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

// Secret is the Kubernetes Secret that the webhook server mounts. Each key is a file with a signing secret.
type Secret struct {
	// Reader reads from the API server: Secrets are not cached.
	Reader client.Reader
	Writer client.Client
	// Namespace is the namespace of the webhook server.
	Namespace string
	Name      string
}

// read copies the data of the Secret to stored. It fails if nothing can be written to the Secret.
func (s *Secret) read(ctx context.Context, stored map[string][]byte) error {
	var current corev1.Secret
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Name}, &current)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read Secret %s: %w", s.Name, err)
	}
	if current.Immutable != nil && *current.Immutable {
		return fmt.Errorf("no signing secret can be stored, as the Secret %s is immutable: delete it, and create it anew", s.Name)
	}
	maps.Copy(stored, current.Data)
	return nil
}

// put adds a signing secret to the Secret. Its error never contains the secret.
func (s *Secret) put(ctx context.Context, key string, secret credentials.Secret) error {
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
		return fmt.Errorf("write Secret %s: %w", s.Name, redact(secret, err))
	}
	return nil
}

// redact removes a secret from an error: an admission webhook can repeat the object that it refuses.
func redact(secret credentials.Secret, err error) error {
	text := err.Error()
	for _, form := range []string{string(secret), base64.StdEncoding.EncodeToString([]byte(string(secret)))} {
		text = strings.ReplaceAll(text, form, secret.String())
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
