package exchange

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Database is where the exchange keeps its tables.
type Database = *db.DB

// Querier runs SQL within a transaction.
type Querier = db.Querier

type store struct {
	db     *db.DB
	ledger Ledger
	// of *scratch: a large buffer for each batch would be the larger part of what
	// an exchange allocates.
	scratch *sync.Pool
}

func inTransaction(ctx context.Context) bool { return db.InTx(ctx) }

// version is the number of changes to the rules so far.
func (s store) version(ctx context.Context) (v int64, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		v, err = readVersion(ctx, q)
		return err
	})
	return v, err
}

func readVersion(ctx context.Context, q db.Querier) (v int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT n FROM exchange_version WHERE id = 1`).Scan(&v)
	return v, err
}

// change changes the rules and their version in one transaction.
func (s store) change(ctx context.Context, raise func(int64), fn func(context.Context, db.Querier) error) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if err := fn(ctx, q); err != nil {
			return err
		}
		var v int64
		if err := q.QueryRowContext(ctx, `UPDATE exchange_version SET n = n + 1 WHERE id = 1 RETURNING n`).Scan(&v); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { raise(v) })
		return nil
	})
}

// loadRules reads everything. The version is read first: on an engine without
// one snapshot for the whole, the rules may be newer than it says, never older.
func (s store) loadRules(ctx context.Context) (*rules, error) {
	var r *rules
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) (err error) {
		r = &rules{
			members: map[MemberID]*Member{}, subsystems: map[SubsystemID]bool{}, grants: map[pair][]*Grant{},
			keys: map[string]*ClientKey{}, keysByID: map[string]*ClientKey{}, services: map[ServiceID]*offered{}, groups: map[string]*Group{},
		}
		if r.version, err = readVersion(ctx, q); err != nil {
			return err
		}
		return errors.Join(r.loadMembers(ctx, q), r.loadSubsystems(ctx, q), r.loadGroups(ctx, q), r.loadGroupMembers(ctx, q), r.loadGrants(ctx, q), r.loadKeys(ctx, q), r.loadServices(ctx, q))
	})
	return r, err
}

// each runs a query and scans its rows.
func each(ctx context.Context, q db.Querier, query string, scan func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *rules) loadMembers(ctx context.Context, q db.Querier) error {
	return each(ctx, q, `SELECT class, code, name_vi, name_en FROM exchange_member`, func(rows *sql.Rows) error {
		var m Member
		if err := rows.Scan(&m.Class, &m.Code, &m.Name.VI, &m.Name.EN); err != nil {
			return err
		}
		r.members[m.ID()] = &m
		return nil
	})
}

func (r *rules) loadSubsystems(ctx context.Context, q db.Querier) error {
	return each(ctx, q, `SELECT id, code, name_vi, name_en FROM exchange_subsystem ORDER BY id`, func(rows *sql.Rows) error {
		var full string
		var s Subsystem
		if err := rows.Scan(&full, &s.Code, &s.Name.VI, &s.Name.EN); err != nil {
			return err
		}
		sub, err := ParseSubsystem(full)
		if err != nil {
			return err
		}
		r.subsystems[sub] = true
		if m := r.members[sub.Owner()]; m != nil {
			m.Subsystems = append(m.Subsystems, s)
		}
		return nil
	})
}

func (r *rules) loadGrants(ctx context.Context, q db.Querier) error {
	const query = `SELECT id, client, service, operations, fields, match_fields, purpose, legal_basis, valid_from, valid_until,
		revoked_at, granted_by, revoked_by, reason, per_minute, burst, consent, endpoints, record_filter, client_group FROM exchange_grant ORDER BY valid_from, id`
	return each(ctx, q, query, func(rows *sql.Rows) error {
		var g Grant
		var client, service, ops, fields, match, endpoints, filter string
		var from, until, revoked, consent int64
		err := rows.Scan(&g.ID, &client, &service, &ops, &fields, &match, &g.Purpose, &g.LegalBasis, &from, &until,
			&revoked, &g.GrantedBy, &g.RevokedBy, &g.Reason, &g.Quota.PerMinute, &g.Quota.Burst, &consent, &endpoints, &filter, &g.Group)
		if err != nil {
			return err
		}
		if g.Group == "" {
			g.Client, err = ParseSubsystem(client)
		}
		if err != nil {
			return err
		}
		if g.Service, err = ParseService(service); err != nil {
			return err
		}
		g.From, g.Until, g.RevokedAt = db.FromMicros(from), db.FromMicros(until), db.FromMicros(revoked)
		err = errors.Join(json.Unmarshal([]byte(ops), &g.Operations), json.Unmarshal([]byte(fields), &g.Fields),
			json.Unmarshal([]byte(match), &g.Match), json.Unmarshal([]byte(endpoints), &g.Endpoints), json.Unmarshal([]byte(filter), &g.Filter))
		if err != nil {
			return err
		}
		g.Consent = consent != 0
		g.fields = lettingOut(g.Fields, &g)
		r.add(&g)
		return nil
	})
}

func (r *rules) loadKeys(ctx context.Context, q db.Querier) error {
	const query = `SELECT id, kind, public, subsystem, hash, label, created_at, valid_until, revoked_at FROM exchange_client_key`
	return each(ctx, q, query, func(rows *sql.Rows) error {
		var k ClientKey
		var subsystem string
		var created, until, revoked int64
		err := rows.Scan(&k.ID, &k.Kind, &k.Public, &subsystem, &k.hash, &k.Label, &created, &until, &revoked)
		if err != nil {
			return err
		}
		k.CreatedAt, k.Until, k.RevokedAt = db.FromMicros(created), db.FromMicros(until), db.FromMicros(revoked)
		if k.Subsystem, err = ParseSubsystem(subsystem); err != nil {
			return err
		}
		r.keys[k.hash], r.keysByID[k.ID] = &k, &k
		return nil
	})
}

func putMember(ctx context.Context, q db.Querier, instance string, m Member, now time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_member (id, class, code, name_vi, name_en, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET name_vi = excluded.name_vi, name_en = excluded.name_en`,
		m.ID().String(), m.Class, m.Code, m.Name.VI, m.Name.EN, db.Micros(now))
	if err != nil {
		return err
	}
	for _, s := range m.Subsystems {
		full := SubsystemID{instance, m.Class, m.Code, s.Code}
		_, err := q.ExecContext(ctx, `INSERT INTO exchange_subsystem (id, member, code, name_vi, name_en)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET name_vi = excluded.name_vi, name_en = excluded.name_en`,
			full.String(), m.ID().String(), s.Code, s.Name.VI, s.Name.EN)
		if err != nil {
			return err
		}
	}
	return nil
}

func insertGrant(ctx context.Context, q db.Querier, g Grant, now time.Time) error {
	client := g.Client.String()
	if g.Group != "" {
		client = groupClient(g.Service.Instance)
		if err := lockGroup(ctx, q, g.Group); err != nil {
			return err
		}
	}
	match := g.Match
	if match == nil {
		match = []string{}
	}
	ops, err1 := json.Marshal(g.Operations)
	fields, err2 := json.Marshal(g.Fields)
	matches, err3 := json.Marshal(match)
	endpoints, err4 := json.Marshal(append([]Endpoint{}, g.Endpoints...))
	filter, err5 := json.Marshal(g.Filter)
	if g.Filter == nil {
		filter = []byte("{}")
	}
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_grant (id, client, service, operations, fields, match_fields, purpose,
			legal_basis, valid_from, valid_until, created_at, granted_by, revoked_at, revoked_by, reason, per_minute, burst, consent, endpoints, record_filter, client_group)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '', '', $13, $14, $15, $16, $17, $18) ON CONFLICT (id) DO NOTHING`,
		g.ID, client, g.Service.String(), string(ops), string(fields), string(matches), g.Purpose, g.LegalBasis,
		db.Micros(g.From), db.Micros(g.Until), db.Micros(now), g.GrantedBy, g.Quota.PerMinute, g.Quota.Burst, bit(g.Consent), string(endpoints), string(filter), g.Group)
	return err
}

type revocation struct {
	id, by, reason string
	at             time.Time
}

func revokeGrant(ctx context.Context, q db.Querier, r revocation) error {
	var id string
	err := q.QueryRowContext(ctx, `UPDATE exchange_grant SET
			revoked_by = CASE WHEN revoked_at = 0 THEN $2 ELSE revoked_by END,
			reason = CASE WHEN revoked_at = 0 THEN $3 ELSE reason END,
			revoked_at = CASE WHEN revoked_at = 0 THEN $4 ELSE revoked_at END
		WHERE id = $1 RETURNING id`, r.id, r.by, r.reason, db.Micros(r.at)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return errs.New(errs.NotFound, "exchange.no_such_grant", "id", clip(r.id))
	}
	return err
}

func insertClientKey(ctx context.Context, q db.Querier, k ClientKey) error {
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_client_key (id, kind, public, subsystem, hash, label, created_at, valid_until, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
		k.ID, k.Kind, k.Public, k.Subsystem.String(), k.hash, k.Label, db.Micros(k.CreatedAt), db.Micros(k.Until))
	if db.IsUnique(err) {
		return errs.New(errs.Conflict, "exchange.key_known").Wrap(err)
	}
	return err
}

func revokeClientKey(ctx context.Context, q db.Querier, keyID string, at time.Time) error {
	var id string
	err := q.QueryRowContext(ctx, `UPDATE exchange_client_key
		SET revoked_at = CASE WHEN revoked_at = 0 THEN $2 ELSE revoked_at END WHERE id = $1 RETURNING id`,
		keyID, db.Micros(at)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return errs.New(errs.NotFound, "exchange.no_such_key", "id", clip(keyID))
	}
	return err
}

func (r *rules) loadServices(ctx context.Context, q db.Querier) error {
	const query = `SELECT id, revision, title_vi, title_en, type, url, description_url, endpoints, checked, timeouts, tls, local,
		public_statistics, created_at, changed_at, changed_by, disabled_at, disabled_by, disabled_reason FROM exchange_service`
	return each(ctx, q, query, func(rows *sql.Rows) error {
		var s PublishedService
		var id, endpoints, timeouts, tls string
		var checked, local, public int
		var created, changed, disabled int64
		err := rows.Scan(&id, &s.revision, &s.Title.VI, &s.Title.EN, &s.Type, &s.URL, &s.DescriptionURL, &endpoints, &checked, &timeouts, &tls,
			&local, &public, &created, &changed, &s.ChangedBy, &disabled, &s.DisabledBy, &s.DisabledReason)
		if err != nil {
			return err
		}
		if s.ID, err = ParseService(id); err != nil {
			return err
		}
		s.Checked, s.Local, s.PublicStatistics = checked == 1, local == 1, public == 1
		s.CreatedAt, s.ChangedAt, s.DisabledAt = db.FromMicros(created), db.FromMicros(changed), db.FromMicros(disabled)
		err = errors.Join(json.Unmarshal([]byte(endpoints), &s.Endpoints), json.Unmarshal([]byte(timeouts), &s.Timeouts), json.Unmarshal([]byte(tls), &s.TLS))
		if err != nil {
			return err
		}
		r.services[s.ID] = &offered{published: &s, once: true, info: ServiceInfo{
			ID: s.ID, Title: s.Title, Type: s.Type, Endpoints: s.Endpoints, PublicStatistics: s.PublicStatistics, Disabled: s.DisabledReason,
		}}
		return nil
	})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// putService keeps when a service was made and whether it is disabled.
func putService(ctx context.Context, q Querier, s PublishedService) error {
	if s.Endpoints == nil {
		s.Endpoints = []Endpoint{}
	}
	endpoints, err1 := json.Marshal(s.Endpoints)
	timeouts, err2 := json.Marshal(s.Timeouts)
	tls, err3 := json.Marshal(s.TLS)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_service (id, revision, title_vi, title_en, type, url, description_url, description,
			endpoints, checked, timeouts, tls, local, public_statistics, created_at, changed_at, changed_by, disabled_at, disabled_by, disabled_reason)
		VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, 0, '', '')
		ON CONFLICT (id) DO UPDATE SET revision = exchange_service.revision + 1, title_vi = excluded.title_vi, title_en = excluded.title_en,
			type = excluded.type, url = excluded.url, description_url = excluded.description_url, description = excluded.description,
			endpoints = excluded.endpoints, checked = excluded.checked, timeouts = excluded.timeouts, tls = excluded.tls, local = excluded.local,
			public_statistics = excluded.public_statistics, changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
		s.ID.String(), s.Title.VI, s.Title.EN, s.Type, s.URL, s.DescriptionURL, s.Description, string(endpoints), bit(s.Checked),
		string(timeouts), string(tls), bit(s.Local), bit(s.PublicStatistics), db.Micros(s.ChangedAt), s.ChangedBy)
	return err
}

// switching disables a service, or enables it when at is zero.
type switching struct {
	service    ServiceID
	at         time.Time
	by, reason string
}

func switchService(ctx context.Context, q Querier, s switching) error {
	var id string
	err := q.QueryRowContext(ctx, `UPDATE exchange_service SET revision = revision + 1, disabled_at = $2, disabled_by = $3, disabled_reason = $4
		WHERE id = $1 RETURNING id`, s.service.String(), db.Micros(s.at), s.by, s.reason).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return errs.New(errs.NotFound, "exchange.unknown_service", "service", s.service.String())
	}
	return err
}

// serviceDescription is the document of a service with its revision.
func (s store) serviceDescription(ctx context.Context, id ServiceID) (document string, revision int64, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		err := q.QueryRowContext(ctx, `SELECT description, revision FROM exchange_service WHERE id = $1`, id.String()).Scan(&document, &revision)
		if errors.Is(err, sql.ErrNoRows) {
			return errs.New(errs.NotFound, "exchange.unknown_service", "service", id.String())
		}
		return err
	})
	return document, revision, err
}

// groupChange is when and by whom a group is changed.
type groupChange struct {
	at time.Time
	by string
}

func (r *rules) loadGroups(ctx context.Context, q db.Querier) error {
	return each(ctx, q, `SELECT id, title_vi, title_en FROM exchange_group`, func(rows *sql.Rows) error {
		var g Group
		if err := rows.Scan(&g.ID, &g.Title.VI, &g.Title.EN); err != nil {
			return err
		}
		r.groups[g.ID] = &g
		return nil
	})
}

func (r *rules) loadGroupMembers(ctx context.Context, q db.Querier) error {
	return each(ctx, q, `SELECT group_id, subsystem FROM exchange_group_member ORDER BY group_id, subsystem`, func(rows *sql.Rows) error {
		var id, subsystem string
		if err := rows.Scan(&id, &subsystem); err != nil {
			return err
		}
		s, err := ParseSubsystem(subsystem)
		if g := r.groups[id]; err == nil && g != nil {
			g.Members = append(g.Members, s)
		}
		return err
	})
}

func putGroup(ctx context.Context, q db.Querier, g Group, c groupChange) error {
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_group (id, title_vi, title_en, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET title_vi = excluded.title_vi, title_en = excluded.title_en,
			changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
		g.ID, g.Title.VI, g.Title.EN, db.Micros(c.at), c.by)
	return err
}

// lockGroup makes sure that a group is there and stays so until the transaction
// ends: a grant to a group that is being removed would be one to the next of its name.
func lockGroup(ctx context.Context, q db.Querier, groupID string) error {
	var id string
	err := q.QueryRowContext(ctx, `UPDATE exchange_group SET changed_at = changed_at WHERE id = $1 RETURNING id`, groupID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return errs.New(errs.NotFound, "exchange.unknown_group", "group", clip(groupID))
	}
	return err
}

// moveMembers takes in.Members into the group and out of it those of out.
func moveMembers(ctx context.Context, q db.Querier, in Group, out []SubsystemID, c groupChange) error {
	if err := lockGroup(ctx, q, in.ID); err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, `UPDATE exchange_group SET changed_at = $2, changed_by = $3 WHERE id = $1`, in.ID, db.Micros(c.at), c.by); err != nil {
		return err
	}
	for _, s := range in.Members {
		_, err := q.ExecContext(ctx, `INSERT INTO exchange_group_member (group_id, subsystem, added_at, added_by)
			VALUES ($1, $2, $3, $4) ON CONFLICT (group_id, subsystem) DO NOTHING`, in.ID, s.String(), db.Micros(c.at), c.by)
		if err != nil {
			return err
		}
	}
	for _, s := range out {
		if _, err := q.ExecContext(ctx, `DELETE FROM exchange_group_member WHERE group_id = $1 AND subsystem = $2`, in.ID, s.String()); err != nil {
			return err
		}
	}
	return nil
}

func removeGroup(ctx context.Context, q db.Querier, groupID string) error {
	if err := lockGroup(ctx, q, groupID); err != nil {
		return err
	}
	var grants int
	err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM exchange_grant WHERE client_group = $1 AND revoked_at = 0`, groupID).Scan(&grants)
	if err != nil {
		return err
	}
	if grants > 0 {
		return errs.New(errs.Conflict, "exchange.group_in_use", "group", clip(groupID), "n", grants)
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM exchange_group_member WHERE group_id = $1`, groupID); err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `DELETE FROM exchange_group WHERE id = $1`, groupID)
	return err
}

// groupClient stands in the client column of a grant to a group. No member has
// this class: a binary that knows no groups reads it and gives nobody anything.
func groupClient(instance string) string { return instance + "/GROUP/-/-" }
