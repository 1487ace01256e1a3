package services

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// plainValue turns what YAML gives into what JSON would give: dates stay text,
// maps have text keys, whole numbers are int64.
func plainValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return plainMap(v)
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[fmt.Sprint(k)] = plainValue(x)
		}
		return m
	case []any:
		for i := range v {
			v[i] = plainValue(v[i])
		}
		return v
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339)
	case int:
		return int64(v)
	case uint64:
		return float64(v)
	}
	return v
}

func plainMap(m map[string]any) map[string]any {
	for k, v := range m {
		m[k] = plainValue(v)
	}
	return m
}

// lineIndex maps every path of the document to its line, so that problems can
// be found with the eyes.
func lineIndex(root *yaml.Node) map[string]int {
	lines := map[string]int{}
	if len(root.Content) > 0 {
		indexNode(lines, root.Content[0], "", 0)
	}
	return lines
}

// maxDepth bounds aliases that hold themselves.
const maxDepth = 40

func indexNode(lines map[string]int, n *yaml.Node, at string, depth int) {
	if depth > maxDepth || len(lines) > 200_000 {
		return
	}
	if _, seen := lines[at]; !seen {
		lines[at] = n.Line
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := join(at, n.Content[i].Value)
			lines[key] = n.Content[i].Line
			indexNode(lines, n.Content[i+1], key, depth+1)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			indexNode(lines, c, at+"["+strconv.Itoa(i)+"]", depth+1)
		}
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// pathOf writes a JSON pointer's tokens the way people read them.
func pathOf(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		if _, err := strconv.Atoi(t); err == nil {
			b.WriteString("[" + t + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(t)
	}
	return b.String()
}

// nearest finds the line of path, or of what it stands in.
func nearest(lines map[string]int, path string) int {
	for path != "" {
		if n, ok := lines[path]; ok {
			return n
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return lines[""]
}

func (s *Service) line(path string) int { return nearest(s.lines, path) }
