package description

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Anonymise reduces the server addresses of an OpenAPI 3 document to their path,
// as X-Road does, so that nobody learns where a provider's machine stands.
// Addresses with variables are left alone. JSON stays JSON, YAML stays YAML.
func Anonymise(doc []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(doc, &root); err != nil {
		return nil, fmt.Errorf("the OpenAPI document is neither JSON nor YAML: %w", err)
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the OpenAPI document must be an object")
	}
	top := root.Content[0]
	if v := child(top, "openapi"); v == nil || !strings.HasPrefix(v.Value, "3.") {
		return nil, errors.New(`the OpenAPI document must begin with "openapi: 3.x"`)
	}
	hideServers(top, 0)
	if !IsJSON(doc) {
		return yaml.Marshal(&root)
	}
	var v any
	if err := root.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// IsJSON tells a document in JSON from one in YAML.
func IsJSON(doc []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(doc), []byte("{")) }

func child(m *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i+1]
		}
	}
	return nil
}

// hideServers walks the document, since paths and operations may list servers of
// their own.
func hideServers(n *yaml.Node, depth int) {
	if depth > 64 {
		return
	}
	if n.Kind == yaml.MappingNode {
		if servers := child(n, "servers"); servers != nil && servers.Kind == yaml.SequenceNode {
			for _, s := range servers.Content {
				if u := child(s, "url"); u != nil && !strings.Contains(u.Value, "{") {
					u.Value = pathOf(u.Value)
				}
			}
		}
	}
	for _, c := range n.Content {
		hideServers(c, depth+1)
	}
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "/"
	}
	return u.EscapedPath()
}
