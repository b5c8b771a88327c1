package credentials

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// KeyFile reads API keys from a file of a mounted Kubernetes Secret. It reloads the file regularly, so that a change
// needs no restart.
type KeyFile struct {
	path  string
	clock clock.WithTicker
	log   logr.Logger
	keys  *Keys
}

// NewKeyFile reads the file once. It fails if the file cannot be read or holds no valid key.
func NewKeyFile(path string, c clock.WithTicker, log logr.Logger) (*KeyFile, error) {
	f := &KeyFile{path: path, clock: c, log: log}
	text, err := f.read()
	if err != nil {
		return nil, err
	}
	if f.keys, err = NewKeys(text, c, log); err != nil {
		return nil, f.withPath(err)
	}
	return f, nil
}

// Keys returns the keys in use. It is always the same object, which a reload updates.
func (f *KeyFile) Keys() *Keys { return f.keys }

// NeedLeaderElection returns false: every replica reads the file.
func (f *KeyFile) NeedLeaderElection() bool { return false }

// Start reloads the file regularly until the context ends. If the file becomes invalid, it logs the error and keeps the
// last valid keys.
func (f *KeyFile) Start(ctx context.Context) error { return poll(ctx, f.clock, f.reload) }

func (f *KeyFile) reload() {
	if err := f.tryReload(); err != nil {
		f.log.Error(err, "Keeping the API keys read before")
	}
}

func (f *KeyFile) tryReload() error {
	text, err := f.read()
	if err != nil {
		return err
	}
	keys, err := ParseAPIKeys(text)
	if err != nil {
		return f.withPath(err)
	}
	if err := f.keys.replace(keys); err != nil {
		return f.withPath(err)
	}
	return nil
}

func (f *KeyFile) read() (string, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return "", fmt.Errorf("name a file of a mounted Secret that holds an API key: %w", err)
	}
	return string(text), nil
}

func (f *KeyFile) withPath(err error) error {
	if errors.Is(err, ErrNoKey) {
		return fmt.Errorf("file %s is empty: %w", f.path, err)
	}
	return fmt.Errorf("file %s: %w", f.path, err)
}
