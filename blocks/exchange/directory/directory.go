package directory

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations holds the tables of the directory, for db.Migrate under the name
// "exchange_directory".
func Migrations() fs.FS { return migrations }

// Messages holds the texts of the directory in every language.
func Messages() fs.FS { return messages }

// Deps is what a directory stands on. Log may be nil.
type Deps struct {
	DB    Database
	Clock clock.Clock
	Log   *slog.Logger
	Trust Trust
	// Source is the central node's address, "https://directory.example.vn"; empty
	// when this house is the source, whose Registry fills the same tables.
	Source string
	// HardLimit is how long after its expiry a directory still answers; 0 is for
	// ever. Until then an expired directory only raises an alarm: better a member
	// list of yesterday than no exchange.
	HardLimit time.Duration
}

// Directory answers who is who on the exchange from the newest version that it
// knows. Reading takes no lock. All methods are safe for concurrent use.
type Directory struct {
	db     Database
	clock  clock.Clock
	log    *slog.Logger
	trust  Trust
	source *source
	hard   time.Duration

	nothing   *snapshot // what is answered before the first version and past the hard limit
	accepting sync.Mutex
	now       atomic.Pointer[snapshot]
	floor     atomic.Int64  // the newest version ever seen here, also when it cannot be read any more
	failures  atomic.Int64  // fetches that failed, in all
	missed    chan struct{} // somebody asked for what is not there: perhaps it is new
	pause     time.Duration // between two refreshes at the least
}

// snapshot is one version, indexed and never changed.
type snapshot struct {
	doc     Document
	signed  []byte
	etag    string
	pool    *x509.CertPool
	nodes   map[string]Node
	serves  map[string]string // subsystem → id of its node
	members map[string]Member
	keys    map[string]held
	prints  map[string]holder // fingerprint → node
}

type held struct {
	member string
	public ed25519.PublicKey
	key    Key
}

type holder struct {
	node        string
	certificate Certificate
}

// New gives a directory over tables that exist already, with the newest version
// that was kept in them: a start needs no source.
func New(ctx context.Context, d Deps) (*Directory, error) {
	if d.DB == nil || d.Clock == nil {
		return nil, errors.New("directory: Deps needs DB and Clock")
	}
	if _, err := d.Trust.verifiers(); err != nil {
		return nil, err
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	dir := &Directory{db: d.DB, clock: d.Clock, log: d.Log, trust: d.Trust, hard: d.HardLimit, missed: make(chan struct{}, 1), pause: refreshPause}
	dir.nothing = index(Document{}, nil)
	dir.now.Store(dir.nothing)
	if d.Source != "" {
		var err error
		if dir.source, err = newSource(d.Source); err != nil {
			return nil, err
		}
	}
	return dir, dir.reload(ctx)
}

// reload takes over what this or another process of the node kept.
func (d *Directory) reload(ctx context.Context) error {
	version, signed, err := newest(ctx, d.db, d.now.Load().doc.Version)
	if err != nil || signed == "" {
		return err
	}
	d.raise(version)
	doc, err := Open([]byte(signed), d.trust, 0)
	if err != nil {
		// Other keys are pinned now, or the table was meddled with. The source will
		// say anew; what was seen still forbids going back.
		d.log.ErrorContext(ctx, "the kept member directory cannot be trusted", slog.Int64("version", version), slog.Any("err", err))
		return nil
	}
	d.publish(doc, []byte(signed))
	return nil
}

// look takes over what another process of the source published, such as a command
// by which a registrar decided.
func (d *Directory) look(ctx context.Context) {
	if err := d.reload(ctx); err != nil {
		d.log.WarnContext(ctx, "what is newest in the member directory could not be read", slog.Any("err", err))
	}
}

func (d *Directory) raise(version int64) {
	for {
		was := d.floor.Load()
		if version <= was || d.floor.CompareAndSwap(was, version) {
			return
		}
	}
}

// Accept verifies a signed directory, keeps it and reads from it from now on. A
// version that is known already changes nothing; see Open for the refusals, and
// errs.Conflict "directory.two_faces" when the source signed two different
// documents under one version.
func (d *Directory) Accept(ctx context.Context, signed []byte) error {
	d.accepting.Lock()
	defer d.accepting.Unlock()
	doc, err := Open(signed, d.trust, d.floor.Load())
	if err != nil {
		return err
	}
	now := d.now.Load()
	if doc.Version == now.doc.Version {
		if textOf(signed) != textOf(now.signed) {
			return errs.New(errs.Conflict, "directory.two_faces", "version", doc.Version)
		}
		return nil
	}
	if err := keep(ctx, d.db, doc.Version, string(signed), d.clock.Now()); err != nil {
		return err
	}
	d.raise(doc.Version)
	d.publish(doc, signed)
	return nil
}

// textOf is what was signed, without the signatures.
func textOf(signed []byte) string {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	return text
}

func (d *Directory) publish(doc Document, signed []byte) {
	s := index(doc, signed)
	for {
		was := d.now.Load()
		if s.doc.Version <= was.doc.Version || d.now.CompareAndSwap(was, s) {
			return
		}
	}
}

// index prepares a document that was checked for reading.
func index(doc Document, signed []byte) *snapshot {
	s := &snapshot{
		doc: doc, signed: signed, pool: x509.NewCertPool(), nodes: map[string]Node{}, serves: map[string]string{},
		members: map[string]Member{}, keys: map[string]held{}, prints: map[string]holder{},
	}
	sum := sha256.Sum256(signed)
	s.etag = fmt.Sprintf(`"%d-%s"`, doc.Version, hex.EncodeToString(sum[:8]))
	for _, a := range doc.Authorities {
		if c, err := parseAuthority(a); err == nil {
			s.pool.AddCert(c)
		}
	}
	for _, n := range doc.Nodes {
		s.nodes[n.ID] = n
		for _, c := range n.Certificates {
			s.prints[c.Fingerprint] = holder{n.ID, c}
		}
	}
	for _, m := range doc.Members {
		s.members[m.ID()] = m
		for _, sub := range m.Subsystems {
			if m.Node != "" {
				s.serves[doc.Instance+"/"+m.ID()+"/"+sub.Code] = m.Node
			}
		}
		for _, k := range m.Keys {
			if public, err := parsePublic(k.Public); err == nil {
				s.keys[k.ID] = held{m.ID(), public, k}
			}
		}
	}
	return s
}

// current is the version to answer from: the newest, or nothing when it is past
// the hard limit.
func (d *Directory) current() *snapshot {
	s := d.now.Load()
	if d.stopped(s) {
		return d.nothing
	}
	return s
}

func (d *Directory) stopped(s *snapshot) bool {
	return d.hard > 0 && s.doc.Version > 0 && d.clock.Now().After(s.doc.Expires.Add(d.hard))
}

// NodeOf finds the node that serves a subsystem, written as the exchange does:
// "VN/GOV/MPS/population".
func (d *Directory) NodeOf(subsystem string) (Node, bool) {
	s := d.current()
	n, ok := s.nodes[s.serves[subsystem]]
	if !ok {
		d.miss()
	}
	return n, ok
}

// Node finds a node by its id.
func (d *Directory) Node(id string) (Node, bool) {
	n, ok := d.current().nodes[id]
	return n, ok
}

// Nodes lists the nodes. The slice must not be changed.
func (d *Directory) Nodes() []Node { return d.current().doc.Nodes }

// NodeBy finds the node that holds a certificate. It says no when the directory
// does not name the certificate, or names it as past or revoked now. That the
// other side has the key is for TLS to show.
func (d *Directory) NodeBy(c *x509.Certificate) (Node, bool) {
	s := d.current()
	h, ok := s.prints[Fingerprint(c)]
	if !ok || !h.certificate.ValidAt(d.clock.Now()) {
		d.miss()
		return Node{}, false
	}
	n, ok := s.nodes[h.node]
	return n, ok
}

// Fingerprint names a certificate as the directory does.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Key finds a signing key by the id that messages cite: whose it is, and whether
// a signature that was made at that instant counts. public is nil when nobody has
// such a key.
func (d *Directory) Key(keyID string, at time.Time) (member string, public ed25519.PublicKey, valid bool) {
	h, ok := d.current().keys[keyID]
	if !ok {
		d.miss()
		return "", nil, false
	}
	return h.member, h.public, h.key.ValidAt(at)
}

// Member finds a member by "GOV/MPS", also one that is suspended or removed.
func (d *Directory) Member(id string) (Member, bool) {
	m, ok := d.current().members[id]
	return m, ok
}

// Members lists the members, also those that are suspended or removed. The slice
// must not be changed.
func (d *Directory) Members() []Member { return d.current().doc.Members }

// Authorities are the roots that nodes' certificates must lead to. Without a
// directory the pool is empty: it trusts nobody. It must not be changed.
func (d *Directory) Authorities() *x509.CertPool { return d.current().pool }

// Version is that of the newest directory known here; 0 before the first.
func (d *Directory) Version() int64 { return d.now.Load().doc.Version }

// Untrusted says whether a newer version is kept here than can be read: one that was
// signed by other keys than those that are trusted.
func (d *Directory) Untrusted() bool { return d.floor.Load() > d.Version() }

// Expired says whether a newer directory should have come by now. It is an alarm
// and no more: lookups go on until the hard limit, see Stopped.
func (d *Directory) Expired(now time.Time) bool {
	doc := &d.now.Load().doc
	return doc.Version > 0 && now.After(doc.Expires)
}

// Stopped says whether the directory is past its hard limit and answers nothing.
func (d *Directory) Stopped() bool { return d.stopped(d.now.Load()) }

// refreshPause bounds how often strangers with unknown keys make a node ask.
const refreshPause = 5 * time.Second

// miss lets Run ask the source soon: a key or certificate that is unknown here may
// have been listed a moment ago.
func (d *Directory) miss() {
	select {
	case d.missed <- struct{}{}:
	default:
	}
}

// Run keeps the directory fresh until ctx ends: it asks the source so often, more
// often when a version is good for a short time, and soon after somebody asked for
// what is not known here. What goes wrong is logged and tried again; the directory
// that is known stays in use.
func (d *Directory) Run(ctx context.Context, every time.Duration) error {
	for {
		if err := d.Refresh(ctx); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "the member directory was not renewed", slog.Any("err", err))
		}
		d.alarm(ctx)
		next := time.NewTimer(d.share(every, 4))
		if !d.wait(ctx, next.C) {
			next.Stop()
			return nil
		}
		next.Stop()
	}
}

// share is a part of the newest version's life, and at the most so much.
func (d *Directory) share(most time.Duration, part int64) time.Duration {
	if life := d.Life(); life > 0 {
		return min(most, life/time.Duration(part))
	}
	return min(most, refreshPause) // nothing is known yet
}

// Life is how long the newest version known here is good for in all; 0 before the
// first.
func (d *Directory) Life() time.Duration {
	doc := &d.now.Load().doc
	return doc.Expires.Sub(doc.Issued)
}

// wait ends at the next tick, or after the pause when something was missed; false
// when ctx has ended.
func (d *Directory) wait(ctx context.Context, tick <-chan time.Time) bool {
	pause := time.NewTimer(d.pause)
	defer pause.Stop()
	var missed chan struct{}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-pause.C:
			missed = d.missed
		case <-missed:
			return true
		case <-tick:
			return true
		}
	}
}

// Refresh asks the source once whether there is a newer version.
func (d *Directory) Refresh(ctx context.Context) error {
	if err := d.reload(ctx); err != nil || d.source == nil {
		return err
	}
	s := d.now.Load()
	signed, err := d.source.fetch(ctx, s.etag)
	if err == nil && signed != nil {
		err = d.Accept(ctx, signed)
	}
	if err != nil {
		d.failures.Add(1)
	}
	return err
}

func (d *Directory) alarm(ctx context.Context) {
	doc, now := &d.now.Load().doc, d.clock.Now()
	switch {
	case d.Stopped():
		d.log.ErrorContext(ctx, "the member directory is past its hard limit: nothing is exchanged with other nodes", slog.Time("expired", doc.Expires))
	case d.Expired(now):
		d.log.ErrorContext(ctx, "the member directory has expired and is still used; see that its source answers", slog.Time("expired", doc.Expires), slog.Int64("version", doc.Version))
	}
	for _, n := range doc.Nodes {
		if until := lastUntil(n); !until.IsZero() && until.Sub(now) < certificateAlarm {
			d.log.WarnContext(ctx, "a node's certificate ends soon", slog.String("node", n.ID), slog.Time("until", until))
		}
	}
}

// certificateAlarm is well after the renewal that nodes do by themselves.
const certificateAlarm = 14 * 24 * time.Hour

// lastUntil is when the last of a node's certificates ends or ended, the announced
// ones too; zero when it has none.
func lastUntil(n Node) (last time.Time) {
	for _, c := range n.Certificates {
		if c.RevokedAt.IsZero() && c.Until.After(last) {
			last = c.Until
		}
	}
	return last
}
