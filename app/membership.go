package app

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// publishes says whether this house is the source of the directory: it has no
// other central node. A house for itself lists its own members and its one node.
func (c *Config) publishes() bool { return c.Federation == nil || c.Federation.Central == "" }

// directoryKey is the key that signs the directory of this house.
func (a *App) directoryKey(ctx context.Context) (kid, vkey string, err error) {
	name := a.Instance + "/directory" // not of the origin, which commands on the same data may not know
	k, err := a.Keys.Ensure(ctx, "instance/"+a.Instance+"/directory", keys.Sign, keys.Name{CommonName: name})
	if err != nil {
		return "", "", err
	}
	vkey, err = verifierKey(name, k)
	return k.ID, vkey, err
}

// openListing opens the directory from which this house reads.
func (a *App) openListing(ctx context.Context) (*directory.Directory, error) {
	d := directory.Deps{DB: a.DB, Clock: a.Config.Clock, Log: a.Config.Log, Trust: directory.Trust{Instance: a.Instance}}
	if a.Config.publishes() {
		_, vkey, err := a.directoryKey(ctx)
		if err != nil {
			return nil, err
		}
		d.Trust.Keys = []string{vkey}
	} else {
		if len(a.Config.Federation.Trust) == 0 {
			return nil, fmt.Errorf("name the verifier key of the member directory with --trust (DINH_TRUST); the central node tells it at %s/directory/verifier-key", a.Config.Federation.Central)
		}
		d.Source, d.Trust.Keys, d.HardLimit = a.Config.Federation.Central, a.Config.Federation.Trust, a.Config.Federation.HardLimit
	}
	if a.Config.Command {
		d.Log = nil
	}
	dir, err := directory.New(ctx, d)
	if err != nil {
		return nil, err
	}
	return dir, a.Metrics.Register(dir.Figures())
}

// openRegistry opens the central node's side. It publishes when the house runs.
func (a *App) openRegistry(ctx context.Context) (err error) {
	if !a.Config.publishes() {
		a.listing = a.Directory
		return nil
	}
	if a.listing = a.Directory; a.listing == nil {
		if a.listing, err = a.openListing(ctx); err != nil {
			return err
		}
	}
	kid, vkey, err := a.directoryKey(ctx)
	if err != nil {
		return err
	}
	held, err := a.Keys.CryptoSigner(ctx, kid)
	if err != nil {
		return err
	}
	signer, err := ledger.NewSigner(a.Instance+"/directory", held)
	if err != nil {
		return err
	}
	operator, err := a.operatingMember()
	if err != nil {
		return err
	}
	a.Registry, err = directory.NewRegistry(directory.RegistryDeps{
		DB: a.DB, Clock: a.Config.Clock, Log: a.Config.Log, Directory: a.listing, Signer: signer, VKey: vkey, Issuer: a.issuer(), Authorities: []*x509.Certificate{a.Keys.CA()}, Own: a.ownListing, Ledger: a.Ledger,
		Operator: operator, Pseudonym: a.Keys.Pseudonym, Address: a.Config.clientKey(), Pages: a.Pages, Lifetime: a.Config.DirectoryLife,
	})
	return err
}

// operatingMember runs the central node; its registrars let members in.
func (a *App) operatingMember() (string, error) {
	if a.Config.Registrars != "" {
		return a.Config.Registrars, nil
	}
	_, members, err := country.Members()
	if err != nil || len(members) == 0 {
		return "", err
	}
	return members[0].ID(), nil
}

// ownListing is what this house brings to the directory: itself.
func (a *App) ownListing(ctx context.Context) (own directory.Own, err error) {
	operator, err := a.operatingMember()
	if err != nil {
		return own, err
	}
	own.Node = a.ownNode(operator)
	leaf, err := a.newestCertificate(ctx, own.Node)
	if err != nil {
		return own, err
	}
	own.Certificates = []*x509.Certificate{leaf}
	members, err := a.Exchange.Members(ctx)
	if err != nil {
		return own, err
	}
	for _, m := range members {
		k, err := a.Keys.Current(ctx, m.ID().String(), keys.Sign)
		if err != nil {
			return own, err
		}
		public, ok := k.Public.(ed25519.PublicKey)
		if !ok {
			return own, fmt.Errorf("the signing key of %s is a %T", m.ID(), k.Public)
		}
		listed := directory.Member{
			Class: m.Class, Code: m.Code, Name: m.Name,
			Keys: []directory.Key{{ID: k.ID, Public: base64.StdEncoding.EncodeToString(public), From: k.Created}},
		}
		for _, s := range m.Subsystems {
			listed.Subsystems = append(listed.Subsystems, directory.Subsystem{Code: s.Code, Name: s.Name})
		}
		own.Members = append(own.Members, listed)
	}
	return own, nil
}

// dialable gives the host and port of an address with its scheme.
func dialable(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// ownNode is the node of a house that publishes the directory.
func (a *App) ownNode(operator string) directory.Node {
	n := directory.Node{ID: operator + "/node1", Address: dialable(a.Config.Origin), LedgerKey: a.VKey}
	if f := a.Config.Federation; f != nil {
		n.ID = f.Node
		if f.Address != "" {
			n.Address = f.Address
		}
	}
	return n
}

// newestCertificate is the one to be listed for a node of this house: that of the
// files which were named, or of a key here, which is renewed in time.
func (a *App) newestCertificate(ctx context.Context, n directory.Node) (*x509.Certificate, error) {
	if f := a.Config.Federation; f != nil && f.Certificate != "" {
		c, err := f.certificate()
		return c.Leaf, err
	}
	k, err := a.nodeKey(ctx, n)
	return k.Certificate, err
}

func (a *App) nodeKey(ctx context.Context, n directory.Node) (keys.Key, error) {
	return a.Keys.Ensure(ctx, n.ID, keys.TLS, keys.Name{CommonName: n.ID, Organization: a.Instance, Hosts: n.Hosts()})
}

// nodeCertificate is what this node shows on its links: the files that were named,
// what its membership gave it, or at the source one of its own authority.
func (a *App) nodeCertificate(ctx context.Context) (tls.Certificate, error) {
	if f := a.Config.Federation; f != nil && f.Certificate != "" {
		return f.certificate()
	}
	if a.Membership != nil {
		return a.Membership.Certificate(ctx)
	}
	operator, err := a.operatingMember()
	if err != nil {
		return tls.Certificate{}, err
	}
	n := a.ownNode(operator)
	k, err := a.nodeKey(ctx, n)
	if err != nil {
		return tls.Certificate{}, err
	}
	kid, err := a.knownKey(ctx, n.ID, k)
	if err != nil {
		return tls.Certificate{}, err
	}
	return a.Keys.TLSCertificate(ctx, kid)
}

// showOldUntil is how long before its end a certificate makes way for the next,
// which others have known for weeks by then.
const showOldUntil = 7 * 24 * time.Hour

// knownKey is the key of the certificate that others have known longest: the
// newest is listed a moment ago, and not everybody has heard of it.
func (a *App) knownKey(ctx context.Context, node string, newest keys.Key) (string, error) {
	listed, _ := a.listing.Node(node)
	now := a.Config.Clock.Now()
	for _, c := range listed.Certificates {
		if c.Serial == newest.Certificate.SerialNumber.Text(16) {
			break // in order of their beginning: none is older
		}
		if !c.ValidAt(now) || c.Until.Before(now.Add(showOldUntil)) {
			continue
		}
		issued, err := a.Keys.Issued(ctx)
		if err != nil {
			return "", err
		}
		if i := slices.IndexFunc(issued, func(k keys.Certificate) bool { return k.Serial == c.Serial }); i >= 0 {
			return issued[i].KeyID, nil
		}
	}
	return newest.ID, nil
}

// openMembership opens the agent that looks after this node's own membership.
func (a *App) openMembership(context.Context) (err error) {
	f := a.Config.Federation
	if f == nil || f.Central == "" {
		return nil
	}
	a.Membership, err = directory.NewAgent(directory.AgentDeps{DB: a.DB, Clock: a.Config.Clock, Log: a.Config.Log, Keys: a.Keys, Instance: a.Instance, Central: f.Central})
	return err
}

// OpenMembership opens no more of a house than it takes to ask for membership at
// a central node, in Config.Federation, and to look after it. Close the App.
func OpenMembership(ctx context.Context, c Config) (*App, error) {
	return open(ctx, c, func(a *App) []step {
		return []step{{"database", a.openDatabase}, {"kernel", a.openKernel}, {"pages", a.openPages}, {"membership", a.openMembership}}
	})
}

// memberKeys is the keystore as the exchange signs with it: a member that changes
// keys goes on with the old one until everybody knows the new one.
type memberKeys struct {
	*keys.Keys
	agent *directory.Agent
}

// Current is the key that a member signs with now.
func (m memberKeys) Current(ctx context.Context, owner string, use keys.Use) (keys.Key, error) {
	if m.agent == nil {
		return m.Keys.Current(ctx, owner, use)
	}
	return m.agent.Current(ctx, owner, use)
}

// Key finds a key by its id.
func (m memberKeys) Key(ctx context.Context, kid string) (keys.Key, error) {
	if m.agent == nil {
		return m.Keys.Key(ctx, kid)
	}
	return m.agent.Key(ctx, kid)
}

// membershipWork is what has to go on while the house is open.
func (a *App) membershipWork() (work []func(context.Context) error) {
	if a.Registry != nil {
		work = append(work, func(ctx context.Context) error { return a.Registry.Run(ctx, 10*time.Second) })
	}
	if a.Membership != nil {
		work = append(work, func(ctx context.Context) error { return a.Membership.Run(ctx, 15*time.Second) })
	}
	return work
}

// Registrar is an officer of this house who may decide about membership, for a
// command that is given at the machine. errs.Forbidden "directory.no_registrar".
func (a *App) Registrar(ctx context.Context, officer string) (auth.Principal, error) {
	all, err := a.Identity.Officers(ctx)
	if err != nil {
		return auth.Principal{}, err
	}
	i := slices.IndexFunc(all, func(o identity.Officer) bool { return o.ID == officer })
	if i < 0 {
		return auth.Principal{}, errs.New(errs.Forbidden, "directory.no_registrar")
	}
	o := all[i]
	return auth.Principal{Officer: o.ID, Name: o.Name, Number: o.Number, Member: o.Member, Roles: o.Roles, Level: auth.Substantial}, nil
}

// Listing is the member directory that this house publishes or follows; nil in a
// gateway without other nodes.
func (a *App) Listing() *directory.Directory { return a.listing }
