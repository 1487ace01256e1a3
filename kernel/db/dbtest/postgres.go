package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dinh-gov/dinh/kernel/db"
)

// pgTemplates makes each template database once in this test binary.
var pgTemplates = &pgMade{made: map[string]func() error{}}

type pgMade struct {
	mu   sync.Mutex
	made map[string]func() error
}

func (p *pgMade) ensure(dsn, name string, sets []Set) error {
	p.mu.Lock()
	once, ok := p.made[name]
	if !ok {
		once = sync.OnceValue(func() error { return makeTemplate(context.Background(), dsn, name, sets) })
		p.made[name] = once
	}
	p.mu.Unlock()
	return once()
}

func newPostgres(t testing.TB, dsn, key string, sets []Set) *db.DB {
	t.Helper()
	ctx := context.Background()
	template := "dinh_template_" + key
	if err := pgTemplates.ensure(dsn, template, sets); err != nil {
		t.Fatalf("dbtest: make template on DINH_TEST_PG: %v", err)
	}
	name := "dinh_test_" + strings.ToLower(rand.Text())
	if err := admin(ctx, dsn, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("dbtest: clone template: %v", err)
	}
	t.Cleanup(func() {
		if err := admin(ctx, dsn, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dbtest: drop database: %v", err)
		}
	})
	u, err := withDatabase(dsn, name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(ctx, u, db.Readers(4))
	if err != nil {
		t.Fatalf("dbtest: open: %v", err)
	}
	closeAtEnd(t, d)
	return d
}

// makeTemplate migrates under a name of its own and then takes the shared name,
// so that test binaries running at once never clone a half-made template.
func makeTemplate(ctx context.Context, dsn, name string, sets []Set) error {
	var there bool
	err := onServer(ctx, dsn, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_database WHERE datname = $1", name).Scan(&there)
	})
	if err != nil || there {
		return err
	}
	draft := "dinh_draft_" + strings.ToLower(rand.Text())
	if err := admin(ctx, dsn, "CREATE DATABASE "+draft); err != nil {
		return err
	}
	if err := migrateDraft(ctx, dsn, draft, sets); err != nil {
		return errors.Join(err, admin(ctx, dsn, "DROP DATABASE "+draft+" WITH (FORCE)"))
	}
	err = admin(ctx, dsn, "ALTER DATABASE "+draft+" RENAME TO "+name)
	if isTaken(err) { // another test binary was first
		return admin(ctx, dsn, "DROP DATABASE "+draft+" WITH (FORCE)")
	}
	return err
}

// isTaken tells whether a database of that name is there, be it found by the
// server's check or, when two come at the very same time, by its unique index.
func isTaken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "42P04" || e.Code == "23505")
}

func migrateDraft(ctx context.Context, dsn, draft string, sets []Set) error {
	u, err := withDatabase(dsn, draft)
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, u)
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, d, sets), d.Close())
}

func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("dbtest: DINH_TEST_PG must be a postgres:// url: %w", err)
	}
	u.Path = "/" + name
	return u.String(), nil
}

func admin(ctx context.Context, dsn, statement string) error {
	return onServer(ctx, dsn, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, statement)
		return err
	})
}

func onServer(ctx context.Context, dsn string, f func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close(ctx))
}
