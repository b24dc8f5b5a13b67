//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// asNobody makes cmd, which runs this test binary, one of a user without rights.
// The binary is copied to folder, as that user cannot reach it where it is.
func asNobody(t *testing.T, cmd *exec.Cmd, folder string) {
	t.Helper()
	for dir := folder; dir != "/"; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o005 != 0o005 {
			t.Skipf("%s is not for everybody", dir)
		}
	}
	cmd.Path = filepath.Join(folder, "program")
	if _, err := os.Stat(cmd.Path); err != nil {
		copyFile(t, cmd.Path, os.Args[0])
	}
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}
