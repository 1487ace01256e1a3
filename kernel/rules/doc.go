// Package rules decides by tables that lawyers can read, and says why.
//
// A decision is a Table (hit unique, first or collect): named inputs, rows of
// cells, and for every row an outcome, a reason in both languages, a legal
// reference and the dates between which it is in force. An input is a CEL
// expression over JSON-like data; a cell is one of
//
//   - any value
//     18  true  "a"    this value; also a date 2026-01-31
//     >= 18            also > < <= = !=
//     18..65           from, to, both included
//     "a","b"          any of these; forms may be mixed: <18, >=60
//     not "a","b"      none of these
//
// and nothing more, so that Lint can prove whether rows overlap, leave gaps or
// can never be reached.
//
// Decide never guesses. What it cannot evaluate because data is not there yet
// it lists in Outcome.Missing and Outcome.MissingPaths, but only as far as the
// answer depends on it. An Outcome is stored as JSON and explains itself for
// good: every input, row and cell, the hash of the table and the date.
//
//	Decide ─┬─▶ decided   Out, Reasons, Refs of the chosen rows
//	        ├─▶ missing   the data to fetch or ask next
//	        └─▶ no_row     the table does not cover the case
//
// Expressions have no loops (CEL macros are off) and a cost limit. Functions
// beside the standard ones of CEL; dates are text YYYY-MM-DD, whole numbers of
// the data are int, money is minor units:
//
//	get(map, "a.b", default)   value at a path; default when absent or null
//	has_path(map, "a.b")       whether there is a value that is not null
//	pluck(list, "a.b")         the values at the path in every element that has one
//	sum(list) first(list)      of whole numbers; the first element
//	join(list, sep) fold(s) upper(s) lower(s) title(s)
//	has_vietnamese_letters(s)  written in the Vietnamese alphabet alone
//	letters_only(s)            letters with single joints: what a name may hold
//	date(s)                    s, if it is a date
//	age_on(birth, on) months_between(a, b) days_between(a, b) add_days(d, n)
//	format_date(d)             31/01/2026
//	today                      the reference date, a variable
//
// Errors of evaluation: errs.Invalid rules.missing (path), rules.bad_value
// (path, problem), rules.too_costly; errs.Internal rules.failed for a mistake
// in the rule itself. Errors of compiling: errs.Invalid rules.bad_expression,
// rules.bad_table, whose texts name the place. Values never appear in them.
package rules
