package i18n

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Catalog holds every message of the program. It never changes once made, so
// it is safe for all requests at once.
type Catalog struct {
	texts map[Lang]map[string]string
}

// New reads messages/<lang>.json from each of fss: one flat JSON object of key
// to text. All that is wrong is reported together: a missing file or key, a key
// that two sets both claim, a value that is no text, placeholders that differ.
func New(fss ...fs.FS) (*Catalog, error) {
	c := &Catalog{texts: map[Lang]map[string]string{}}
	var problems []error
	for _, l := range Langs {
		c.texts[l] = map[string]string{}
		for i, fsys := range fss {
			if err := c.read(l, fsys); err != nil {
				problems = append(problems, fmt.Errorf("message set %d: %w", i+1, err))
			}
		}
	}
	problems = append(problems, c.compare()...)
	if len(problems) > 0 {
		return nil, fmt.Errorf("i18n: %w", errors.Join(problems...))
	}
	return c, nil
}

func (c *Catalog) read(l Lang, fsys fs.FS) error {
	name := "messages/" + string(l) + ".json"
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	return parseFlat(data, name, func(key, text string) error {
		if _, taken := c.texts[l][key]; taken {
			return fmt.Errorf("%s: key %q is already defined; give it the prefix of its package", name, key)
		}
		c.texts[l][key] = text
		return nil
	})
}

// parseFlat walks tokens itself, since decoding into a map would swallow a key
// that is written twice in one file.
func parseFlat(data []byte, name string, add func(key, text string) error) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return fmt.Errorf("%s: must be one JSON object of key to text (%v)", name, err)
	}
	var problems []error
	for dec.More() {
		keyTok, err := dec.Token()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		key := keyTok.(string) // inside an object the decoder yields only string keys
		var value any
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("%s: after key %q: %w", name, key, err)
		}
		text, ok := value.(string)
		if !ok || strings.TrimSpace(text) == "" {
			problems = append(problems, fmt.Errorf("%s: key %q needs a text that is not empty", name, key))
			continue
		}
		problems = append(problems, add(key, text))
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%s: remove what follows the object", name)
	}
	return errors.Join(problems...)
}

func (c *Catalog) compare() []error {
	all := map[string]bool{}
	for _, texts := range c.texts {
		for key := range texts {
			all[key] = true
		}
	}
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(all)) {
		var first map[string]bool
		for _, l := range Langs {
			text, ok := c.texts[l][key]
			if !ok {
				problems = append(problems, fmt.Errorf("add key %q to messages/%s.json", key, l))
				continue
			}
			set := holes(text)
			if first == nil {
				first = set
			} else if !maps.Equal(first, set) {
				problems = append(problems, fmt.Errorf("key %q: placeholders differ: %s has %v, %s has %v",
					key, Langs[0], slices.Sorted(maps.Keys(first)), l, slices.Sorted(maps.Keys(set))))
			}
		}
	}
	return problems
}

// T gives the message of key in l with its placeholders filled as by Fill. A
// value with In(Lang) or Format(Lang) speaks the reader's language. An unknown
// key comes back as ⟦key⟧: ugly enough to be noticed, harmless to the page.
func (c *Catalog) T(l Lang, key string, kv ...any) string {
	texts, ok := c.texts[l]
	if !ok {
		l, texts = VI, c.texts[VI]
	}
	text, ok := texts[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	return fill(l, text, kv)
}

// Has says whether there is a message for key.
func (c *Catalog) Has(key string) bool {
	_, ok := c.texts[VI][key]
	return ok
}

// Keys lists all keys in alphabetical order.
func (c *Catalog) Keys() []string { return slices.Sorted(maps.Keys(c.texts[VI])) }
