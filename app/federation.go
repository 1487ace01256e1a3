package app

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/link"
)

// Federation joins a node to the others of its instance.
type Federation struct {
	Node    string   // its id in the directory: "GOV/MPS/node1"
	Central string   // address of the directory's source, https://…; empty: this house is the source
	Trust   []string // verifier keys of the directory
	Address string   // host:port of this node's link, for the directory of a source; empty: the origin's
	// HardLimit is how long after its expiry the directory is still used; 0: for ever.
	HardLimit time.Duration
	// Certificate and Key are PEM files with which the node shows itself to
	// others; they are read again for every connection. Empty: the certificate of
	// the membership that dinh member request asked for.
	Certificate, Key string
}

// nodes is the directory as the exchange asks it.
type nodes struct{ *directory.Directory }

// NodeOf gives the node that serves a subsystem; several addresses are written
// with commas between.
func (n nodes) NodeOf(s exchange.SubsystemID) (exchange.Node, bool) {
	found, ok := n.Directory.NodeOf(s.String())
	if !ok {
		return exchange.Node{}, false
	}
	return exchange.Node{ID: found.ID, Addresses: strings.Split(found.Address, ",")}, true
}

// Key gives a member's signing key.
func (n nodes) Key(keyID string, at time.Time) (exchange.MemberID, ed25519.PublicKey, bool) {
	member, public, valid := n.Directory.Key(keyID, at)
	class, code, _ := strings.Cut(member, "/")
	return exchange.MemberID{Class: class, Code: code}, public, valid
}

// NodeBy gives the id of the node that a certificate is for.
func (n nodes) NodeBy(c *x509.Certificate) (string, bool) {
	found, ok := n.Directory.NodeBy(c)
	return found.ID, ok
}

// Members lists those of the directory that take part today.
func (n nodes) Members() []exchange.Member {
	var out []exchange.Member
	for _, m := range n.Directory.Members() {
		if m.Status == "" {
			out = append(out, memberOf(m))
		}
	}
	return out
}

func memberOf(m directory.Member) exchange.Member {
	own := exchange.Member{Class: m.Class, Code: m.Code, Name: m.Name}
	for _, s := range m.Subsystems {
		own.Subsystems = append(own.Subsystems, exchange.Subsystem{Code: s.Code, Name: s.Name})
	}
	return own
}

// openFederation opens the directory and the way to other nodes.
func (a *App) openFederation(ctx context.Context) (err error) {
	f := a.Config.Federation
	if f == nil {
		return nil
	}
	if a.Directory, err = a.openListing(ctx); err != nil {
		return err
	}
	if f.Certificate != "" {
		if _, err := f.certificate(); err != nil {
			return err
		}
	}
	if f.Central != "" && a.Directory.Version() == 0 {
		first, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err := a.Directory.Refresh(first); err != nil {
			a.Config.Log.WarnContext(ctx, "the member directory could not be had yet; it is asked for again and again", "error", err)
		}
		cancel()
	}
	a.listing = a.Directory
	a.links = &link.Dialer{TLS: a.linkTLS, Age: func() time.Duration {
		return min(time.Hour, a.Directory.Life()/8) // the old certificate counts half a life longer than it is shown
	}}
	if f.Central == "" {
		a.revocations = a.Keys // the authority itself knows at once, and asks before every message
		a.links.Check = a.checkPeer
		return nil
	}
	a.revocations = keys.NewOCSPSource(keys.Source{
		Clock: a.Config.Clock, Grace: revocationGrace, Fresh: revocationFresh, Unnamed: true, // what stands in the directory no longer is refused anyway
		Alarm: func(err error) {
			a.Config.Log.Error("whether a node's certificate is revoked could not be asked", "error", err)
		},
	})
	return nil
}

func (f *Federation) certificate() (tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("the node's certificate: %w; name its files with --node-cert and --node-key", err)
	}
	return c, nil
}

// linkTLS is how this node shows itself and checks another: by its certificate,
// which must come from an authority of the directory and stand in it for that
// node. Names in the certificate decide nothing. An empty node is any.
func (a *App) linkTLS(node string) *tls.Config {
	own := func() (*tls.Certificate, error) {
		c, err := a.nodeCertificate(a.life)
		return &c, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert,
		InsecureSkipVerify:   true, //nolint:gosec // VerifyConnection checks more than the default does
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own() },
		VerifyConnection: func(s tls.ConnectionState) error {
			return a.checkNode(s, node)
		},
	}
}

// revocationGrace is how long nodes go on talking while nobody can be asked
// about their certificates.
const revocationGrace = 4 * time.Hour

// revocationFresh is how old the word about a certificate of an open link may be.
const revocationFresh = 15 * time.Second

func (a *App) checkNode(s tls.ConnectionState, node string) error {
	check := keys.PeerCheck{Roots: a.Directory.Authorities(), Revocations: a.revocations, Clock: a.Config.Clock, Usage: x509.ExtKeyUsageAny}
	if err := check.VerifyConnection(s); err != nil {
		return err
	}
	shown := s.PeerCertificates[0]
	found, ok := a.Directory.NodeBy(shown)
	if !ok || node != "" && found.ID != node {
		return fmt.Errorf("the certificate %s does not stand in the directory for that node", directory.Fingerprint(shown))
	}
	return nil
}

// checkPeer asks the authority, which is here, about a node that came past checkNode.
func (a *App) checkPeer(ctx context.Context, p link.Peer) error {
	return a.Keys.Check(ctx, p.Certificate, a.Keys.CA())
}

// ServeLink answers other nodes on l until ctx ends.
func (a *App) ServeLink(ctx context.Context, l net.Listener) error {
	s := &link.Server{TLS: func() *tls.Config { return a.linkTLS("") }, Handler: a.Exchange.Handle, Log: a.Config.Log}
	if a.revocations == keys.Revocations(a.Keys) {
		s.Check = a.checkPeer
	}
	return s.Serve(ctx, l)
}

// meetOthers fetches the first directory before anybody is let in, so that a new
// node's own systems are known from its first second. One that kept a directory
// waits for nobody.
func (a *App) meetOthers(ctx context.Context) {
	if a.Directory == nil || a.Directory.Version() > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := a.Directory.Refresh(ctx)
	if err == nil {
		err = a.adoptMembers(ctx)
	}
	if err != nil {
		a.Config.Log.WarnContext(ctx, "this node does not know the others yet", "error", err)
	}
}

// runFederation keeps the directory fresh, and the members that this node serves
// in step with it.
func (a *App) runFederation(ctx context.Context) error {
	if a.Directory == nil {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- a.Directory.Run(ctx, 30*time.Second) }()
	tick := time.NewTicker(200 * time.Millisecond) // a look at memory
	defer tick.Stop()
	var known int64
	letIn := a.letIn(ctx)
	for {
		if was := letIn; !was {
			if letIn = a.letIn(ctx); letIn { // it stands in the directory now
				a.askDirectory(ctx)
			}
		}
		if v := a.Directory.Version(); v != known {
			if err := a.adoptMembers(ctx); err != nil {
				a.Config.Log.ErrorContext(ctx, "the members of the directory could not be taken over", "error", err)
			} else {
				known = v
			}
		}
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
	}
}

func (a *App) letIn(ctx context.Context) bool { return a.Membership != nil && a.Membership.LetIn(ctx) }

// askDirectory asks the source at once; what goes wrong is tried again by Run.
func (a *App) askDirectory(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.Directory.Refresh(ctx); err != nil && ctx.Err() == nil {
		a.Config.Log.WarnContext(ctx, "this node was let in, and the directory that names it could not be had yet", "error", err)
	}
}

// adoptMembers makes the members known here that the directory says are served
// from this node.
func (a *App) adoptMembers(ctx context.Context) error {
	for _, m := range a.Directory.Members() {
		if m.Node != a.Config.Federation.Node || m.Status != "" {
			continue
		}
		if err := a.Exchange.AddMember(ctx, memberOf(m)); err != nil {
			return err
		}
	}
	return nil
}
