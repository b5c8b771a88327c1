package checkout_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/keyutil"

	"github.com/paylink-dev/paylink/test/check"
)

// clusterKey is the key with which the API server signs tokens.
func clusterKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(paylink.Cluster.Dir(), "certificates", "sa-signer.key"))
	check.Must(t, err)
	parsed, err := keyutil.ParsePrivateKeyPEM(content)
	check.Must(t, err)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("got a %T as the API server's key, want an ECDSA key", parsed)
	}
	return key
}

// otherKey is a key that the API server does not know.
func otherKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check.Must(t, err)
	return key
}

// resign signs a token again, with some claims changed. Without a key it is unsigned.
func resign(t *testing.T, token string, changes map[string]any, key *ecdsa.PrivateKey) string {
	t.Helper()
	parts := strings.Split(token, ".")
	var header, claims map[string]any
	for i, into := range []*map[string]any{&header, &claims} {
		content, err := base64.RawURLEncoding.DecodeString(parts[i])
		check.Must(t, err)
		check.Must(t, json.Unmarshal(content, into))
	}
	maps.Copy(claims, changes)
	if key == nil {
		header["alg"] = "none"
	}
	encode := func(v any) string {
		content, err := json.Marshal(v)
		check.Must(t, err)
		return base64.RawURLEncoding.EncodeToString(content)
	}
	signed := encode(header) + "." + encode(claims)
	if key == nil {
		return signed + "."
	}
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	check.Must(t, err)
	signature := make([]byte, 64) // of a JWT: both numbers, 32 bytes each
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// expired are the claims of a token that expired an hour ago.
func expired() map[string]any {
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	return map[string]any{"iat": ago(3 * time.Hour), "nbf": ago(3 * time.Hour), "exp": ago(time.Hour)}
}
