package registers

import (
	"encoding/json"
	"fmt"
	"strings"
)

// OpenAPI describes the register's service on the exchange as an OpenAPI 3.1
// document in JSON: what Serve answers, with the register's own schema and
// made-up examples.
func (d *Definition) OpenAPI() ([]byte, error) {
	schemas := map[string]any{"Data": moved(without(d.Schema, "$defs"))}
	if defs, ok := d.Schema["$defs"].(map[string]any); ok {
		for name, def := range defs {
			schemas["def-"+name] = moved(def)
		}
	}
	text, date := map[string]any{"type": "string"}, map[string]any{"type": "string", "format": "date"}
	data := ref("Data")
	part := map[string]any{"type": "object"} // the fields of the grant, or a merge patch: not all that Data demands
	where := map[string]any{}
	for _, f := range d.Index {
		where[f] = text
	}
	schemas["Record"] = object(map[string]any{
		"id": text, "register": text, "version": map[string]any{"type": "integer"}, "valid_from": date,
		"updated_at": map[string]any{"type": "string", "format": "date-time"}, "data": part,
	})
	search := object(map[string]any{"where": object(where), "limit": map[string]any{"type": "integer", "minimum": 1, "maximum": 500}}, "where")
	create := object(map[string]any{"data": data, "reason": text, "valid_from": date}, "data")
	amend := object(map[string]any{"data": part, "reason": text, "valid_from": date, "version": map[string]any{"type": "integer"}}, "data")
	record := ref("Record")
	found := object(map[string]any{"records": map[string]any{"type": "array", "items": record}}, "records")
	id := []any{map[string]any{"name": "id", "in": "path", "required": true, "schema": text, "example": sampleID}}
	filled := d.sample("")
	one := map[string]any{"id": sampleID, "register": d.ID, "version": 1, "valid_from": sampleDate, "updated_at": sampleDate + "T08:00:00Z", "data": filled}
	asked := map[string]any{}
	if len(d.Index) > 0 {
		asked[d.Index[0]] = at(filled, d.Index[0])
	}
	changed := map[string]any{"data": filled}
	return json.Marshal(map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": d.Title.EN, "description": d.Description.EN, "version": "1.0.0"},
		"servers": []any{map[string]any{"url": "/"}},
		"paths": map[string]any{
			"/search":  map[string]any{"post": operation("search", "Tra cứu theo giá trị chính xác / Records whose fields have exactly these values", exchanged{search, found, "200", map[string]any{"where": asked}, map[string]any{"records": []any{one}}})},
			"/records": map[string]any{"post": operation("create", "Ghi mới / Enter a record", exchanged{create, record, "201", changed, one})},
			"/records/{id}": map[string]any{
				"parameters": id,
				"get":        operation("read", "Đọc một bản ghi / One record", exchanged{nil, record, "200", nil, one}),
				"patch":      operation("amend", "Cập nhật bằng merge patch / Amend a record with a merge patch", exchanged{amend, record, "200", changed, one}),
			},
		},
		"components": map[string]any{"schemas": schemas},
	})
}

// exchanged is what goes in and what comes back, with an example of each.
type exchanged struct {
	in, out             any
	status              string
	inSample, outSample any
}

func operation(id, summary string, e exchanged) map[string]any {
	content := func(schema, example any) map[string]any {
		return map[string]any{"application/json": map[string]any{"schema": schema, "example": example}}
	}
	op := map[string]any{
		"operationId": id, "summary": summary,
		"responses": map[string]any{e.status: map[string]any{"description": "OK", "content": content(e.out, e.outSample)}},
	}
	if e.in != nil {
		op["requestBody"] = map[string]any{"required": true, "content": content(e.in, e.inSample)}
	}
	return op
}

func object(properties map[string]any, required ...string) map[string]any {
	o := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

func ref(schema string) map[string]any {
	return map[string]any{"$ref": "#/components/schemas/" + schema}
}

func without(m map[string]any, key string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// moved rewrites references into $defs to where OpenAPI keeps schemas, and titles
// to what readers of OpenAPI show.
func moved(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, w := range v {
			if name, ok := w.(string); ok && k == "$ref" {
				out[k] = "#/components/schemas/def-" + strings.TrimPrefix(name, "#/$defs/")
				continue
			}
			out[k] = moved(w)
		}
		if t, ok := v["x-title"].(map[string]any); ok && v["description"] == nil {
			out["description"] = fmt.Sprint(t["vi"], " / ", t["en"])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, w := range v {
			out[i] = moved(w)
		}
		return out
	}
	return v
}

const (
	sampleID   = "01900000-0000-7000-8000-000000000000"
	sampleDate = "2026-01-31"
)

// sample fills what stands under a prefix of the fields' names with values that
// nobody has.
func (d *Definition) sample(prefix string) map[string]any {
	out := map[string]any{}
	for _, f := range d.fields {
		rest, within := strings.CutPrefix(f, prefix)
		name, _, deeper := strings.Cut(rest, ".")
		switch {
		case !within || out[name] != nil:
		case deeper:
			out[name] = d.sample(prefix + name + ".")
		default:
			out[name] = d.sampleOf(f)
		}
	}
	return out
}

func (d *Definition) sampleOf(f string) any {
	node := d.property(f)
	pattern, _ := node["pattern"].(string)
	if values := d.Allowed(f); len(values) > 0 {
		return values[0]
	}
	switch d.kind(f) {
	case "integer", "number":
		if least, ok := node["minimum"]; ok {
			return least
		}
		return 1
	case "boolean":
		return false
	case "array":
		items, _ := node["items"].(map[string]any)
		if values, _ := resolve(d.Schema, items)["enum"].([]any); len(values) > 0 {
			return values[:1]
		}
		return []any{}
	}
	digits, signs := barred(pattern)
	made := example(pattern)
	switch {
	case node["format"] == "date":
		return sampleDate
	case node["format"] == "email":
		return "ten@example.vn"
	case made == "" || digits || signs != "": // a name: letters of any kind
		return d.Label(f).VI
	}
	return made
}

// at finds a dotted name in nested maps.
func at(m map[string]any, field string) any {
	name, rest, deeper := strings.Cut(field, ".")
	if inner, ok := m[name].(map[string]any); ok && deeper {
		return at(inner, rest)
	}
	return m[name]
}
