package app

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/documents"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
	"github.com/dinh-gov/dinh/blocks/exchange/broker"
	"github.com/dinh-gov/dinh/blocks/exchange/catalogue"
	"github.com/dinh-gov/dinh/blocks/exchange/clients"
	"github.com/dinh-gov/dinh/blocks/exchange/deferred"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/blocks/exchange/pubsub"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/blocks/forms"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/notify"
	"github.com/dinh-gov/dinh/blocks/payments"
	"github.com/dinh-gov/dinh/blocks/portal"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/blocks/workspace"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/blob"
	"github.com/dinh-gov/dinh/kernel/calendar"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/kernel/link"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/kernel/rules"
	"github.com/dinh-gov/dinh/kernel/telemetry"
	"github.com/dinh-gov/dinh/kernel/timestamp"
	"github.com/dinh-gov/dinh/web"
)

// App is the whole house, built and joined. Its members are open to commands
// and end-to-end tests, which may look but must not rewire.
type App struct {
	Config   Config
	Instance string

	DB       *db.DB
	Keys     *keys.Keys
	Ledger   *ledger.Ledger
	VKey     string // the ledger's verifier key, for everybody
	Witness  *ledger.Witness
	Jobs     *job.Queue
	Bus      *event.Bus
	Blobs    blob.Store
	Calendar *calendar.Calendar
	Catalog  *i18n.Catalog
	Pages    *web.Renderer
	Metrics  *prometheus.Registry
	// Authority gives timestamps, also to others: POST /tsa.
	Authority *timestamp.Authority
	Mailbox   *notify.Mailbox // nil when a mail server is configured

	Directory   *directory.Directory // nil: a house for itself
	Evidence    *asic.Containers     // what proves an exchange to third parties
	Registry    *directory.Registry  // nil: another node publishes the directory
	Membership  *directory.Agent     // nil: this house is its own
	listing     *directory.Directory // what is published here; Directory when there is one
	links       *link.Dialer
	revocations keys.Revocations // of other nodes' certificates

	Registers    *registers.Registers
	Exchange     *exchange.Exchange
	Catalogue    *catalogue.Catalogue
	Broker       *broker.Broker
	Webhooks     *webhook.Webhooks
	Events       *pubsub.Pubsub
	Deferred     *deferred.Deferred
	Clients      *clients.Clients
	Identity     *identity.Identity
	Transparency *transparency.Transparency
	Payments     *payments.Payments
	Documents    *documents.Documents
	Notify       *notify.Notify
	Services     *services.Services
	Forms        *forms.Forms
	Cases        *cases.Cases
	Portal       *portal.Portal
	Workspace    *workspace.Workspace

	names    *names
	consents permissions
	govstack govstackFile
	server   *httpx.Server
	life     context.Context // ends with Close
	stop     context.CancelFunc
}

// Open builds the house: database, kernel, blocks from the ground up, then the
// country's members, grants and services. Nothing runs yet; see Run.
func Open(ctx context.Context, c Config) (*App, error) {
	return open(ctx, c, func(a *App) []step {
		return []step{
			{"database", a.openDatabase},
			{"kernel", a.openKernel},
			{"pages", a.openPages},
			{"membership", a.openMembership},
			{"federation", a.openFederation},
			{"registers", a.openRegisters},
			{"exchange", a.openExchange},
			{"events, late answers, clients", a.openBeside},
			{"mail", a.openMail},
			{"identity, money, papers, messages", a.openCommons},
			{"services", a.openServices},
			{"evidence broker", a.openBroker},
			{"country", a.openCountry},
			{"GovStack", a.openGovStack},
			{"directory", a.openRegistry},
			{"seed", a.seed},
			{"server", a.openServer},
		}
	})
}

// step is one floor of the house; its name stands before what goes wrong there.
type step struct {
	name string
	do   func(context.Context) error
}

func open(ctx context.Context, c Config, steps func(*App) []step) (*App, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	a := &App{Config: c, life: life, stop: stop}
	for _, s := range steps(a) {
		if err := s.do(ctx); err != nil {
			a.Close()
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return a, nil
}

// Close ends everything that Open began.
func (a *App) Close() {
	a.stop()
	if a.links != nil {
		a.links.Close()
	}
	if a.DB != nil {
		if err := a.DB.Close(); err != nil {
			a.Config.Log.Error("closing the database", slog.Any("err", err))
		}
	}
}

// Run works off jobs and seals the ledger until ctx ends.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := []func(context.Context) error{
		a.Jobs.Run,
		func(ctx context.Context) error { return a.Ledger.Run(ctx, time.Second) },
		func(ctx context.Context) error { return a.Ledger.RunTimestamps(ctx, time.Minute) },
	}
	if len(a.Config.Witnesses) > 0 { // without any it would end at once, and with it the rest
		work = append(work, func(ctx context.Context) error { return a.Ledger.RunWitnesses(ctx, 10*time.Second) })
	}
	if a.Directory != nil {
		work = append(work, a.runFederation)
	}
	work = append(work, a.membershipWork()...)
	done := make(chan error, len(work))
	for _, f := range work {
		go func() { done <- f(ctx) }()
	}
	var all error
	for range work {
		all = errors.Join(all, <-done)
		cancel()
	}
	return all
}

// Serve answers requests on l and does the background work until ctx ends.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := a.Config.keepOrigin(); err != nil {
		a.Config.Log.WarnContext(ctx, "commands on this data have to be given --origin: the address of the house could not be kept", "error", err)
	}
	a.meetOthers(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	err := a.server.Serve(ctx, l)
	cancel()
	return errors.Join(err, <-done)
}

// ServeXRoad answers X-Road clients on a listener of their own until ctx ends.
// There, and only there, X-Road-Request-Hash covers a request as it was sent,
// header for header, and no path is cleaned on the way.
func (a *App) ServeXRoad(ctx context.Context, l net.Listener) error {
	plain := make([]exchange.SubsystemID, len(a.Config.Plain))
	for i, s := range a.Config.Plain {
		var err error
		if plain[i], err = exchange.ParseSubsystem(s); err != nil {
			return fmt.Errorf("app: who may come without a key: %w", err)
		}
	}
	if at, ok := l.Addr().(*net.TCPAddr); ok && len(plain) > 0 && !at.IP.IsLoopback() {
		a.Config.Log.Warn("systems come without a key: make sure that nobody else reaches this address", "address", l.Addr().String(), "systems", a.Config.Plain)
	}
	return a.serveDoor(ctx, exchange.CaptureListener(l), a.Evidence.Beside(a.Exchange.R1Handler(plain...)))
}

// serveDoor answers on a listener beside the house's own until ctx ends.
func (a *App) serveDoor(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, ConnContext: exchange.CaptureContext, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(a.Config.Log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("app: serving %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.Shutdown(grace)
}

// Handler is the whole house behind one door, for tests.
func (a *App) Handler() http.Handler { return a.server.Handler() }

// Routes lists every door.
func (a *App) Routes() []httpx.Route { return a.server.Routes() }

// migrations lists every table owner, from the ground up.
func migrations() []struct {
	Name string
	FS   fs.FS
} {
	return []struct {
		Name string
		FS   fs.FS
	}{
		{"job", job.Migrations()}, {"keys", keys.Migrations()}, {"ledger", ledger.Migrations()},
		{"registers", registers.Migrations()}, {"exchange", exchange.Migrations()}, {"exchange_broker", broker.Migrations()}, {"exchange_catalogue", catalogue.Migrations()}, {"exchange_directory", directory.Migrations()},
		{"exchange_webhook", webhook.Migrations()}, {"exchange_pubsub", pubsub.Migrations()}, {"exchange_deferred", deferred.Migrations()}, {"exchange_clients", clients.Migrations()},
		{"identity", identity.Migrations()},
		{"transparency", transparency.Migrations()}, {"payments", payments.Migrations()}, {"documents", documents.Migrations()},
		{"notify", notify.Migrations()}, {"services", services.Migrations()}, {"forms", forms.Migrations()}, {"cases", cases.Migrations()},
	}
}

func (a *App) openDatabase(ctx context.Context) (err error) {
	if a.DB, err = db.Open(ctx, a.Config.Database); err != nil {
		return err
	}
	for _, m := range migrations() {
		if err := a.DB.Migrate(ctx, m.Name, m.FS); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

func openFiles(ctx context.Context, c Config, k *keys.Keys) (blob.Store, error) {
	if c.Files != nil {
		return blob.NewS3(ctx, *c.Files, k)
	}
	return blob.NewFS(filepath.Join(c.Data, "files"), k)
}

func (a *App) openKernel(ctx context.Context) (err error) {
	c := a.Config
	master, err := keys.LoadMaster(filepath.Join(c.Data, "master.key"))
	if err != nil {
		return err
	}
	if a.Instance, a.names, err = readCountry(); err != nil {
		return err
	}
	a.Instance = cmp.Or(c.Instance, a.Instance)
	if a.Keys, err = keys.Open(ctx, keys.Deps{DB: a.DB, Clock: c.Clock, Master: master, Instance: a.Instance, Address: c.Origin}); err != nil {
		return err
	}
	if a.Blobs, err = openFiles(ctx, c, a.Keys); err != nil {
		return err
	}
	if a.Calendar, err = readCalendar(); err != nil {
		return err
	}
	a.Metrics = telemetry.NewRegistry()
	a.Jobs = job.New(job.Deps{DB: a.DB, Clock: c.Clock, Log: c.Log, Workers: c.Workers, LeaseFor: 10 * time.Second})
	a.Bus = event.New(a.Jobs, c.Clock)
	return errors.Join(a.openLedger(ctx), a.openWitness(ctx))
}

func (a *App) openLedger(ctx context.Context) error {
	origin := originName(a.Config.Origin) + "/ledger"
	key, err := a.Keys.Ensure(ctx, "instance/"+a.Instance+"/ledger", keys.Sign, keys.Name{CommonName: origin})
	if err != nil {
		return err
	}
	held, err := a.Keys.CryptoSigner(ctx, key.ID)
	if err != nil {
		return err
	}
	signer, err := ledger.NewSigner(origin, held)
	if err != nil {
		return err
	}
	if a.VKey, err = verifierKey(origin, key); err != nil {
		return err
	}
	a.Authority = timestamp.NewAuthority(a.Keys, a.Config.Clock, a.Instance, keys.Name{CommonName: "Đình timestamping authority " + a.Instance})
	if a.Ledger, err = ledger.New(ledger.Deps{DB: a.DB, Clock: a.Config.Clock, Log: a.Config.Log, Origin: origin, Signer: signer, Stamper: a.stamper(), Witnesses: a.Config.Witnesses}); err != nil {
		return err
	}
	return a.Metrics.Register(a.Ledger.Figures())
}

func (a *App) openPages(context.Context) (err error) {
	a.Catalog, err = i18n.New(web.Messages(), httpx.Messages(), money.Messages(), calendar.Messages(), rules.Messages(), keys.Messages(), job.Messages(), ledger.Messages(), timestamp.Messages(), blob.Messages(),
		registers.Messages(), exchange.Messages(), asic.Messages(), broker.Messages(), catalogue.Messages(), directory.Messages(), webhook.Messages(), pubsub.Messages(), deferred.Messages(), clients.Messages(), identity.Messages(), transparency.Messages(), payments.Messages(), documents.Messages(),
		notify.Messages(), services.Messages(), forms.Messages(), cases.Messages(), portal.Messages(), workspace.Messages())
	if err != nil {
		return err
	}
	_, members, err := country.Members()
	if err != nil {
		return err
	}
	names := map[string]i18n.Text{}
	for _, m := range members {
		names[m.ID()] = m.Name
	}
	a.Pages, err = web.New(web.Config{Catalog: a.Catalog, Demo: a.Config.Demo, Product: "Đình", Members: names})
	return err
}

func (a *App) openRegisters(context.Context) error {
	defs, err := readRegisters()
	if err != nil {
		return err
	}
	if a.govstack, err = readGovStack(a.Config); err != nil {
		return err
	}
	defs = append(defs, a.govstack.registers...)
	codes, err := readCodes()
	if err != nil {
		return err
	}
	c := a.Config
	if a.Registers, err = registers.New(registers.Deps{DB: a.DB, Clock: c.Clock, Log: c.Log, Definitions: defs, Pages: a.Pages, Codes: codes.Label, ByHand: a.recordByHand}); err != nil {
		return err
	}
	return nil
}

func (a *App) openExchange(context.Context) (err error) {
	c := a.Config
	d := exchange.Deps{DB: a.DB, Clock: c.Clock, Keys: memberKeys{a.Keys, a.Membership}, Ledger: a.Ledger, Log: c.Log, Tracing: c.Tracing, Instance: a.Instance, Catalog: a.Catalog, Purposes: a.names.purposeTitles(), Consents: &a.consents}
	d.Certificate, d.Vocabulary = a.memberCertificate, c.ErrorCodes
	if a.Directory != nil {
		d.Directory, d.Carrier, d.Node = nodes{a.Directory}, a.links, c.Federation.Node
	}
	if a.Exchange, err = exchange.New(d); err != nil {
		return err
	}
	if err := a.Metrics.Register(a.Exchange.Figures()); err != nil {
		return err
	}
	a.Jobs.Handle(jobTidyMarks, func(ctx context.Context, _ job.Job) error { return a.Exchange.TidyMarks(ctx) })
	a.Jobs.Every(jobTidyMarks, 24*time.Hour)
	return errors.Join(a.openEvidence(), a.openCatalogue())
}

// openMail uses the configured server or, in a demonstration, our own mailbox.
func (a *App) openMail(context.Context) (err error) {
	if a.Config.Mail.Host != "" {
		return nil
	}
	if !a.Config.Demo {
		return errors.New("no mail server is configured; set --smtp smtp://user:password@host:587 and --mail-from address, or try things out with --demo")
	}
	if a.Mailbox, err = notify.OpenMailbox(a.life, a.Config.Clock); err != nil {
		return err
	}
	a.Config.Mail = a.Mailbox.Config()
	return nil
}

func (a *App) openCommons(context.Context) (err error) {
	c := a.Config
	citizens := registerPeople{asker: a.asker(), owner: services.Owner{Member: "GOV/MPS", Subsystem: "identity"}}
	late := &codesByMail{}
	a.Identity, err = identity.New(identity.Deps{
		Address: c.clientKey(),
		DB:      a.DB, Clock: c.Clock, Keys: a.Keys, Log: c.Log, Origin: c.Origin, Demo: c.Demo, People: citizens, Codes: late, Pages: a.Pages,
	})
	if err != nil {
		return err
	}
	a.Notify, err = notify.New(notify.Deps{
		DB: a.DB, Clock: c.Clock, Keys: a.Keys, Jobs: a.Jobs, Log: c.Log, Contacts: contacts{a.Identity}, Mail: c.Mail, Mailbox: a.Mailbox,
		Origin: c.Origin, Sender: i18n.Text{VI: "Cổng dịch vụ công Đình", EN: "Đình public services"}, Pages: a.Pages,
	})
	if err != nil {
		return err
	}
	late.notify = a.Notify
	a.Payments = payments.New(payments.Deps{DB: a.DB, Clock: c.Clock, Keys: a.Keys, Bus: a.Bus, Jobs: a.Jobs, Log: c.Log, Pages: a.Pages})
	a.Documents, err = documents.New(documents.Deps{DB: a.DB, Clock: c.Clock, Keys: a.Keys, Log: c.Log, Origin: c.Origin, Pages: a.Pages})
	if err != nil {
		return err
	}
	a.Transparency, err = transparency.New(transparency.Deps{
		DB: a.DB, Clock: c.Clock, Keys: a.Keys, Log: c.Log, Events: a.Exchange, Proofs: a.Ledger, Names: a.names, Children: childrenOf{citizens},
		VKey: a.VKey, Origin: c.Origin, Pages: a.Pages,
	})
	return err
}

func (a *App) openServices(context.Context) (err error) {
	c := a.Config
	codes, err := readCodes()
	if err != nil {
		return err
	}
	if a.Services, err = services.New(services.Deps{DB: a.DB, Clock: c.Clock, Codes: codes, Pages: a.Pages, Catalog: a.Catalog}); err != nil {
		return err
	}
	join := &formsCases{}
	a.Forms, err = forms.New(forms.Deps{
		DB: a.DB, Clock: c.Clock, Keys: a.Keys, Blobs: a.Blobs, Log: c.Log, Services: a.Services, Evidence: formsEvidence{a.asker()},
		Cases: join, People: applicants{a.Identity}, Pages: a.Pages,
	})
	if err != nil {
		return err
	}
	a.Jobs.Handle(jobTidy, func(ctx context.Context, _ job.Job) error {
		_, err := a.Forms.ExpireDrafts(ctx)
		return errors.Join(err, a.Forms.Tidy(ctx))
	})
	a.Jobs.Every(jobTidy, 24*time.Hour)
	a.Cases = cases.New(cases.Deps{
		DB: a.DB, Clock: c.Clock, Calendar: a.Calendar, Keys: a.Keys, Jobs: a.Jobs, Bus: a.Bus, Services: a.Services,
		Exchange: casesExchange{a.asker()}, Payments: casesPayments{a.Payments},
		Documents: casesDocuments{a.Documents, a.Forms, a.names}, Notify: casesNotify{a.Notify}, Log: c.Log, Opened: a.recordOpening,
	})
	join.cases = a.Cases
	a.names.application = a.serviceTitle
	a.Portal = portal.New(portal.Deps{
		Clock: c.Clock, Services: a.Services, Cases: a.Cases, Drafts: portalDrafts{a.Forms}, Bills: portalBills{a.Payments},
		Papers: portalPapers{a.Documents}, Messages: a.Notify, LifeEvents: a.names.lifeEvents(), Pages: a.Pages,
	})
	a.Workspace = workspace.New(workspace.Deps{Clock: c.Clock, Calendar: a.Calendar, Cases: a.Cases, Files: deskFiles{a.Forms}, Bills: deskBills{a.Payments}, Pages: a.Pages})
	return nil
}

// jobTidyMarks forgets what the exchange delivered long ago.
const jobTidyMarks = "exchange.tidy-marks"

// jobTidy lets old drafts go and finishes deletions of files.
const jobTidy = "forms.tidy"

func (a *App) openServer(context.Context) error {
	blocks := []httpx.Block{
		a.Pages, a.Ledger, a.Authority, a.Keys, a.Witness, a.Registers, a.Exchange, a.Catalogue, a.Broker, a.Evidence, a.Webhooks, a.Clients, a.listing, a.Identity, a.Transparency, a.Payments, a.Documents, a.Notify, a.Services, a.Forms, a.Portal, a.Workspace,
	}
	if a.Registry != nil {
		blocks = append(blocks, a.Registry)
	}
	return a.listenWith(blocks, a.authenticate)
}

func (a *App) listenWith(blocks []httpx.Block, who func(*http.Request) (auth.Principal, error)) error {
	var routes []httpx.Route
	for _, b := range blocks {
		routes = append(routes, b.Routes()...)
	}
	routes = append(routes, a.ownRoutes()...)
	c := a.Config
	a.server = httpx.NewServer(httpx.Config{
		Routes: routes, Catalog: a.Catalog, Authenticate: who, Errors: a.Pages.Error, Log: c.Log, Clock: c.Clock, Metrics: a.Metrics, Tracing: c.Tracing,
		MaxRate: c.MaxRate, ClientKey: c.clientKey(), Secure: len(c.Origin) > 8 && c.Origin[:8] == "https://",
	})
	return nil
}

// authenticate finds the caller: a system by its key, anybody else by the
// session cookie.
func (a *App) authenticate(r *http.Request) (auth.Principal, error) {
	if p, found, err := a.Exchange.AuthenticateClient(r); found || err != nil {
		return p, err
	}
	return a.Identity.Authenticate(r)
}

func (a *App) ownRoutes() []httpx.Route {
	health := httpx.Health(httpx.Check{Name: "database", Run: a.DB.Ping})
	return []httpx.Route{
		{Method: "GET", Path: "/healthz", Access: auth.Public(), Anonymous: true, Handle: health},
		{Method: "GET", Path: "/metrics", Access: auth.Operator(), Handle: httpx.Metrics(a.Metrics)},
		{Method: "GET", Path: "/ledger/verifier-key", Access: auth.Public(), Anonymous: true, Handle: func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, err := fmt.Fprintln(w, a.VKey)
			return err
		}},
		{Method: "GET", Path: "/ca.pem", Access: auth.Public(), Anonymous: true, Handle: func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "application/x-pem-file")
			return pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: a.Keys.CA().Raw})
		}},
	}
}

func (a *App) asker() asker { return asker{exchange: a.Exchange, instance: a.Instance} }
