package keys

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MasterEnv is the environment variable that holds the master key, base64, in place of the file.
const MasterEnv = "DINH_MASTER_KEY"

// LoadMaster returns the master key from the environment or from the file, which it makes (mode
// 0600) if it is missing. Whoever has this key and the database has everything: keep a copy of it
// apart from the backups of the database, because without it they cannot be read.
func LoadMaster(path string) ([32]byte, error) {
	if text, ok := os.LookupEnv(MasterEnv); ok && text != "" {
		key, err := decodeMaster(text)
		if err != nil {
			return key, fmt.Errorf("keys: %s %w", MasterEnv, err)
		}
		return key, nil
	}
	key, err := readMaster(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeMaster(path); err != nil {
			return key, fmt.Errorf("keys: make the master key: %w", err)
		}
		key, err = readMaster(path)
	}
	return key, err
}

func readMaster(path string) (key [32]byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return key, err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return key, fmt.Errorf("keys: other users may read the master key %s (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return key, err
	}
	if key, err = decodeMaster(string(text)); err != nil {
		return key, fmt.Errorf("keys: the master key in %s %w", path, err)
	}
	return key, nil
}

// writeMaster makes the file whole or not at all, and never writes over one: of two processes that
// start together the second finds the key of the first.
func writeMaster(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var key [32]byte
	rand.Read(key[:])
	tmp, err := os.CreateTemp(dir, ".master-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func decodeMaster(text string) (key [32]byte, err error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != len(key) {
		return key, fmt.Errorf("must be 32 bytes in base64 (44 characters); make one with: openssl rand -base64 32")
	}
	copy(key[:], b)
	if key == [32]byte{} {
		return key, fmt.Errorf("is all zeroes; make one with: openssl rand -base64 32")
	}
	return key, nil
}
