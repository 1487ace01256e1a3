package pubsub

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// typeOf finds the type of event behind a service's identifier.
func (p *Pubsub) typeOf(ctx context.Context, service string) (EventType, bool) {
	s, err := exchange.ParseService(service)
	if err != nil {
		return EventType{}, false
	}
	name, ok := strings.CutPrefix(s.Service, "events.")
	if !ok {
		return EventType{}, false
	}
	t, found, err := p.store.eventType(ctx, s.SubsystemID.String(), name)
	return t, found && err == nil
}

// ServiceTitle is what the events behind a service's identifier are called; false
// when there are none or they have no title.
func (p *Pubsub) ServiceTitle(ctx context.Context, service string) (i18n.Text, bool) {
	t, ok := p.typeOf(ctx, service)
	return t.Title, ok && !t.Title.IsZero()
}

// FieldLabel is the title that the schema gives a field of such events.
func (p *Pubsub) FieldLabel(ctx context.Context, service, field string) (i18n.Text, bool) {
	t, ok := p.typeOf(ctx, service)
	if !ok {
		return i18n.Text{}, false
	}
	type node struct {
		Title      string                     `json:"title"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var at node
	raw := t.Schema
	for name := range strings.SplitSeq(field, ".") {
		at = node{}
		if json.Unmarshal(raw, &at) != nil {
			return i18n.Text{}, false
		}
		raw = at.Properties[name]
	}
	at = node{}
	if json.Unmarshal(raw, &at) != nil || at.Title == "" {
		return i18n.Text{}, false
	}
	return i18n.Text{VI: at.Title, EN: at.Title}, true
}
