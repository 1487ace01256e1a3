package i18n

import (
	"strconv"
	"time"
)

// Zone is Vietnam's time: UTC+7, without summer time, so no zone file is needed.
func Zone() *time.Location { return zone }

var zone = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)

// FormatDate writes a date YYYY-MM-DD: 22/11/2026, 22 November 2026. Anything
// else comes back unchanged.
func FormatDate(l Lang, date string) string {
	d, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	if l == EN {
		return d.Format("2 January 2006")
	}
	return d.Format("02/01/2006")
}

// FormatTime writes a moment as the clock on the wall in Vietnam shows it:
// 14:05 ngày 22/11/2026, 22 November 2026 at 14:05.
func FormatTime(l Lang, t time.Time) string {
	t = t.In(zone)
	if l == EN {
		return t.Format("2 January 2006 at 15:04")
	}
	return t.Format("15:04 ngày 02/01/2006")
}

// FormatInt groups thousands: 1.234.567, 1,234,567.
func FormatInt(l Lang, n int64) string {
	sep := byte('.')
	if l == EN {
		sep = ','
	}
	digits := strconv.FormatInt(n, 10)
	out := make([]byte, 0, len(digits)+len(digits)/3)
	if n < 0 {
		out, digits = append(out, '-'), digits[1:]
	}
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out = append(out, sep)
		}
		out = append(out, digits[i])
	}
	return string(out)
}
