package credentials

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// KeyFile reads API keys from a file of a mounted Kubernetes Secret, again and again: a change is picked up without a
// restart.
type KeyFile struct {
	path  string
	clock clock.WithTicker
	log   logr.Logger
	keys  *Keys
}

// NewKeyFile reads the file once. It fails where the file cannot be read or holds no usable key.
func NewKeyFile(path string, c clock.WithTicker, log logr.Logger) (*KeyFile, error) {
	f := &KeyFile{path: path, clock: c, log: log}
	text, err := f.read()
	if err != nil {
		return nil, err
	}
	if f.keys, err = NewKeys(text, c, log); err != nil {
		return nil, f.explain(err)
	}
	return f, nil
}

// Keys are those last read. It is always the same object, which changes.
func (f *KeyFile) Keys() *Keys { return f.keys }

// NeedLeaderElection says that every replica reads the file.
func (f *KeyFile) NeedLeaderElection() bool { return false }

// Start reads the file again and again until the context ends. A file that cannot be used leaves the last good keys in
// force, and says so.
func (f *KeyFile) Start(ctx context.Context) error { return poll(ctx, f.clock, f.reload) }

func (f *KeyFile) reload() {
	if err := f.replace(); err != nil {
		f.log.Error(err, "Keeping the API keys read before")
	}
}

func (f *KeyFile) replace() error {
	text, err := f.read()
	if err != nil {
		return err
	}
	keys, err := ParseAPIKeys(text)
	if err != nil {
		return f.explain(err)
	}
	if err := f.keys.replace(keys); err != nil {
		return f.explain(err)
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

func (f *KeyFile) explain(err error) error {
	if errors.Is(err, ErrNoKey) {
		return fmt.Errorf("file %s is empty: %w", f.path, err)
	}
	return fmt.Errorf("file %s: %w", f.path, err)
}
