package rules

import (
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// readDate reads YYYY-MM-DD and nothing else: a moment in time has no date
// without a zone, and guessing one would move people's birthdays.
func readDate(v ref.Val) (time.Time, *fail) {
	s := string(v.(types.String))
	if s == "" {
		return time.Time{}, &fail{absent: true, problem: "is empty"}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, &fail{problem: "must be a date YYYY-MM-DD"}
	}
	return t, nil
}

func readDates(args []ref.Val) (a, b time.Time, f *fail) {
	if a, f = readDate(args[0]); f != nil {
		return
	}
	b, f = readDate(args[1])
	return
}

func date(args []ref.Val) (ref.Val, *fail) {
	if _, f := readDate(args[0]); f != nil {
		return nil, f
	}
	return args[0], nil
}

func formatDate(args []ref.Val) (ref.Val, *fail) {
	t, f := readDate(args[0])
	if f != nil {
		return nil, f
	}
	return types.String(t.Format("02/01/2006")), nil
}

func ageOn(args []ref.Val) (ref.Val, *fail) {
	birth, on, f := readDates(args)
	if f != nil {
		return nil, f
	}
	return types.Int(months(birth, on) / 12), nil
}

func monthsBetween(args []ref.Val) (ref.Val, *fail) {
	a, b, f := readDates(args)
	if f != nil {
		return nil, f
	}
	return types.Int(months(a, b)), nil
}

// months counts whole months from a to b, negative when b comes first. Where
// the last month has no such day the month is whole on its last day (Civil Code
// 2015, Art. 148(3)): 31 January to 28 February is one month.
func months(a, b time.Time) int {
	if b.Before(a) {
		return -months(b, a)
	}
	n := (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
	lastOfMonth := b.AddDate(0, 0, 1).Day() == 1
	if b.Day() < a.Day() && !lastOfMonth {
		n--
	}
	return n
}

func daysBetween(args []ref.Val) (ref.Val, *fail) {
	a, b, f := readDates(args)
	if f != nil {
		return nil, f
	}
	return types.Int(dayNumber(b) - dayNumber(a)), nil
}

func addDays(args []ref.Val) (ref.Val, *fail) {
	d, f := readDate(args[0])
	if f != nil {
		return nil, f
	}
	n := args[1].(types.Int)
	if n > 400_000 || n < -400_000 {
		return nil, &fail{problem: "is moved too far"}
	}
	d = d.AddDate(0, 0, int(n))
	if d.Year() < 1 || d.Year() > 9999 {
		return nil, &fail{problem: "is moved out of the calendar"}
	}
	return types.String(d.Format(time.DateOnly)), nil
}

// dayNumber counts days since 1 January 1970; t is a midnight in UTC.
func dayNumber(t time.Time) int64 { return t.Unix() / 86400 }
