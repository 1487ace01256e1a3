package rules

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/dinh-gov/dinh/kernel/text"
)

func functions() []cel.EnvOption {
	list := cel.ListType(cel.DynType)
	return []cel.EnvOption{
		forgivingFunction("get", cel.DynType, get, cel.DynType, cel.StringType, cel.DynType),
		forgivingFunction("has_path", cel.BoolType, hasPath, cel.DynType, cel.StringType),
		function("pluck", list, pluck, list, cel.StringType),
		function("sum", cel.IntType, sum, list),
		function("first", cel.DynType, first, list),
		function("join", cel.StringType, join, list, cel.StringType),
		stringFunction("fold", text.Fold),
		stringFunction("upper", strings.ToUpper),
		stringFunction("lower", strings.ToLower),
		stringFunction("title", text.Title),
		predicate("has_vietnamese_letters", text.Vietnamese),
		predicate("letters_only", text.Letters),
		function("date", cel.StringType, date, cel.StringType),
		function("format_date", cel.StringType, formatDate, cel.StringType),
		function("age_on", cel.IntType, ageOn, cel.StringType, cel.StringType),
		function("days_between", cel.IntType, daysBetween, cel.StringType, cel.StringType),
		function("months_between", cel.IntType, monthsBetween, cel.StringType, cel.StringType),
		function("add_days", cel.StringType, addDays, cel.StringType, cel.IntType),
	}
}

// impl is a function over checked arguments; CEL guards their kinds.
type impl func(args []ref.Val) (ref.Val, *fail)

func function(name string, result *cel.Type, fn impl, args ...*cel.Type) cel.EnvOption {
	return cel.Function(name, cel.Overload("dinh_"+name, args, result, binding(fn, len(args))))
}

// binding picks the calling shape CEL wants for the number of arguments.
func binding(fn impl, arity int) cel.OverloadOpt {
	call := func(args ...ref.Val) ref.Val {
		v, f := fn(args)
		if f != nil {
			return types.WrapErr(f)
		}
		return v
	}
	switch arity {
	case 1:
		return cel.UnaryBinding(func(a ref.Val) ref.Val { return call(a) })
	case 2:
		return cel.BinaryBinding(func(a, b ref.Val) ref.Val { return call(a, b) })
	}
	return cel.FunctionBinding(call)
}

// forgivingFunction gets to see arguments that failed, so that it can answer
// for data that is not there.
func forgivingFunction(name string, result *cel.Type, fn impl, args ...*cel.Type) cel.EnvOption {
	return cel.Function(name, cel.Overload("dinh_"+name, args, result, binding(fn, len(args)), cel.OverloadIsNonStrict()))
}

func stringFunction(name string, fn func(string) string) cel.EnvOption {
	return function(name, cel.StringType, func(args []ref.Val) (ref.Val, *fail) {
		return types.String(fn(string(args[0].(types.String)))), nil
	}, cel.StringType)
}

func predicate(name string, fn func(string) bool) cel.EnvOption {
	return function(name, cel.BoolType, func(args []ref.Val) (ref.Val, *fail) {
		return types.Bool(fn(string(args[0].(types.String)))), nil
	}, cel.StringType)
}

func get(args []ref.Val) (ref.Val, *fail) {
	p, ok := args[1].(types.String)
	if !ok {
		return nil, &fail{problem: "needs its path as text"}
	}
	if v, ok := find(args[0], string(p)); ok {
		return v, nil
	}
	return args[2], nil
}

func hasPath(args []ref.Val) (ref.Val, *fail) {
	p, ok := args[1].(types.String)
	if !ok {
		return nil, &fail{problem: "needs its path as text"}
	}
	_, ok = find(args[0], string(p))
	return types.Bool(ok), nil
}

func pluck(args []ref.Val) (ref.Val, *fail) {
	found := []ref.Val{}
	for it := args[0].(traits.Lister).Iterator(); it.HasNext() == types.True; {
		if v, ok := find(it.Next(), string(args[1].(types.String))); ok {
			found = append(found, v)
		}
	}
	return types.NewRefValList(jsonAdapter{}, found), nil
}

func sum(args []ref.Val) (ref.Val, *fail) {
	var total ref.Val = types.Int(0)
	for it := args[0].(traits.Lister).Iterator(); it.HasNext() == types.True; {
		n, ok := it.Next().(types.Int)
		if !ok {
			return nil, &fail{problem: "must hold whole numbers only"}
		}
		if total = total.(types.Int).Add(n); types.IsError(total) {
			return nil, &fail{problem: "adds up to more than can be counted"}
		}
	}
	return total, nil
}

func first(args []ref.Val) (ref.Val, *fail) {
	l := args[0].(traits.Lister)
	if l.Size() == types.Int(0) {
		return nil, &fail{absent: true, problem: "is empty"}
	}
	return l.Get(types.Int(0)), nil
}

func join(args []ref.Val) (ref.Val, *fail) {
	var parts []string
	for it := args[0].(traits.Lister).Iterator(); it.HasNext() == types.True; {
		s, ok := it.Next().ConvertToType(types.StringType).(types.String)
		if !ok {
			return nil, &fail{problem: "must hold text and numbers only"}
		}
		parts = append(parts, string(s))
	}
	return types.String(strings.Join(parts, string(args[1].(types.String)))), nil
}

// costs charges our functions for the text and the lists they walk through, as
// CEL does for its own.
type costs struct{}

// CallCost gives the cost of one call; nil leaves it to CEL.
func (costs) CallCost(function, overload string, args []ref.Val, _ ref.Val) *uint64 {
	if !strings.HasPrefix(overload, "dinh_") {
		return nil
	}
	cost := uint64(1)
	for _, a := range args {
		switch x := a.(type) {
		case types.String:
			cost += uint64(len(x)) / 10
		case traits.Lister:
			if n, ok := x.Size().(types.Int); ok {
				cost += uint64(n)
			}
		}
	}
	return &cost
}
