package services

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Years beyond these are typing errors in every public service.
const (
	minYear = 1850
	maxYear = 2200
)

var dateForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

// isDate says whether s is a real date YYYY-MM-DD.
func isDate(s string) bool {
	if !dateForm.MatchString(s) {
		return false
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// parseDate reads <id>-day, <id>-month and <id>-year, or <id> as YYYY-MM-DD.
func (sc *scope) parseDate(f Field, in url.Values) (any, *FieldError) {
	if whole := strings.TrimFunc(in.Get(f.ID), isBlank); whole != "" {
		return whole, nil
	}
	names := []string{"day", "month", "year"}
	parts := make([]string, len(names))
	var missing []string
	for i, n := range names {
		parts[i] = strings.TrimFunc(in.Get(f.ID+"-"+n), isBlank)
		if parts[i] == "" {
			missing = append(missing, n)
		}
	}
	if len(missing) == len(names) {
		return nil, nil
	}
	if len(missing) > 0 {
		fe := sc.fail(f, "date_missing_"+strings.Join(missing, "_"))
		fe.Parts = missing
		return nil, fe
	}
	return sc.joinDate(f, names, parts)
}

func (sc *scope) joinDate(f Field, names, parts []string) (any, *FieldError) {
	numbers := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || len(p) > 4 {
			return nil, sc.part(f, "date_number_"+names[i], names[i])
		}
		numbers[i] = n
	}
	day, month, year := numbers[0], numbers[1], numbers[2]
	switch {
	case len(parts[2]) != 4 || year < minYear || year > maxYear:
		return nil, sc.part(f, "date_year", "year")
	case month < 1 || month > 12:
		return nil, sc.part(f, "date_month", "month")
	case day < 1 || day > 31:
		return nil, sc.part(f, "date_day", "day")
	}
	last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if day > last {
		return nil, sc.part(f, "date_no_such_day", "day", "month", month, "year", year, "last", last)
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day), nil
}

func (sc *scope) part(f Field, key, part string, kv ...any) *FieldError {
	fe := sc.fail(f, key, kv...)
	fe.Parts = []string{part}
	return fe
}

func (sc *scope) checkDate(f Field, v any) (any, *FieldError) {
	d, _ := v.(string)
	if !isDate(d) {
		return nil, sc.fail(f, "date_real")
	}
	if y, _ := strconv.Atoi(d[:4]); y < minYear || y > maxYear {
		return nil, sc.part(f, "date_year", "year")
	}
	today, _ := sc.vars["today"].(string)
	if low, _ := sc.value(quoteDate(f.Min)).(string); low != "" && d < low {
		if low == today {
			return nil, sc.fail(f, "date_past")
		}
		return nil, sc.fail(f, "date_early", "date", dateText(low))
	}
	if high, _ := sc.value(quoteDate(f.Max)).(string); high != "" && d > high {
		if d > today && high >= today {
			if high == today {
				return nil, sc.fail(f, "date_future")
			}
		}
		return nil, sc.fail(f, "date_late", "date", dateText(high))
	}
	return d, nil
}

func dateText(d string) i18n.Text {
	return i18n.Text{VI: i18n.FormatDate(i18n.VI, d), EN: i18n.FormatDate(i18n.EN, d)}
}

var (
	pointGroups = regexp.MustCompile(`^-?[0-9]{1,3}(\.[0-9]{3})+$`)
	commaGroups = regexp.MustCompile(`^-?[0-9]{1,3}(,[0-9]{3})+$`)
	numberForm  = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,6})?$`)
)

// checkNumber reads 1500, 1.500, 1,500 and 1 500 as the same; 1,5 and 1.5 too.
func (sc *scope) checkNumber(f Field, v any) (any, *FieldError) {
	n, ok := number(v)
	if !ok {
		return nil, sc.fail(f, "number")
	}
	if low, ok := number(sc.value(f.Min)); ok && n < low {
		return nil, sc.fail(f, "number_small", "min", numberText(low))
	}
	if high, ok := number(sc.value(f.Max)); ok && n > high {
		return nil, sc.fail(f, "number_large", "max", numberText(high))
	}
	return plainCopy(n), nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case string:
		s := strings.Map(func(r rune) rune {
			if isBlank(r) {
				return -1
			}
			return r
		}, v)
		switch {
		case pointGroups.MatchString(s):
			s = strings.ReplaceAll(s, ".", "")
		case commaGroups.MatchString(s):
			s = strings.ReplaceAll(s, ",", "")
		default:
			s = strings.ReplaceAll(s, ",", ".")
		}
		if !numberForm.MatchString(s) {
			return 0, false
		}
		n, err := strconv.ParseFloat(s, 64)
		return n, err == nil
	}
	return 0, false
}

func numberText(n float64) i18n.Text {
	if n == math.Trunc(n) {
		return i18n.Text{VI: i18n.FormatInt(i18n.VI, int64(n)), EN: i18n.FormatInt(i18n.EN, int64(n))}
	}
	s := strconv.FormatFloat(n, 'f', -1, 64)
	return i18n.Text{VI: strings.ReplaceAll(s, ".", ","), EN: s}
}

func (sc *scope) checkYesNo(f Field, v any) (any, *FieldError) {
	if b, ok := truthOf(v); ok {
		return b, nil
	}
	return nil, sc.missing(f)
}

func truthOf(v any) (value, ok bool) {
	switch v {
	case true, "yes", "true", "on":
		return true, true
	case false, "no", "false":
		return false, true
	}
	return false, false
}

func (sc *scope) checkChoice(f Field, v any) (any, *FieldError) {
	s, _ := v.(string)
	for _, o := range sc.choices(f) {
		if o.Value == s {
			return s, nil
		}
	}
	return nil, sc.fail(f, "not_option")
}

func (sc *scope) checkChoices(f Field, v any) (any, *FieldError) {
	var given []any
	switch v := v.(type) {
	case []any:
		given = v
	case []string:
		given = plainCopy(v).([]any)
	default:
		given = []any{v}
	}
	chosen := map[string]bool{}
	for _, x := range given {
		if _, fe := sc.checkChoice(f, x); fe != nil {
			return nil, fe
		}
		chosen[x.(string)] = true
	}
	out := make([]string, 0, len(chosen)) // in the order of the options
	for _, o := range sc.choices(f) {
		if chosen[o.Value] {
			out = append(out, o.Value)
		}
	}
	return out, nil
}

// mediaNames are the words for what a field accepts.
func mediaNames(types []string) string {
	names := map[string]string{"image/jpeg": "JPG", "image/png": "PNG", "application/pdf": "PDF"}
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = names[t]
		if out[i] == "" {
			out[i] = t
		}
	}
	return strings.Join(out, ", ")
}

func (sc *scope) checkFile(f Field, v any) (any, *FieldError) {
	m, _ := v.(map[string]any)
	hash, _ := m["hash"].(string)
	if hash == "" {
		return nil, sc.fail(f, "upload")
	}
	kind, _ := m["type"].(string)
	if len(f.Accept) > 0 && !contains(f.Accept, kind) {
		return nil, sc.fail(f, "file_type", "types", mediaNames(f.Accept))
	}
	size, _ := number(m["size"])
	switch {
	case size <= 0:
		return nil, sc.fail(f, "file_empty")
	case f.MaxBytes > 0 && size > float64(f.MaxBytes):
		return nil, sc.fail(f, "file_large", "max", megabytes(f.MaxBytes))
	}
	w, _ := number(m["width"])
	h, _ := number(m["height"])
	if f.Image != nil && w > 0 && (w < float64(f.Image.MinWidth) || h < float64(f.Image.MinHeight)) {
		return nil, sc.fail(f, "image_small", "width", f.Image.MinWidth, "height", f.Image.MinHeight)
	}
	return m, nil
}

func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d kB", n/1000)
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64), ".0") + " MB"
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
