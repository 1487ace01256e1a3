package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Limits of one expression. They stop a bomb, not an honest rule.
const (
	maxExpression = 8192    // characters
	maxNesting    = 100     // parentheses in parentheses
	maxCost       = 200_000 // CEL cost units of one evaluation
	maxRegexp     = 1000    // instructions of a compiled pattern
)

// Env knows which variables expressions may use. Safe for concurrent use.
type Env struct {
	cel  *cel.Env
	vars []string
}

// NewEnv makes an environment with these variables, each of any JSON-like
// value, and the variable today, which Decide sets to the reference date.
func NewEnv(vars ...string) (*Env, error) {
	vars = append(slices.Clone(vars), "today")
	slices.Sort(vars)
	vars = slices.Compact(vars)
	opts := []cel.EnvOption{
		cel.ClearMacros(),
		cel.CustomTypeAdapter(jsonAdapter{}),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(maxNesting),
		cel.RegexProgramSizeLimit(maxRegexp),
	}
	name := regexp.MustCompile(`^[a-z_][a-zA-Z0-9_]*$`)
	for _, v := range vars {
		if !name.MatchString(v) {
			return nil, fmt.Errorf("rules: variable %q: use lower-case letters, digits and _", v)
		}
		opts = append(opts, cel.Variable(v, cel.DynType))
	}
	opts = append(opts, functions()...)
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return &Env{cel: env, vars: vars}, nil
}

// Vars lists the variables, today among them, in order.
func (e *Env) Vars() []string { return slices.Clone(e.vars) }

// Compile checks expr and makes it ready to evaluate many times. The error is
// errs.Invalid rules.bad_expression; its text shows line and column with a
// caret and what may be written instead.
func (e *Env) Compile(expr string) (*Program, error) {
	if strings.TrimSpace(expr) == "" {
		return nil, badExpression(expr, "the expression is empty")
	}
	ast, issues := e.cel.Compile(expr)
	if issues.Err() != nil {
		return nil, badExpression(expr, e.hint(issues.String()))
	}
	p, err := e.cel.Program(ast, programOptions(cel.OptOptimize)...)
	if err != nil {
		return nil, badExpression(expr, err.Error())
	}
	return &Program{source: expr, env: e.cel, ast: ast, program: p}, nil
}

func programOptions(eval cel.EvalOption) []cel.ProgramOption {
	return []cel.ProgramOption{cel.EvalOptions(eval), cel.CostTracking(costs{}), cel.CostLimit(maxCost)}
}

// hint adds what an author most often needs to know next.
func (e *Env) hint(problem string) string {
	switch {
	case strings.Contains(problem, "undeclared reference to 'has'"):
		return problem + "\nwrite has_path(map, \"a.b\") instead of has(map.a.b)"
	case macroUsed(problem):
		return problem + "\nloops are not part of the rule language; use pluck, sum, in or a decision table"
	case strings.Contains(problem, "undeclared reference"):
		return problem + "\nvariables are: " + strings.Join(e.vars, ", ")
	}
	return problem
}

func macroUsed(problem string) bool {
	for _, m := range []string{"all", "exists", "exists_one", "map", "filter"} {
		if strings.Contains(problem, "undeclared reference to '"+m+"'") {
			return true
		}
	}
	return false
}

func badExpression(expr, problem string) error {
	return errs.New(errs.Invalid, "rules.bad_expression", "expression", expr, "problem", problem).
		Wrap(errors.New(problem))
}
