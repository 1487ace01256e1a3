package description_test

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
)

const shop = `openapi: 3.0.3
info: {title: Shop, version: "1"}
paths:
  /items/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}, {name: lang, in: query, schema: {type: string, default: vi}}]
    get:
      summary: One item
      deprecated: true
      parameters: [{name: lang, in: query, required: true, example: en, schema: {type: string}}]
      responses:
        "200":
          description: It
          content:
            text/plain: {schema: {type: string}}
            application/json: {schema: {$ref: "#/components/schemas/Item"}}
        default: {description: No}
    put:
      requestBody: {content: {application/json: {examples: {b: {value: {x: 2}}, a: {value: {x: 1}}}}}}
      responses: {"204": {description: Done}}
components:
  schemas:
    Item:
      type: object
      required: [name]
      properties:
        name: {type: string, description: What it is called}
        size: {enum: [small, large]}
        born: {type: string, format: date}
        price: {type: number, minimum: 5}
        tags: {type: array, items: {type: string, example: new}}
        parts: {type: array, items: {$ref: "#/components/schemas/Item"}}
`

func TestOperations(t *testing.T) {
	t.Parallel()
	d, err := description.Read(t.Context(), []byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	ops := d.Operations()
	if len(ops) != 2 || ops[0].Method != "GET" || ops[0].Path != "/items/{id}" || !ops[0].Deprecated || ops[0].Title != "One item" {
		t.Fatalf("%+v", ops)
	}
	if p := ops[0].Parameters; len(p) != 2 || p[0].Name != "lang" || !p[0].Required || p[0].Example != "en" || p[1].Name != "id" || p[1].Type != "string (uuid)" {
		t.Errorf("%+v", p)
	}
	a := ops[0].Answers
	if len(a) != 2 || a[0].Status != "200" || a[0].Content.Media != "application/json" || a[1].Content != nil {
		t.Fatalf("%+v", a)
	}
	fields := map[string]description.Field{}
	for _, f := range a[0].Content.Fields {
		fields[f.Name] = f
	}
	if !fields["name"].Required || fields["name"].Text != "What it is called" || len(fields["size"].Values) != 2 || fields["tags[]"].Type != "string" || fields["parts[].name"].Name == "" {
		t.Errorf("%+v", fields)
	}
	for _, part := range []string{`"born": "2026-01-31"`, `"price": 5`, `"new"`, `"small"`} {
		if !strings.Contains(a[0].Content.Example, part) {
			t.Errorf("no %s in %s", part, a[0].Content.Example)
		}
	}
	if r := ops[1].Request; r == nil || !strings.Contains(r.Example, `"x": 1`) {
		t.Errorf("%+v", r)
	}
}

// FuzzOperations: whatever a document says, reading it ends, and what comes out
// is short enough for a page.
func FuzzOperations(f *testing.F) {
	f.Add(shop)
	f.Add(`{"openapi":"3.0.3","info":{"title":"x","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"x","content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}}}}}},
		"components":{"schemas":{"A":{"type":"object","properties":{"a":{"$ref":"#/components/schemas/A"},"b":{"$ref":"#/components/schemas/A"},"c":{"$ref":"#/components/schemas/A"},"d":{"$ref":"#/components/schemas/A"},"e":{"allOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/A"}]}}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := description.Read(t.Context(), []byte(text))
		if err != nil {
			return
		}
		for _, o := range d.Operations() {
			for _, a := range o.Answers {
				if a.Content != nil && (len(a.Content.Example) > 20<<10 || len(a.Content.Fields) > 300) {
					t.Errorf("%d bytes, %d fields", len(a.Content.Example), len(a.Content.Fields))
				}
			}
		}
	})
}
