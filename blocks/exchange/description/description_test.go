package description_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
)

const pets = `openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://internal.example:8443/v1"}]
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get:
      responses:
        "200":
          description: A pet
          content:
            application/json:
              schema:
                type: object
                required: [name]
                additionalProperties: false
                properties:
                  name: {type: string, maxLength: 10}
                  owner: {type: string, enum: [Lan, Mai]}
    delete:
      responses: {"204": {description: Gone}}
  /pets/search:
    post:
      x-dinh-operation: read
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 50}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties: {name: {type: string}, born: {type: string, pattern: "^[0-9]{4}$"}}
      responses:
        "200": {description: Pets, content: {application/json: {schema: {type: array, items: {type: string}}}}}
  /files/{a}-{b}.bin:
    parameters:
      - {name: a, in: path, required: true, schema: {type: string}}
      - {name: b, in: path, required: true, schema: {type: string}}
    put:
      requestBody: {content: {application/octet-stream: {schema: {type: string, format: binary}}}}
      responses: {default: {description: Whatever}}
`

func read(t *testing.T, text string) *description.Description {
	t.Helper()
	d, err := description.Read(t.Context(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRead(t *testing.T) {
	t.Parallel()
	d := read(t, pets)
	want := []description.Endpoint{
		{Method: "POST", Path: "/pets/search", Operation: "read"}, {Method: "DELETE", Path: "/pets/*"}, {Method: "GET", Path: "/pets/*"}, {Method: "PUT", Path: "/files/*-*.bin"},
	}
	if d.Title != "Pets" || d.Server != "https://internal.example:8443/v1" || !slices.Equal(d.Endpoints, want) {
		t.Errorf("%+v", d)
	}
	read(t, `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/":{"get":{"responses":{"200":{"description":"ok"}}}}}}`)
}

func TestReadSaysWhere(t *testing.T) {
	t.Parallel()
	change := func(old, with string) string { return strings.Replace(pets, old, with, 1) }
	tests := []struct{ name, text, says string }{
		{"nothing", "", "object"},
		{"no YAML", "openapi: [", "line 1"},
		{"Swagger 2", "swagger: '2.0'", "openapi: 3.x"},
		{"OpenAPI 4", "openapi: 4.0.0\ninfo: {title: t, version: '1'}\npaths: {}", "3.x"},
		{"no operation", "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}", "no operation"},
		{"no title", change("{title: Pets, version: \"1\"}", "{version: \"1\"}"), "title"},
		{"an unknown type", change("maxLength: 10", "maxLength: 10, nullable: 5"), "nullable"},
		{"a parameter that is not described", change("/pets/search:", "/pets/search/{x}:"), "/pets/search/{x}"},
		{"no answer described", change("      responses: {\"204\": {description: Gone}}", "      summary: x"), "responses"},
		{"a pattern that is none", change("^[0-9]{4}$", "[0-9"), "[0-9"},
		{"a file beside it", change("schema: {type: integer, maximum: 50}", "schema: {$ref: 'file:///etc/passwd#/x'}"), "external"},
		{"a document elsewhere", change("schema: {type: integer, maximum: 50}", "schema: {$ref: 'http://127.0.0.1:1/x.yaml#/x'}"), "external"},
		{"a reference into nothing", change("schema: {type: integer, maximum: 50}", "schema: {$ref: '#/components/schemas/None'}"), "None"},
		{"our own word is wrong", change("x-dinh-operation: read", "x-dinh-operation: steal"), "POST /pets/search"},
		{"too long", strings.Repeat("#", description.MaxDocument+1), "larger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := description.Read(t.Context(), []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v; want it to say %q", err, tt.says)
			}
		})
	}
}

func json(s string) http.Header { return http.Header{"Content-Type": {"application/" + s}} }

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	c, err := read(t, pets).Checker()
	if err != nil {
		t.Fatal(err)
	}
	post := func(query, body string) description.Message {
		return description.Message{Method: "POST", Path: "/pets/search", Query: query, Header: json("json"), Body: []byte(body)}
	}
	tests := []struct {
		name  string
		m     description.Message
		where string // "": it fits
	}{
		{"fits", post("limit=5", `{"name":"Miu"}`), ""},
		{"a value out of range", post("limit=51", `{"name":"Miu"}`), "parameter limit in query"},
		{"a value of another type", post("limit=x", `{"name":"Miu"}`), "parameter limit in query"},
		{"a member missing", post("", `{}`), "body /name"},
		{"a member of another type", post("", `{"name":5}`), "body /name"},
		{"a pattern", post("", `{"name":"Miu","born":"001199000001"}`), "body /born"},
		{"no JSON", post("", `{"name":`), "body"},
		{"no body", post("", ""), "body"},
		{"another type of content", description.Message{Method: "POST", Path: "/pets/search", Header: json("xml"), Body: []byte("<x/>")}, "body"},
		{"no such path", description.Message{Method: "GET", Path: "/dogs"}, "address"},
		{"no such method", description.Message{Method: "PATCH", Path: "/pets/1"}, "address"},
		{"a path parameter", description.Message{Method: "GET", Path: "/pets/abc"}, "parameter id in path"},
		{"a long body, seen only from outside", description.Message{Method: "PUT", Path: "/files/a-b.bin", Header: json("octet-stream"), WithoutBody: true}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, bad := errors.AsType[*description.Violation](c.Request(t.Context(), tt.m))
			if bad != (tt.where != "") || bad && (v.Where != tt.where || v.Reason == "") {
				t.Errorf("%+v; want %q", v, tt.where)
			}
			if bad && (strings.Contains(v.Reason, "001199000001") || strings.Contains(v.Error(), "001199000001")) {
				t.Errorf("it repeats a value: %+v", v)
			}
		})
	}
}

func TestCheckAnswerTellsNothingOfIt(t *testing.T) {
	t.Parallel()
	c, err := read(t, pets).Checker()
	if err != nil {
		t.Fatal(err)
	}
	get := description.Message{Method: "GET", Path: "/pets/1"}
	tests := []struct {
		name   string
		status int
		kind   string
		body   string
		fits   bool
	}{
		{"fits", 200, "json", `{"name":"Miu","owner":"Lan"}`, true},
		{"too long", 200, "json", `{"name":"001199000001"}`, false},
		{"a value nobody described", 200, "json", `{"name":"Miu","owner":"001199000001"}`, false},
		{"a member nobody described", 200, "json", `{"name":"Miu","001199000001":true}`, false},
		{"another kind", 200, "xml", `<a>001199000001</a>`, false},
		{"broken", 200, "json", `{"name":"001199000001`, false},
		{"a success nobody described", 201, "json", `{}`, false},
		{"an error nobody described", 503, "json", `{"x":1}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := c.Answer(t.Context(), get, description.Message{Status: tt.status, Header: json(tt.kind), Body: []byte(tt.body)})
			v, bad := errors.AsType[*description.Violation](err)
			if bad == tt.fits || bad && strings.Contains(v.Where+v.Reason+v.Error(), "001199000001") {
				t.Errorf("%+v", v)
			}
		})
	}
}

// FuzzRead: no document brings the reader down, and what it takes, a checker takes.
func FuzzRead(f *testing.F) {
	f.Add([]byte(pets))
	f.Add([]byte(`{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/a/{b}":{"get":{"responses":{"200":{"description":"ok"}}}}}}`))
	f.Add([]byte("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/: {get: {responses: {default: {description: x}}}}}\nx: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := description.Read(t.Context(), text)
		if err != nil {
			return
		}
		c, err := d.Checker()
		if err != nil {
			return
		}
		for _, e := range d.Endpoints {
			m := description.Message{Method: e.Method, Path: "/a/b", Header: json("json"), Body: []byte(`{"a":[1]}`)}
			_ = c.Request(t.Context(), m)
			_ = c.Answer(t.Context(), m, description.Message{Status: 200, Header: json("json"), Body: []byte(`{"a":[1]}`)})
		}
		if _, err := description.Anonymise(text); err != nil {
			t.Errorf("read, and not anonymised: %v", err)
		}
	})
}

func TestAnonymise(t *testing.T) {
	t.Parallel()
	got, err := description.Anonymise([]byte(pets))
	if err != nil || strings.Contains(string(got), "internal.example") || !strings.Contains(string(got), "/v1") {
		t.Errorf("%s %v", got, err)
	}
}
