package identity

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type store struct{ db *db.DB }

type accountRow struct {
	ID, Kind, Subject, Member, Roles, Content, MailKey string
	Created                                            time.Time
}

type sessionRow struct {
	Hash, ID, Account, Acting, Device string
	Level                             auth.Level
	Demo                              bool
	Proved, Created, Seen             time.Time
}

type sampleRow struct{ ID, Subject, Label string }

func (s store) exec(ctx context.Context, query string, args ...any) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, query, args...)
		return err
	})
}

func (s store) changed(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// one reads a single row; none is the coded error.
func (s store) one(ctx context.Context, none error, dest []any, query string, args ...any) error {
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, query, args...).Scan(dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return none
	}
	return err
}

// insertAccount says whether the account was made; false means that its
// subject has one already.
func (s store) insertAccount(ctx context.Context, a accountRow) (bool, error) {
	n, err := s.changed(ctx, `INSERT INTO identity_account (id, kind, subject, member, roles, created, content, mail_key) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT (subject) DO NOTHING`, a.ID, a.Kind, a.Subject, a.Member, a.Roles, db.Micros(a.Created), a.Content, a.MailKey)
	return n == 1, err
}

// updateAccount brings everything but the account's identity up to date.
func (s store) updateAccount(ctx context.Context, a accountRow) error {
	return s.exec(ctx, `UPDATE identity_account SET member=$1, roles=$2, content=$3, mail_key=$4 WHERE id=$5`, a.Member, a.Roles, a.Content, a.MailKey, a.ID)
}

// subjectByMail gives the one officer who has this address; two who share one
// sign in by their ids.
func (s store) subjectByMail(ctx context.Context, key string) (subject string, err error) {
	var n int
	err = s.one(ctx, errs.New(errs.NotFound, "identity.no_account"), []any{&n, &subject},
		`SELECT COUNT(*), COALESCE(MIN(subject), '') FROM identity_account WHERE mail_key=$1 AND mail_key <> '' AND kind='officer'`, key)
	if err == nil && n != 1 {
		return "", errs.New(errs.NotFound, "identity.no_account")
	}
	return subject, err
}

func (s store) updateContent(ctx context.Context, id, content string) error {
	return s.exec(ctx, `UPDATE identity_account SET content=$1 WHERE id=$2`, content, id)
}

func (s store) officers(ctx context.Context) ([]accountRow, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (a accountRow, err error) {
		return a, scan(&a.ID, &a.Kind, &a.Subject, &a.Member, &a.Roles, &a.Content)
	}, `SELECT id, kind, subject, member, roles, content FROM identity_account WHERE kind='officer'`)
}

// removeWays removes all that signs in to an account.
func (s store) removeWays(ctx context.Context, account string) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		for _, table := range []string{"session", "passkey", "authenticator", "attempt", "ceremony"} {
			if _, err := q.ExecContext(ctx, `DELETE FROM identity_`+table+` WHERE account=$1`, account); err != nil {
				return err
			}
		}
		return nil
	})
}

// removeAccount removes an account with all that signs in to it.
func (s store) removeAccount(ctx context.Context, a accountRow) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if err := s.removeWays(ctx, a.ID); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `DELETE FROM identity_sample WHERE account=$1`, a.Subject); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `DELETE FROM identity_account WHERE id=$1`, a.ID)
		return err
	})
}

func (s store) account(ctx context.Context, column, value string) (a accountRow, err error) {
	var created int64
	err = s.one(ctx, errs.New(errs.NotFound, "identity.no_account"), []any{&a.ID, &a.Kind, &a.Subject, &a.Member, &a.Roles, &created, &a.Content},
		`SELECT id, kind, subject, member, roles, created, content FROM identity_account WHERE `+column+`=$1`, value)
	a.Created = db.FromMicros(created)
	return a, err
}

func (s store) putSample(ctx context.Context, id, subject, label string) error {
	return s.exec(ctx, `INSERT INTO identity_sample (id, account, label) VALUES ($1,$2,$3) ON CONFLICT (id) DO UPDATE SET account=excluded.account, label=excluded.label`, id, subject, label)
}

func (s store) sample(ctx context.Context, id string) (r sampleRow, err error) {
	err = s.one(ctx, errs.New(errs.NotFound, "identity.no_sample"), []any{&r.ID, &r.Subject, &r.Label}, `SELECT id, account, label FROM identity_sample WHERE id=$1`, id)
	return r, err
}

// samples lists the first of the demonstration's people.
func (s store) samples(ctx context.Context, limit int) ([]sampleRow, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (r sampleRow, err error) {
		err = scan(&r.ID, &r.Subject, &r.Label)
		return r, err
	}, `SELECT id, account, label FROM identity_sample WHERE id NOT LIKE 'mother-%' AND id NOT LIKE 'driver-%' ORDER BY id LIMIT $1`, limit)
}

func (s store) insertSession(ctx context.Context, r sessionRow) error {
	demo := 0
	if r.Demo {
		demo = 1
	}
	return s.exec(ctx, `INSERT INTO identity_session (hash, id, account, level, acting, demo, proved, created, seen, device) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
		r.Hash, r.ID, r.Account, r.Level.String(), r.Acting, demo, db.Micros(r.Proved), db.Micros(r.Created), db.Micros(r.Seen), r.Device)
}

const sessionColumns = `hash, id, account, level, acting, demo, proved, created, seen, device`

func scanSession(scan func(...any) error) (r sessionRow, err error) {
	var level string
	var demo int
	var proved, created, seen int64
	if err := scan(&r.Hash, &r.ID, &r.Account, &level, &r.Acting, &demo, &proved, &created, &seen, &r.Device); err != nil {
		return r, err
	}
	r.Demo, r.Proved, r.Created, r.Seen = demo == 1, db.FromMicros(proved), db.FromMicros(created), db.FromMicros(seen)
	r.Level, err = auth.ParseLevel(level)
	return r, err
}

func (s store) session(ctx context.Context, hash string) (r sessionRow, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		r, err = scanSession(q.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM identity_session WHERE hash=$1`, hash).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, errs.New(errs.Unauthenticated, "identity.session_over")
	}
	return r, err
}

// sessions lists those of an account that are still alive.
func (s store) sessions(ctx context.Context, account string, now time.Time) ([]sessionRow, error) {
	return db.List(ctx, s.db, scanSession, `SELECT `+sessionColumns+` FROM identity_session WHERE account=$1 AND seen>$2 AND created>$3 ORDER BY seen DESC LIMIT 20`,
		account, db.Micros(now.Add(-sessionIdle)), db.Micros(now.Add(-sessionLife)))
}

func (s store) seeSession(ctx context.Context, hash string, at time.Time) error {
	return s.exec(ctx, `UPDATE identity_session SET seen=$1 WHERE hash=$2`, db.Micros(at), hash)
}

func (s store) endSession(ctx context.Context, hash string) error {
	return s.exec(ctx, `DELETE FROM identity_session WHERE hash=$1`, hash)
}

func (s store) endOthers(ctx context.Context, account, keep string) error {
	return s.exec(ctx, `DELETE FROM identity_session WHERE account=$1 AND hash<>$2`, account, keep)
}

func (s store) act(ctx context.Context, hash, sealed string) error {
	return s.exec(ctx, `UPDATE identity_session SET acting=$1 WHERE hash=$2`, sealed, hash)
}

func (s store) raise(ctx context.Context, hash string, level auth.Level, proved time.Time) error {
	return s.exec(ctx, `UPDATE identity_session SET level=$1, proved=$2 WHERE hash=$3`, level.String(), db.Micros(proved), hash)
}

// rename gives a session a new token.
func (s store) rename(ctx context.Context, hash, to string) error {
	return s.exec(ctx, `UPDATE identity_session SET hash=$1 WHERE hash=$2`, to, hash)
}

type attemptRow struct {
	Hash, Account, Subject, Purpose, Code, Next string
	Data                                        string // sealed: the address that a change of e-mail is about
	Tries                                       int
	Expires                                     time.Time
}

func (s store) insertAttempt(ctx context.Context, r attemptRow) error {
	return s.exec(ctx, `INSERT INTO identity_attempt (hash, account, subject, purpose, code, tries, expires, next, data) VALUES ($1,$2,$3,$4,$5,0,$6,$7,$8)`,
		r.Hash, r.Account, r.Subject, r.Purpose, r.Code, db.Micros(r.Expires), r.Next, r.Data)
}

func (s store) attempt(ctx context.Context, hash string) (r attemptRow, err error) {
	var expires int64
	err = s.one(ctx, errs.New(errs.Invalid, "identity.code_over"), []any{&r.Hash, &r.Account, &r.Subject, &r.Purpose, &r.Code, &r.Tries, &expires, &r.Next, &r.Data},
		`SELECT hash, account, subject, purpose, code, tries, expires, next, data FROM identity_attempt WHERE hash=$1`, hash)
	r.Expires = db.FromMicros(expires)
	return r, err
}

// tried counts one more guess and says whether it was still allowed.
func (s store) tried(ctx context.Context, hash string) (bool, error) {
	n, err := s.changed(ctx, `UPDATE identity_attempt SET tries=tries+1 WHERE hash=$1 AND tries<$2`, hash, codeTries)
	return n == 1, err
}

// spend removes an attempt; only one caller can.
func (s store) spend(ctx context.Context, hash string) (bool, error) {
	n, err := s.changed(ctx, `DELETE FROM identity_attempt WHERE hash=$1`, hash)
	return n == 1, err
}

// take counts one more try of a key in the window that ends at expires.
func (s store) take(ctx context.Context, key string, expires time.Time) (n int, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `INSERT INTO identity_limit (limit_key, expires, tries) VALUES ($1,$2,1)
			ON CONFLICT (limit_key, expires) DO UPDATE SET tries=identity_limit.tries+1 RETURNING tries`, key, db.Micros(expires)).Scan(&n)
	})
	return n, err
}

// count gives the tries of a key in the windows that have not ended.
func (s store) count(ctx context.Context, key string, now time.Time) (n int, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT COALESCE(SUM(tries), 0) FROM identity_limit WHERE limit_key=$1 AND expires>$2`, key, db.Micros(now)).Scan(&n)
	})
	return n, err
}

func (s store) forgive(ctx context.Context, key string) error {
	return s.exec(ctx, `DELETE FROM identity_limit WHERE limit_key=$1`, key)
}

// sweep removes what time has ended. Sessions go by their beginning alone,
// whose index no visit has to update.
func (s store) sweep(ctx context.Context, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		for _, d := range []struct {
			query  string
			before time.Time
		}{
			{`DELETE FROM identity_attempt WHERE expires<$1`, now},
			{`DELETE FROM identity_ceremony WHERE expires<$1`, now},
			{`DELETE FROM identity_limit WHERE expires<$1`, now},
			{`DELETE FROM identity_session WHERE created<$1`, now.Add(-sessionLife)},
		} {
			if _, err := q.ExecContext(ctx, d.query, db.Micros(d.before)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s store) insertCeremony(ctx context.Context, hash, account, data string, expires time.Time) error {
	return s.exec(ctx, `INSERT INTO identity_ceremony (hash, account, expires, data) VALUES ($1,$2,$3,$4)`, hash, account, db.Micros(expires), data)
}

// takeCeremony reads and removes a ceremony: each can be finished once.
func (s store) takeCeremony(ctx context.Context, hash string) (account, data string, expires time.Time, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var at int64
		err := q.QueryRowContext(ctx, `DELETE FROM identity_ceremony WHERE hash=$1 RETURNING account, data, expires`, hash).Scan(&account, &data, &at)
		expires = db.FromMicros(at)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = errs.New(errs.Invalid, "identity.ceremony_over")
	}
	return account, data, expires, err
}

type passkeyRow struct {
	ID, Account, Name, Credential string
	Created, Used                 time.Time
}

func (s store) insertPasskey(ctx context.Context, r passkeyRow) error {
	n, err := s.changed(ctx, `INSERT INTO identity_passkey (id, account, name, created, used, credential) VALUES ($1,$2,$3,$4,0,$5) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.Account, r.Name, db.Micros(r.Created), r.Credential)
	if err == nil && n == 0 {
		err = errs.New(errs.Conflict, "identity.passkey_known")
	}
	return err
}

func (s store) passkeys(ctx context.Context, account string) ([]passkeyRow, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (r passkeyRow, err error) {
		var created, used int64
		if err := scan(&r.ID, &r.Account, &r.Name, &created, &used, &r.Credential); err != nil {
			return r, err
		}
		r.Created = db.FromMicros(created)
		if used > 0 {
			r.Used = db.FromMicros(used)
		}
		return r, nil
	}, `SELECT id, account, name, created, used, credential FROM identity_passkey WHERE account=$1 ORDER BY created`, account)
}

// usePasskey says whether the passkey was still there.
func (s store) usePasskey(ctx context.Context, id, credential string, at time.Time) (bool, error) {
	n, err := s.changed(ctx, `UPDATE identity_passkey SET credential=$1, used=$2 WHERE id=$3`, credential, db.Micros(at), id)
	return n == 1, err
}

func (s store) removePasskey(ctx context.Context, id, account string) error {
	n, err := s.changed(ctx, `DELETE FROM identity_passkey WHERE id=$1 AND account=$2`, id, account)
	if err == nil && n == 0 {
		err = errs.New(errs.NotFound, "identity.no_passkey")
	}
	return err
}

type appRow struct {
	Account, Secret string // the secret is sealed
	Confirmed       bool   // it has shown a code
	Step            int64  // of the last code that counted
	Created, Used   time.Time
}

// putApp keeps a new app; false means that the account has one already.
func (s store) putApp(ctx context.Context, r appRow) (bool, error) {
	n, err := s.changed(ctx, `INSERT INTO identity_authenticator (account, secret, confirmed, step, created, used) VALUES ($1,$2,0,0,$3,0)
		ON CONFLICT (account) DO UPDATE SET secret=excluded.secret, created=excluded.created WHERE identity_authenticator.confirmed=0`, r.Account, r.Secret, db.Micros(r.Created))
	return n == 1, err
}

func (s store) app(ctx context.Context, account string) (r appRow, err error) {
	var confirmed int
	var created, used int64
	err = s.one(ctx, errs.New(errs.NotFound, "identity.no_app"), []any{&r.Account, &r.Secret, &confirmed, &r.Step, &created, &used},
		`SELECT account, secret, confirmed, step, created, used FROM identity_authenticator WHERE account=$1`, account)
	r.Confirmed, r.Created, r.Used = confirmed == 1, db.FromMicros(created), db.FromMicros(used)
	return r, err
}

// useApp notes a code, and says whether it is later than the last one and the
// app still the same.
func (s store) useApp(ctx context.Context, account, secret string, step int64, at time.Time) (bool, error) {
	n, err := s.changed(ctx, `UPDATE identity_authenticator SET confirmed=1, step=$1, used=$2 WHERE account=$3 AND secret=$4 AND step<$1`, step, db.Micros(at), account, secret)
	return n == 1, err
}

// strong says whether an account has a passkey or an app that has shown a code.
func (s store) strong(ctx context.Context, account string) (bool, error) {
	var n int
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM identity_passkey WHERE account=$1) + (SELECT COUNT(*) FROM identity_authenticator WHERE account=$1 AND confirmed=1)`, account).Scan(&n)
	})
	return n > 0, err
}

func (s store) removeApp(ctx context.Context, account string) error {
	n, err := s.changed(ctx, `DELETE FROM identity_authenticator WHERE account=$1`, account)
	if err == nil && n == 0 {
		err = errs.New(errs.NotFound, "identity.no_app")
	}
	return err
}
