package govstack

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/clock"
)

// World says who and what GovStack's names are in this house.
type World struct {
	Client     string            `yaml:"client"`  // the system that asks, CLASS/MEMBER/SYSTEM
	Purpose    string            `yaml:"purpose"` // for which it asks
	Systems    []System          `yaml:"systems"`
	Registries map[string]string `yaml:"registries"` // name/version → CLASS/MEMBER/SYSTEM/SERVICE
	Databases  map[string]string `yaml:"databases"`  // GovStack's DatabaseID → name/version of a registry
}

// System is one of ours under the name of one of GovStack's.
type System struct {
	As       string            `yaml:"as"`       // instance/class/member/application
	Is       string            `yaml:"is"`       // CLASS/MEMBER/SYSTEM
	Services map[string]string `yaml:"services"` // GovStack's service code → ours
}

// Deps is what the suites' door stands on.
type Deps struct {
	Exchange  *exchange.Exchange
	Clock     clock.Clock
	Instance  string
	World     World
	Pseudonym func(number string) string // under which the exchange keeps a person's accesses
	Databases []byte                     // JSON: a group with its databases; nil: none
}

// GovStack answers GovStack's suites.
type GovStack struct {
	d          Deps
	client     exchange.SubsystemID
	systems    map[string]system
	registries map[string]exchange.ServiceID

	mu        sync.Mutex
	group     map[string]any
	databases map[string]map[string]any // by id
	nextID    int
}

type system struct {
	id       exchange.SubsystemID
	services map[string]string
}

// New reads the names; each error says which one is wrong.
func New(d Deps) (*GovStack, error) {
	g := &GovStack{d: d, systems: map[string]system{}, registries: map[string]exchange.ServiceID{}, databases: map[string]map[string]any{}, nextID: 1_000_000}
	var err error
	if g.client, err = exchange.ParseSubsystem(d.Instance + "/" + d.World.Client); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	for _, s := range d.World.Systems {
		id, err := exchange.ParseSubsystem(d.Instance + "/" + s.Is)
		if err != nil {
			return nil, fmt.Errorf("systems: %w", err)
		}
		g.systems[s.As] = system{id, s.Services}
	}
	for name, service := range d.World.Registries {
		if g.registries[name], err = exchange.ParseService(d.Instance + "/" + service); err != nil {
			return nil, fmt.Errorf("registries: %w", err)
		}
	}
	if d.Databases == nil {
		return g, nil
	}
	var list struct {
		Databases []map[string]any `json:"databases"`
	}
	if err := json.Unmarshal(d.Databases, &g.group); err != nil {
		return nil, fmt.Errorf("databases: %w", err)
	}
	if err := json.Unmarshal(d.Databases, &list); err != nil {
		return nil, fmt.Errorf("databases: %w", err)
	}
	for _, db := range list.Databases {
		g.databases[number(db["id"])] = db
	}
	return g, nil
}

// number spells a JSON number as it stands in addresses.
func number(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}

// record is an entry of a register as its service hands it over.
type record struct {
	ID   string         `json:"id"`
	Data map[string]any `json:"data"`
}

// content is a record as GovStack sees it.
func (r record) content() map[string]any {
	out := map[string]any{}
	for k, v := range r.Data {
		if k != "state" {
			out[k] = v
		}
	}
	return out
}

// ask makes one call in the name of the client.
func (g *GovStack) ask(ctx context.Context, c exchange.Call, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.Client, c.Purpose, c.Body = g.client, g.d.World.Purpose, text
	answer, err := g.d.Exchange.Call(ctx, c)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer.Body, into)
}

// find gives the records with exactly these values.
func (g *GovStack) find(ctx context.Context, registry exchange.ServiceID, content map[string]any, limit int) ([]record, error) {
	where := map[string]string{"state": "active"}
	for k, v := range content {
		where[k] = number(v)
	}
	var found struct{ Records []record }
	call := exchange.Call{Service: registry, Method: "POST", Path: "/search", Subjects: subjects(content)}
	err := g.ask(ctx, call, map[string]any{"where": where, "limit": limit}, &found)
	return found.Records, err
}

func (g *GovStack) create(ctx context.Context, registry exchange.ServiceID, uuid string, content map[string]any) (record, error) {
	data := map[string]any{"uuid": uuid, "state": "active"}
	for k, v := range content {
		data[k] = v
	}
	var made record
	call := exchange.Call{Service: registry, Method: "POST", Path: "/records", Subjects: subjects(content)}
	err := g.ask(ctx, call, map[string]any{"data": data}, &made)
	return made, err
}

func (g *GovStack) amend(ctx context.Context, registry exchange.ServiceID, r record, change map[string]any) (record, error) {
	var made record
	call := exchange.Call{Service: registry, Method: "PATCH", Path: "/records/" + r.ID, Subjects: subjects(r.Data)}
	err := g.ask(ctx, call, map[string]any{"data": change}, &made)
	return made, err
}

// subjects are the people that a question names.
func subjects(content map[string]any) []string {
	if id, ok := content["ID"].(string); ok && id != "" {
		return []string{id}
	}
	return nil
}
