package pubsub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	maxSchema = 64 << 10
	maxEvent  = 256 << 10
	maxTypes  = 500 // of one room
	maxTitle  = 200
)

// schema is the compiled schema of a type.
type schema struct{ compiled *jsonschema.Schema }

// nowhere is where a schema may load others from: a schema stands alone, and the
// house asks no strangers and reads no files for it.
type nowhere struct{}

// Load refuses.
func (nowhere) Load(string) (any, error) { return nil, errors.New("a schema must stand alone") }

// compile reads a schema. errs.Invalid "pubsub.bad_schema".
func compile(raw json.RawMessage) (*schema, error) {
	bad := errs.New(errs.Invalid, "pubsub.bad_schema", "max", maxSchema)
	if len(raw) > maxSchema || !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil, bad
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, bad.Wrap(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.UseLoader(nowhere{})
	c.AssertFormat()
	const name = "urn:dinh:event"
	if err := c.AddResource(name, doc); err != nil {
		return nil, bad.Wrap(err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, bad.Wrap(err)
	}
	return &schema{compiled}, nil
}

// check says where an event does not fit. The error names places and not what
// stands there. errs.Invalid "pubsub.not_an_object" and "pubsub.schema_refused".
func (s *schema) check(event json.RawMessage) error {
	if !bytes.HasPrefix(bytes.TrimSpace(event), []byte("{")) {
		return errs.New(errs.Invalid, "pubsub.not_an_object")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		return errs.New(errs.Invalid, "pubsub.not_an_object").Wrap(err)
	}
	err = s.compiled.Validate(doc)
	if err == nil {
		return nil
	}
	places := []string{}
	if ve, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		places = leaves(ve, places)
	}
	return errs.New(errs.Invalid, "pubsub.schema_refused", "places", strings.Join(places, ", "))
}

// leaves lists where what is wrong stands and by which keyword: "/mother (required)".
func leaves(e *jsonschema.ValidationError, out []string) []string {
	if len(e.Causes) == 0 && len(out) < 10 {
		keyword := e.ErrorKind.KeywordPath()
		return append(out, "/"+strings.Join(e.InstanceLocation, "/")+" ("+strings.Join(keyword, "/")+")")
	}
	for _, c := range e.Causes {
		out = leaves(c, out)
	}
	return out
}

// AddType creates a type of event in a room; the caller is the room.
// errs.Invalid "pubsub.bad_name", "pubsub.bad_schema", "pubsub.bad_subject_path",
// "pubsub.title_missing";
// errs.Conflict "pubsub.type_exists", "pubsub.too_many_types".
func (p *Pubsub) AddType(ctx context.Context, room exchange.SubsystemID, t EventType) error {
	if !namePattern.MatchString(t.EventType) {
		return errs.New(errs.Invalid, "pubsub.bad_name")
	}
	if _, err := parseSubjectPath(t.Subject); err != nil {
		return err
	}
	if t.Subject != "" && (t.Title.VI == "" || t.Title.EN == "") || len(t.Title.VI)+len(t.Title.EN) > 2*maxTitle {
		return errs.New(errs.Invalid, "pubsub.title_missing", "max", maxTitle)
	}
	if _, err := compile(t.Schema); err != nil {
		return err
	}
	return p.store.addType(ctx, room.String(), t, p.clock.Now())
}

// Types lists the types of a room that the caller may know of: its own, and those
// it has a grant on.
func (p *Pubsub) Types(ctx context.Context, client, room exchange.SubsystemID) ([]string, error) {
	all, err := p.store.types(ctx, room.String())
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, name := range all {
		if may, err := p.mayKnow(ctx, client, room, name); err != nil {
			return nil, err
		} else if may {
			out = append(out, name)
		}
	}
	return out, nil
}

func (p *Pubsub) mayKnow(ctx context.Context, client, room exchange.SubsystemID, name string) (bool, error) {
	if client == room {
		return true, nil
	}
	return p.exchange.Granted(ctx, client, Service(room, name))
}

// Type describes a type that the caller may know of; found is false for others,
// as if they were not there.
func (p *Pubsub) Type(ctx context.Context, client, room exchange.SubsystemID, name string) (t EventType, found bool, err error) {
	if t, found, err = p.store.eventType(ctx, room.String(), name); err != nil || !found {
		return EventType{}, false, err
	}
	if found, err = p.mayKnow(ctx, client, room, name); err != nil || !found {
		return EventType{}, false, err
	}
	return t, true, nil
}

// RemoveType ends a type with its events and subscriptions; the caller is the
// room. errs.NotFound "pubsub.no_type".
func (p *Pubsub) RemoveType(ctx context.Context, room exchange.SubsystemID, name string) error {
	return p.store.removeType(ctx, room.String(), name)
}
