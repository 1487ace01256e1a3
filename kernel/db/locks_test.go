package db_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/dinh-gov/dinh/kernel/db"
)

// A process that closes any descriptor of the file loses all its locks on it, and
// another program then takes the database for unused and removes the WAL.
func TestNewConnectionsKeepTheLocksOfTheOld(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skip("this system does not tell who holds locks")
	}
	d, path := openFile(t)
	var inside, together sync.WaitGroup
	inside.Add(4)
	for range 4 { // each needs a connection of its own
		together.Go(func() {
			err := d.Read(context.Background(), func(context.Context, db.Querier) error {
				inside.Done()
				inside.Wait()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Skip("no inode numbers here")
	}
	mine := fmt.Sprintf(" %d ", os.Getpid())
	for line := range strings.Lines(string(locks)) {
		if strings.Contains(line, mine) && strings.Contains(line, fmt.Sprintf(":%d ", stat.Ino)) {
			return
		}
	}
	t.Error("the process holds no lock on its open database")
}
