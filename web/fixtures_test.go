package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"reflect"
	"strconv"
	"strings"
)

// decodeFixture fills a component from a fixture's options, matching fields by
// name without case. An option that no field takes is an error: a port that
// quietly ignored it would look complete and not be.
func decodeFixture(c reflect.Value, options map[string]any, rename map[string]string) error {
	for name, value := range options {
		if name == "caller" || strings.HasPrefix(name, "_") {
			continue
		}
		want := name
		if to, ok := rename[name]; ok {
			want = to
		}
		if want == "" {
			continue
		}
		if c.Type().Name() == "Choice" && name == "label" && reflect.TypeOf(value).Kind() != reflect.Map {
			continue
		}
		f := c.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, want) })
		if !f.IsValid() {
			return fmt.Errorf("%s has no field for option %q", c.Type().Name(), name)
		}
		if err := decodeValue(f, value, rename); err != nil {
			return fmt.Errorf("%s.%s: %w", c.Type().Name(), name, err)
		}
	}
	return nil
}

func decodeValue(f reflect.Value, value any, rename map[string]string) error {
	if value == nil {
		return nil
	}
	switch f.Interface().(type) {
	case Attrs:
		f.Set(reflect.ValueOf(decodeAttrs(value)))
		return nil
	case template.HTML:
		if truthy(value) {
			f.SetString(str(value))
		}
		return nil
	case Switch:
		if b, ok := value.(bool); ok {
			f.SetInt(int64(Off))
			if b {
				f.SetInt(int64(On))
			}
		}
		return nil
	}
	switch f.Kind() {
	case reflect.String:
		if value != false {
			f.SetString(str(value))
		}
	case reflect.Bool:
		f.SetBool(truthy(value))
	case reflect.Int:
		n, err := strconv.Atoi(str(value))
		if err != nil {
			return err
		}
		f.SetInt(int64(n))
	case reflect.Map:
		m := map[string]string{}
		for k, v := range value.(map[string]any) {
			m[k] = str(v)
		}
		f.Set(reflect.ValueOf(m).Convert(f.Type()))
	case reflect.Pointer:
		if !truthy(value) {
			return nil
		}
		p := reflect.New(f.Type().Elem())
		f.Set(p)
		return decodeValue(p.Elem(), value, rename)
	case reflect.Struct:
		if m, ok := value.(map[string]any); ok {
			return decodeFixture(f, m, rename)
		}
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			return nil
		}
		out := reflect.MakeSlice(f.Type(), 0, len(list))
		for _, v := range list {
			e := reflect.New(f.Type().Elem()).Elem()
			if truthy(v) {
				if err := decodeValue(e, v, rename); err != nil {
					return err
				}
			}
			out = reflect.Append(out, e)
		}
		f.Set(out)
	default:
		return fmt.Errorf("no way to decode into %s", f.Type())
	}
	return nil
}

func decodeAttrs(value any) Attrs {
	a := Attrs{}
	switch v := value.(type) {
	case string:
		for _, part := range strings.Split(v, `" `) {
			if k, val, ok := strings.Cut(strings.TrimSpace(part), `="`); ok {
				a[k] = strings.TrimSuffix(val, `"`)
			}
		}
	case map[string]any:
		for k, item := range v {
			m, ok := item.(map[string]any)
			switch {
			case !ok:
				a[k] = str(item)
			case m["optional"] == true && (m["value"] == nil || m["value"] == false):
			case m["optional"] == true && m["value"] == true:
				a[k] = ""
			default:
				a[k] = str(m["value"])
			}
		}
	}
	return a
}

func str(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case float64:
		return v != 0
	default:
		return true
	}
}
