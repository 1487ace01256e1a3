package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/govstack"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/country"
)

// govstackFile is Config.GovStack: who GovStack's names are here, and what its
// suites expect to find. Paths in it begin at its own folder.
type govstackFile struct {
	govstack.World `yaml:",inline"`

	LegalBasis   string           `yaml:"legal_basis"`
	Members      []country.Member `yaml:"members"`
	RegisterDir  string           `yaml:"registers"`      // folder of register definitions
	RecordFile   string           `yaml:"records"`        // JSON: register → its records
	DatabaseFile string           `yaml:"database_group"` // JSON

	registers []*registers.Definition
	records   map[string][]map[string]any
	databases []byte
	door      *govstack.GovStack
}

func readGovStack(c Config) (f govstackFile, err error) {
	if c.GovStack == "" {
		return f, nil
	}
	if !c.Demo {
		return f, errors.New("GovStack's test suites are for demonstrations: add --demo")
	}
	text, err := os.ReadFile(c.GovStack)
	if err != nil {
		return f, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return f, fmt.Errorf("%s: %w", c.GovStack, err)
	}
	at := func(name string) string { return filepath.Join(filepath.Dir(c.GovStack), name) }
	if f.registers, err = registers.Load(os.DirFS(at(f.RegisterDir))); err != nil {
		return f, err
	}
	if f.RecordFile != "" {
		if text, err = os.ReadFile(at(f.RecordFile)); err != nil {
			return f, err
		}
		if err := json.Unmarshal(text, &f.records); err != nil {
			return f, fmt.Errorf("%s: %w", f.RecordFile, err)
		}
	}
	if f.DatabaseFile != "" {
		f.databases, err = os.ReadFile(at(f.DatabaseFile))
	}
	return f, err
}

// openGovStack lets GovStack's members in, gives their client its grants and
// fills their registers, once.
func (a *App) openGovStack(ctx context.Context) error {
	f := a.govstack
	for _, m := range f.Members {
		if err := a.addMember(ctx, m); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Registries)) {
		client, err := exchange.ParseSubsystem(a.Instance + "/" + f.Client)
		if err != nil {
			return err
		}
		service, err := exchange.ParseService(a.Instance + "/" + f.Registries[name])
		if err != nil {
			return err
		}
		_, err = a.Exchange.AddGrant(ctx, exchange.Grant{
			ID: "govstack-" + service.Service, Client: client, Service: service, Operations: []string{exchange.OpRead, exchange.OpSearch, exchange.OpCreate, exchange.OpAmend},
			Fields: []string{"*"}, Purpose: f.Purpose, LegalBasis: f.LegalBasis, GrantedBy: "govstack",
		})
		if err != nil {
			return err
		}
	}
	if len(f.Registries) > 0 {
		var err error
		a.govstack.door, err = govstack.New(govstack.Deps{
			Exchange: a.Exchange, Clock: a.Config.Clock, Instance: a.Instance, World: f.World, Pseudonym: a.Keys.Pseudonym, Databases: f.databases,
		})
		if err != nil {
			return err
		}
	}
	for register, records := range f.records {
		if n, err := a.Registers.Count(ctx, register); err != nil || n > 0 {
			return err
		}
		batch := make([]registers.Change, len(records))
		for i, data := range records {
			batch[i] = registers.Change{Register: register, Data: data, Actor: "seed", Reason: "GovStack's test data"}
		}
		if err := a.Registers.CreateMany(ctx, register, batch); err != nil {
			return err
		}
	}
	return nil
}

// ServeGovStack answers GovStack's test suites on a listener of their own until
// ctx ends; see blocks/exchange/govstack.
func (a *App) ServeGovStack(ctx context.Context, l net.Listener) error {
	if a.govstack.door == nil {
		return errors.New("app: nothing says who GovStack's names are here")
	}
	return a.serveDoor(ctx, l, a.govstack.door.Handler())
}
