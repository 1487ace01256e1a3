package registers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Ask is a request that reached the register through the exchange, where the
// right to make it was checked.
type Ask struct {
	Register string
	Method   string
	Path     string // /records/{id}, /records, /search
	Body     []byte
	Actor    string // the asking subsystem
	Reason   string // the purpose; a change may say more in its body
	Key      string // the message id: the same change sent twice is made once
}

// Reply is the register's answer; Subjects are the personal numbers that the
// records in it are about.
type Reply struct {
	Status   int
	Body     []byte
	Subjects []string
}

type searchBody struct {
	Where map[string]string `json:"where"`
	Limit int               `json:"limit,omitempty"`
}

type changeBody struct {
	Data      map[string]any `json:"data"`
	Reason    string         `json:"reason,omitempty"`
	ValidFrom string         `json:"valid_from,omitempty"`
	Version   int            `json:"version,omitempty"`
}

type recordsBody struct {
	Records []Record `json:"records"`
}

// Serve answers one request:
//
//	GET   /records/{id}   one record
//	POST  /search         {"where":{field:value},"limit":n} → {"records":[…]}
//	POST  /records        {"data":{…},"reason","valid_from"} → 201 and the record
//	PATCH /records/{id}   {"data":merge patch,"reason","version"} → the record
//
// Errors are those of Find, Read, Create and Amend, registers.bad_body for
// JSON that cannot be read, registers.no_such_path for anything else.
func (r *Registers) Serve(ctx context.Context, a Ask) (Reply, error) {
	def, err := r.Definition(a.Register)
	if err != nil {
		return Reply{}, err
	}
	id, one := strings.CutPrefix(a.Path, "/records/")
	one = one && id != "" && !strings.Contains(id, "/")
	switch {
	case a.Method == "GET" && one:
		rec, err := r.Read(ctx, a.Register, id)
		return reply(def, 200, err, rec)
	case a.Method == "POST" && a.Path == "/search":
		var b searchBody
		if err := decode(a.Body, &b); err != nil {
			return Reply{}, err
		}
		found, err := r.Find(ctx, a.Register, b.Where, b.Limit)
		return replyMany(def, err, found)
	case a.Method == "POST" && a.Path == "/records", a.Method == "PATCH" && one:
		return r.serveChange(ctx, def, a, id)
	}
	return Reply{}, errs.New(errs.NotFound, "registers.no_such_path", "path", a.Path)
}

func (r *Registers) serveChange(ctx context.Context, def *Definition, a Ask, id string) (Reply, error) {
	var b changeBody
	if err := decode(a.Body, &b); err != nil {
		return Reply{}, err
	}
	c := Change{Register: def.ID, ID: id, Version: b.Version, Data: b.Data, Actor: a.Actor, Reason: b.Reason, ValidFrom: b.ValidFrom, Key: a.Key}
	if c.Reason == "" {
		c.Reason = a.Reason
	}
	if a.Method == "POST" {
		rec, err := r.Create(ctx, c)
		return reply(def, 201, err, rec)
	}
	before, err := r.Read(ctx, def.ID, id)
	if err != nil {
		return Reply{}, err
	}
	rec, err := r.Amend(ctx, c)
	out, err := reply(def, 200, err, rec)
	for _, s := range def.SubjectsOf(before.Data) { // who is no longer named is told too
		if err == nil && !slices.Contains(out.Subjects, s) {
			out.Subjects = append(out.Subjects, s)
		}
	}
	return out, err
}

func reply(def *Definition, status int, err error, rec Record) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	body, err := json.Marshal(rec)
	return Reply{Status: status, Body: body, Subjects: def.SubjectsOf(rec.Data)}, err
}

func replyMany(def *Definition, err error, recs []Record) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	if recs == nil {
		recs = []Record{}
	}
	out := Reply{Status: 200}
	for _, rec := range recs {
		for _, s := range def.SubjectsOf(rec.Data) {
			if !slices.Contains(out.Subjects, s) {
				out.Subjects = append(out.Subjects, s)
			}
		}
	}
	out.Body, err = json.Marshal(recordsBody{Records: recs})
	return out, err
}

func decode(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil && dec.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		return errs.New(errs.Invalid, "registers.bad_body", "detail", err.Error())
	}
	return nil
}
