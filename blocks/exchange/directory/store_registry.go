package directory

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type store struct{ db *db.DB }

// tx is what can be done within one transaction.
type tx struct{ q db.Querier }

func (s store) read(ctx context.Context, fn func(context.Context, tx) error) error {
	return s.db.Read(ctx, func(ctx context.Context, q db.Querier) error { return fn(ctx, tx{q}) })
}

func (s store) write(ctx context.Context, fn func(context.Context, tx) error) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error { return fn(ctx, tx{q}) })
}

func (t tx) exec(ctx context.Context, query string, args ...any) error {
	_, err := t.q.ExecContext(ctx, query, args...)
	return err
}

func (t tx) count(ctx context.Context, query string, args ...any) (n int, err error) {
	err = t.q.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// free refuses an application for a member that is there and active, and keys that
// stand in the directory already, whoever's they are.
func (t tx) free(ctx context.Context, a Application) error {
	n, err := t.count(ctx, `SELECT count(*) FROM exchange_directory_member WHERE id = $1 AND status = ''`, a.Member())
	if err != nil {
		return err
	}
	if n > 0 {
		return errs.New(errs.Conflict, "directory.member_exists", "member", a.Member())
	}
	public, err := parsePublic(a.Key)
	if err != nil {
		return err
	}
	csr, err := parseCSR(a.CSR, a.Hosts())
	if err != nil {
		return err
	}
	n, err = t.count(ctx, `SELECT (SELECT count(*) FROM exchange_directory_key WHERE id = $1)
		+ (SELECT count(*) FROM exchange_directory_certificate WHERE public_hash = $2)`, Thumbprint(public), publicHash(csr))
	if err != nil {
		return err
	}
	if n > 0 {
		return errs.New(errs.Conflict, "directory.key_taken")
	}
	return nil
}

func (t tx) putMember(ctx context.Context, m Member, own bool) error {
	subs, err := json.Marshal(m.Subsystems)
	if err != nil {
		return err
	}
	return t.exec(ctx, `INSERT INTO exchange_directory_member (id, class, code, name_vi, name_en, subsystems, status, node, own)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET name_vi = excluded.name_vi, name_en = excluded.name_en, subsystems = excluded.subsystems,
			status = excluded.status, node = excluded.node, own = excluded.own`,
		m.ID(), m.Class, m.Code, m.Name.VI, m.Name.EN, string(subs), m.Status, m.Node, own)
}

const memberColumns = `SELECT class, code, name_vi, name_en, subsystems, status, node, own FROM exchange_directory_member`

type listed struct {
	Member
	own bool
}

func readMember(scan db.Scan) (m listed, err error) {
	var subs string
	if err := scan(&m.Class, &m.Code, &m.Name.VI, &m.Name.EN, &subs, &m.Status, &m.Node, &m.own); err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(subs), &m.Subsystems)
}

// member gives a member and whether it is the central node's own.
func (t tx) member(ctx context.Context, id string) (Member, bool, error) {
	m, err := readMember(t.q.QueryRowContext(ctx, memberColumns+` WHERE id = $1`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Member{}, false, errs.New(errs.NotFound, "directory.no_such_member")
	}
	return m.Member, m.own, err
}

func (t tx) putNode(ctx context.Context, n Node) error {
	return t.exec(ctx, `INSERT INTO exchange_directory_node (id, member, address, ledger_key) VALUES ($1, '', $2, $3)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, ledger_key = excluded.ledger_key`, n.ID, n.Address, n.LedgerKey)
}

func readNode(scan db.Scan) (n Node, err error) {
	err = scan(&n.ID, &n.Address, &n.LedgerKey)
	return n, err
}

func (t tx) node(ctx context.Context, id string) (Node, error) {
	return readNode(t.q.QueryRowContext(ctx, `SELECT id, address, ledger_key FROM exchange_directory_node WHERE id = $1`, id).Scan)
}

func (t tx) insertKey(ctx context.Context, member string, k Key) error {
	return t.exec(ctx, `INSERT INTO exchange_directory_key (id, member, public, from_at, until_at, revoked_at) VALUES ($1, $2, $3, $4, 0, 0)
		ON CONFLICT (id) DO NOTHING`, k.ID, member, k.Public, db.Micros(k.From))
}

type ownedKey struct {
	Key
	member string
}

func readKey(scan db.Scan) (k ownedKey, err error) {
	var from, until, revoked int64
	err = scan(&k.ID, &k.member, &k.Public, &from, &until, &revoked)
	k.From, k.Until, k.RevokedAt = db.FromMicros(from), db.FromMicros(until), db.FromMicros(revoked)
	return k, err
}

const keyColumns = `SELECT id, member, public, from_at, until_at, revoked_at FROM exchange_directory_key`

// key gives a key and its member, "" when there is none.
func (t tx) key(ctx context.Context, id string) (string, Key, error) {
	k, err := readKey(t.q.QueryRowContext(ctx, keyColumns+` WHERE id = $1`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return "", Key{}, nil
	}
	return k.member, k.Key, err
}

// endOtherKeys sets an end to the keys of a member that have none.
func (t tx) endOtherKeys(ctx context.Context, member, but string, at time.Time) error {
	return t.exec(ctx, `UPDATE exchange_directory_key SET until_at = $3 WHERE member = $1 AND id <> $2 AND until_at = 0`, member, but, db.Micros(at))
}

func (t tx) revokeKeys(ctx context.Context, member string, at time.Time) error {
	return t.exec(ctx, `UPDATE exchange_directory_key SET revoked_at = $2
		WHERE member = $1 AND revoked_at = 0 AND (until_at = 0 OR until_at > $2)`, member, db.Micros(at))
}

// keysFrom counts the keys that are announced and not yet used.
func (t tx) keysFrom(ctx context.Context, member string, now time.Time) (int, error) {
	return t.count(ctx, `SELECT count(*) FROM exchange_directory_key WHERE member = $1 AND from_at > $2 AND revoked_at = 0`, member, db.Micros(now))
}

// issued is a certificate with what only the registry needs to know.
type issued struct {
	Certificate
	node, key, pem string
}

const certificateColumns = `SELECT fingerprint, node, serial, public_hash, pem, from_at, until_at, revoked_at FROM exchange_directory_certificate`

func readCertificate(scan db.Scan) (c issued, err error) {
	var from, until, revoked int64
	err = scan(&c.Fingerprint, &c.node, &c.Serial, &c.key, &c.pem, &from, &until, &revoked)
	c.From, c.Until, c.RevokedAt = db.FromMicros(from), db.FromMicros(until), db.FromMicros(revoked)
	return c, err
}

func (t tx) insertCertificate(ctx context.Context, c issued) error {
	return t.exec(ctx, `INSERT INTO exchange_directory_certificate (fingerprint, node, serial, public_hash, pem, from_at, until_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (fingerprint) DO NOTHING`,
		c.Fingerprint, c.node, c.Serial, c.key, c.pem, db.Micros(c.From), db.Micros(c.Until))
}

// certificateBy finds a certificate by its key; without one its pem is empty.
func (t tx) certificateBy(ctx context.Context, publicHash string) (issued, error) {
	c, err := readCertificate(t.q.QueryRowContext(ctx, certificateColumns+` WHERE public_hash = $1`, publicHash).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return issued{}, nil
	}
	return c, err
}

func (t tx) certificateOf(ctx context.Context, a Application) (string, error) {
	csr, err := parseCSR(a.CSR, a.Hosts())
	if err != nil {
		return "", err
	}
	c, err := t.certificateBy(ctx, publicHash(csr))
	return c.pem, err
}

// supersede says from when a node's next certificate is used: when all know it,
// or at once when no other one holds. Those that hold end as long again after.
func (t tx) supersede(ctx context.Context, node string, now time.Time, lifetime time.Duration) (time.Time, error) {
	n, err := t.count(ctx, `SELECT count(*) FROM exchange_directory_certificate
		WHERE node = $1 AND revoked_at = 0 AND from_at <= $2 AND until_at > $2`, node, db.Micros(now))
	if err != nil || n == 0 {
		return now, err
	}
	return now.Add(lifetime), t.exec(ctx, `UPDATE exchange_directory_certificate SET until_at = $2
		WHERE node = $1 AND revoked_at = 0 AND until_at > $2`, node, db.Micros(now.Add(2*lifetime)))
}

// certificatesFrom counts a node's certificates that are announced and not yet used.
func (t tx) certificatesFrom(ctx context.Context, node string, now time.Time) (int, error) {
	return t.count(ctx, `SELECT count(*) FROM exchange_directory_certificate WHERE node = $1 AND from_at > $2 AND revoked_at = 0`, node, db.Micros(now))
}

// serials are those of a node's certificates that are to be revoked.
func (t tx) serials(ctx context.Context, node string) ([]string, error) {
	return db.Rows(ctx, t.q, db.Value[string], `SELECT serial FROM exchange_directory_certificate WHERE node = $1 AND revoked_at = 0 ORDER BY serial`, node)
}

func (t tx) revokeAll(ctx context.Context, m Member, at time.Time) error {
	if err := t.revokeKeys(ctx, m.ID(), at); err != nil {
		return err
	}
	return t.exec(ctx, `UPDATE exchange_directory_certificate SET revoked_at = $2 WHERE node = $1 AND revoked_at = 0`, m.Node, db.Micros(at))
}

// forgetAfter is how long a certificate that has ended is still named.
const forgetAfter = 30 * 24 * time.Hour

// compose puts the document together, in an order that depends on its content
// alone. Nodes that serve nobody any more are left out; keys never are.
func (t tx) compose(ctx context.Context, now time.Time) (d Document, err error) {
	keys, err := db.Rows(ctx, t.q, readKey, keyColumns+` ORDER BY from_at, id`)
	if err != nil {
		return d, err
	}
	of := map[string][]Key{}
	for _, k := range keys {
		of[k.member] = append(of[k.member], k.Key)
	}
	members, err := db.Rows(ctx, t.q, readMember, memberColumns+` ORDER BY id`)
	if err != nil {
		return d, err
	}
	serving := map[string]bool{}
	for _, m := range members {
		m.Keys = of[m.ID()]
		d.Members = append(d.Members, m.Member)
		serving[m.Node] = true
	}
	certificates, err := db.Rows(ctx, t.q, readCertificate, certificateColumns+` WHERE until_at > $1 ORDER BY from_at, fingerprint`, db.Micros(now.Add(-forgetAfter)))
	if err != nil {
		return d, err
	}
	held := map[string][]Certificate{}
	for _, c := range certificates {
		held[c.node] = append(held[c.node], c.Certificate)
	}
	nodes, err := db.Rows(ctx, t.q, readNode, `SELECT id, address, ledger_key FROM exchange_directory_node ORDER BY id`)
	for _, n := range nodes {
		if serving[n.ID] {
			n.Certificates = held[n.ID]
			d.Nodes = append(d.Nodes, n)
		}
	}
	return d, err
}
