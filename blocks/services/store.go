package services

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// database is the handle in Deps; only this file speaks to it.
type database = *db.DB

// keep stores a definition under its hash, for good; keeping it again does
// nothing. A live one becomes what new applications start under, a retired one
// leaves the service without such a definition, a draft changes neither.
func (x *Services) keep(ctx context.Context, s *Service) error {
	codes, err := json.Marshal(s.codes)
	if err != nil {
		return fmt.Errorf("services: keep %s: %w", s.ID, err)
	}
	now := db.Micros(x.deps.Clock.Now())
	return x.deps.DB.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO services_definition (hash, id, version, yaml, codes, published_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash) DO NOTHING`,
			s.Hash, s.ID, s.Version, string(s.YAML), string(codes), now)
		if err != nil {
			return fmt.Errorf("services: keep %s: %w", s.ID, err)
		}
		switch s.Status {
		case Live:
			_, err = q.ExecContext(ctx, `INSERT INTO services_live (id, hash, published_at) VALUES ($1, $2, $3)
				ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, published_at = excluded.published_at`, s.ID, s.Hash, now)
		case Retired:
			_, err = q.ExecContext(ctx, `DELETE FROM services_live WHERE id = $1`, s.ID)
		}
		if err != nil {
			return fmt.Errorf("services: publish %s: %w", s.ID, err)
		}
		return nil
	})
}

// kept reads what was stored under hash.
func (x *Services) kept(ctx context.Context, hash string) (yaml []byte, codes Codes, err error) {
	var text, list string
	err = x.deps.DB.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT yaml, codes FROM services_definition WHERE hash = $1`, hash).Scan(&text, &list)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, errs.New(errs.NotFound, "services.definition_not_found")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("services: read definition: %w", err)
	}
	if err := json.Unmarshal([]byte(list), &codes); err != nil {
		return nil, nil, fmt.Errorf("services: read code lists: %w", err)
	}
	return []byte(text), codes, nil
}

// liveHash gives the hash that new applications of id start under.
func (x *Services) liveHash(ctx context.Context, id string) (hash string, err error) {
	err = x.deps.DB.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT hash FROM services_live WHERE id = $1`, id).Scan(&hash)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", errs.New(errs.NotFound, "services.not_found")
	}
	if err != nil {
		return "", fmt.Errorf("services: find the live definition: %w", err)
	}
	return hash, nil
}

func (x *Services) liveHashes(ctx context.Context) ([]string, error) {
	hashes, err := db.List(ctx, x.deps.DB, db.Value[string], `SELECT hash FROM services_live ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("services: list live definitions: %w", err)
	}
	return hashes, nil
}
