package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// jsonAdapter gives CEL JSON-like data. A number without a fraction is an int
// however the decoder left it, so "fee * 2" works on decoded JSON.
type jsonAdapter struct{}

// NativeToValue makes the CEL value of a Go value.
func (a jsonAdapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case nil:
		return types.NullValue
	case bool:
		return types.Bool(v)
	case string:
		return types.String(v)
	case int64:
		return types.Int(v)
	case int:
		return types.Int(v)
	case float64:
		if n, ok := whole(v); ok {
			return types.Int(n)
		}
		return types.Double(v)
	case json.Number:
		return number(v)
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	case ref.Val:
		return v
	}
	switch r := reflect.ValueOf(value); r.Kind() {
	case reflect.Map:
		return types.NewDynamicMap(a, value)
	case reflect.Slice, reflect.Array:
		return types.NewDynamicList(a, value)
	case reflect.String:
		return types.String(r.String())
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// whole gives the int64 equal to f, if there is one that JSON can carry exactly.
func whole(f float64) (int64, bool) {
	const exact = 1 << 53
	if f != math.Trunc(f) || f > exact || f < -exact {
		return 0, false
	}
	return int64(f), true
}

func number(n json.Number) ref.Val {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return types.Int(i)
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return types.WrapErr(&fail{problem: "is not a number"})
	}
	if i, ok := whole(f); ok {
		return types.Int(i)
	}
	return types.Double(f)
}

// nativeAggregate turns lists and maps, and refuses what JSON has no word for.
func nativeAggregate(v ref.Val) (any, error) {
	switch x := v.(type) {
	case traits.Lister:
		list := []any{}
		for it := x.Iterator(); it.HasNext() == types.True; {
			e, err := native(it.Next())
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		return list, nil
	case traits.Mapper:
		m := map[string]any{}
		for it := x.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			name, ok := k.(types.String)
			if !ok {
				return nil, fmt.Errorf("a map key is %s; it must be text", k.Type().TypeName())
			}
			e, err := native(x.Get(k))
			if err != nil {
				return nil, err
			}
			m[string(name)] = e
		}
		return m, nil
	case *types.Err:
		return nil, x
	}
	return nil, fmt.Errorf("the result is a %s; it must be text, a number, true or false, a list or a map", v.Type().TypeName())
}

// lookup follows steps through maps and lists.
func lookup(v any, steps []string) (any, bool) {
	for _, s := range steps {
		var ok bool
		if v, ok = step(v, s); !ok {
			return nil, false
		}
	}
	return v, true
}

func step(v any, key string) (any, bool) {
	switch x := v.(type) {
	case map[string]any:
		e, ok := x[key]
		return e, ok
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(x) {
			return nil, false
		}
		return x[i], true
	}
	return stepValue(jsonAdapter{}.NativeToValue(v), key)
}

// stepValue is step for maps and lists that are not of the two usual Go types.
func stepValue(v ref.Val, key string) (any, bool) {
	switch x := v.(type) {
	case traits.Mapper:
		e, ok := x.Find(types.String(key))
		return valueOf(e), ok && !types.IsError(e)
	case traits.Lister:
		i, err := strconv.Atoi(key)
		size, isInt := x.Size().(types.Int)
		if err != nil || !isInt || i < 0 || i >= int(size) {
			return nil, false
		}
		return valueOf(x.Get(types.Int(i))), true
	}
	return nil, false
}

func valueOf(v ref.Val) any {
	if v == nil || v == types.NullValue {
		return nil
	}
	return v
}

// find is lookup on a CEL value by a dotted path; null counts as absent.
func find(v ref.Val, dotted string) (ref.Val, bool) {
	if v == nil || types.IsUnknownOrError(v) {
		return nil, false
	}
	found, ok := lookup(v, strings.Split(dotted, "."))
	if !ok || found == nil {
		return nil, false
	}
	return jsonAdapter{}.NativeToValue(found), true
}
