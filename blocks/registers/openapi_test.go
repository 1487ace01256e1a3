package registers_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/country"
)

// TestOpenAPI lets another library read what the country's registers say of
// themselves.
func TestOpenAPI(t *testing.T) {
	defs, err := registers.Load(country.Registers())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range defs {
		text, err := d.OpenAPI()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			t.Errorf("%s: %v\n%s", d.ID, err, text)
			continue
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", d.ID, err)
		}
		data := doc.Components.Schemas["Data"]
		if data.Value.Properties[d.Key] == nil || doc.Paths.Value("/records/{id}").Patch == nil {
			t.Errorf("%s: the key or a path is missing", d.ID)
		}
		sample, ok := doc.Paths.Value("/records").Post.RequestBody.Value.Content["application/json"].Example.(map[string]any)
		if filled, _ := sample["data"].(map[string]any); !ok || filled[d.Key] == nil || data.Value.Properties[d.Key].Value.Description == "" {
			t.Errorf("%s: no example, or nothing said of the key: %v", d.ID, sample)
		}
	}
}
