package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// redactKey is the secret behind the pseudonyms of --redact-host: what
// WIRELAG_REDACT_KEY says, or a key of the user's own that is made at its first
// use. One user's reports have the same pseudonyms for the same hosts, and who
// reads them cannot try out names. The error says why no key could be kept; the
// key then is one for this run.
func redactKey() ([]byte, error) {
	if key := os.Getenv(environment + "REDACT_KEY"); key != "" {
		return []byte(key), nil
	}
	made := []byte(rand.Text())
	folder, err := os.UserConfigDir()
	if err != nil {
		return made, err
	}
	name := filepath.Join(folder, "wirelag", "redact-key")
	key, err := os.ReadFile(name)
	if err == nil && len(key) > 0 {
		return key, nil
	}
	if err := keepKey(name, made); err != nil {
		return made, fmt.Errorf("%s: %w", name, reason(err))
	}
	return os.ReadFile(name) // of two runs at once the first one's key counts
}

func keepKey(name string, key []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "redact-key")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(key)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	// A link fails where there is a file, and that is whole.
	if err := os.Link(f.Name(), name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
