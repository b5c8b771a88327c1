package credentials

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// SecretDir reads signing secrets from a mounted Kubernetes Secret: every file in the folder holds one or more. A
// change is picked up without a restart.
type SecretDir struct {
	dir     string
	clock   clock.WithTicker
	log     logr.Logger
	secrets *SigningSecrets
}

// NewSecretDir reads the folder once. It fails where the folder cannot be read or holds no usable secret.
func NewSecretDir(dir string, c clock.WithTicker, log logr.Logger) (*SecretDir, error) {
	d := &SecretDir{dir: dir, clock: c, log: log}
	secrets, err := d.read()
	if err != nil {
		return nil, err
	}
	d.secrets = NewSigningSecrets(secrets)
	return d, nil
}

// Secrets are those last read. It is always the same object, which changes.
func (d *SecretDir) Secrets() *SigningSecrets { return d.secrets }

// NeedLeaderElection says that every replica reads the folder.
func (d *SecretDir) NeedLeaderElection() bool { return false }

// Start reads the folder again and again until the context ends. A folder that cannot be used leaves the last good
// secrets in force, and says so.
func (d *SecretDir) Start(ctx context.Context) error { return poll(ctx, d.clock, d.reload) }

func (d *SecretDir) reload() {
	secrets, err := d.read()
	if err != nil {
		d.log.Error(err, "Keeping the signing secrets read before")
		return
	}
	if d.secrets.replace(secrets) {
		names := make([]string, len(secrets))
		for i, s := range secrets {
			names[i] = s.Name
		}
		d.log.Info("Signing secrets changed", "secrets", names)
	}
}

// read returns the secrets of all files, in the order of their names. A secret has its file's name; further ones of the
// same file have their position behind it (live, live/2). Files whose name begins with a dot are the kubelet's own
// (..data).
func (d *SecretDir) read() ([]NamedSecret, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, fmt.Errorf("read signing secrets: %w", err)
	}
	var secrets []NamedSecret
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !utf8.ValidString(e.Name()) { // a metric cannot be labelled so
			return nil, fmt.Errorf("file %q in folder %s: give it a name in UTF-8", e.Name(), d.dir)
		}
		text, err := os.ReadFile(filepath.Join(d.dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read signing secrets: %w", err)
		}
		found, err := ParseSecrets(string(text))
		if errors.Is(err, ErrNoSecret) {
			return nil, fmt.Errorf("file %s is empty: %w", filepath.Join(d.dir, e.Name()), err)
		}
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", filepath.Join(d.dir, e.Name()), err)
		}
		found[0].Name = e.Name()
		for i := 1; i < len(found); i++ {
			found[i].Name = e.Name() + "/" + found[i].Name
		}
		secrets = append(secrets, found...)
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("folder %s holds no file: %w", d.dir, ErrNoSecret)
	}
	return secrets, nil
}
