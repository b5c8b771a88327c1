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

// SecretDir reads signing secrets from the folder of a mounted Kubernetes Secret, whose files hold one or more each. It
// reloads the folder regularly, so that a change needs no restart.
type SecretDir struct {
	dir     string
	clock   clock.WithTicker
	log     logr.Logger
	secrets *SigningSecrets
}

// NewSecretDir reads the folder once. It fails if the folder cannot be read or holds no valid secret.
func NewSecretDir(dir string, c clock.WithTicker, log logr.Logger) (*SecretDir, error) {
	d := &SecretDir{dir: dir, clock: c, log: log}
	secrets, err := d.read()
	if err != nil {
		return nil, err
	}
	d.secrets = NewSigningSecrets(secrets)
	return d, nil
}

// Secrets returns the secrets in use. It is always the same object, which a reload updates.
func (d *SecretDir) Secrets() *SigningSecrets { return d.secrets }

// NeedLeaderElection returns false: every replica reads the folder.
func (d *SecretDir) NeedLeaderElection() bool { return false }

// Start reloads the folder regularly until the context ends. If the folder becomes invalid, it logs the error and keeps
// the last valid secrets.
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

// read returns the secrets of all files, in the order of the file names. The first secret of a file has the name of the
// file, and a further one has its position appended (live, live/2). Files whose name begins with a dot belong to the
// kubelet (..data).
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
		if !utf8.ValidString(e.Name()) { // a metric label must be UTF-8
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
