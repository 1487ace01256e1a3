package calendar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones must load in a container that has no zone files

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Holiday is a day off that the whole country shares.
type Holiday struct {
	Date string    `json:"date" yaml:"date"`
	Name i18n.Text `json:"name" yaml:"name"`
}

// Swap moves one working day: Off becomes free, Work is worked in its place.
type Swap struct {
	Off  string `json:"off" yaml:"off"`
	Work string `json:"work" yaml:"work"`
}

// Calendar answers which days are worked. It never changes after Parse and is
// safe for concurrent use.
type Calendar struct {
	zone     *time.Location
	weekend  [7]bool
	holidays map[day]i18n.Text
	swaps    []Swap
	off      map[day]bool // working days made free
	work     map[day]bool // free days made working
	from, to day          // first and last day of the years with holidays
}

// day counts days since 1 January 1970.
type day int

func toDay(date string) (day, error) {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return 0, errs.New(errs.Invalid, "calendar.bad_date", "date", date)
	}
	return day(t.Unix() / 86400), nil
}

func (d day) time() time.Time       { return time.Unix(int64(d)*86400, 0).UTC() }
func (d day) String() string        { return d.time().Format(time.DateOnly) }
func (d day) weekday() time.Weekday { return time.Weekday(((int(d)+4)%7 + 7) % 7) } // day 0 was a Thursday

// maxDays bounds every walk over days: about a hundred years.
const maxDays = 36600

type file struct {
	Zone     string    `yaml:"zone"`
	Weekend  []string  `yaml:"weekend"`
	Holidays []Holiday `yaml:"holidays"`
	Swapped  []Swap    `yaml:"swapped"`
}

// Parse reads a calendar and refuses one that contradicts itself, naming every
// fault: unknown keys, dates that do not exist or come twice, a holiday without
// a name in a language, a swap of a day that was free already.
func Parse(data []byte) (*Calendar, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var f file
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	c := &Calendar{holidays: map[day]i18n.Text{}, off: map[day]bool{}, work: map[day]bool{}}
	var faults []error
	if f.Zone == "" {
		faults = append(faults, errors.New("calendar: zone is missing; write e.g. zone: Asia/Ho_Chi_Minh"))
	} else if zone, err := time.LoadLocation(f.Zone); err != nil {
		faults = append(faults, fmt.Errorf("calendar: zone %q: %w", f.Zone, err))
	} else {
		c.zone = zone
	}
	faults = append(faults, c.addWeekend(f.Weekend)...)
	faults = append(faults, c.addHolidays(f.Holidays)...)
	faults = append(faults, c.addSwaps(f.Swapped)...)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Calendar) addWeekend(names []string) (faults []error) {
	known := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	for _, n := range names {
		i := slices.Index(known, strings.ToLower(n))
		if i < 0 {
			faults = append(faults, fmt.Errorf("calendar: weekend %q: write mon, tue, wed, thu, fri, sat or sun", n))
			continue
		}
		c.weekend[i] = true
	}
	if c.weekend == [7]bool{true, true, true, true, true, true, true} {
		faults = append(faults, errors.New("calendar: weekend leaves no day to work"))
	}
	return faults
}

func (c *Calendar) addHolidays(holidays []Holiday) (faults []error) {
	for _, h := range holidays {
		d, err := toDay(h.Date)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("calendar: holiday %q is not a date YYYY-MM-DD", h.Date))
			continue
		case h.Name.VI == "" || h.Name.EN == "":
			faults = append(faults, fmt.Errorf("calendar: holiday %s needs a name in vi and en", h.Date))
		case c.holidays[d] != i18n.Text{}:
			faults = append(faults, fmt.Errorf("calendar: holiday %s is listed twice", h.Date))
		}
		c.holidays[d] = h.Name
	}
	if days := slices.Collect(maps.Keys(c.holidays)); len(days) > 0 {
		first, last := slices.Min(days).time().Year(), slices.Max(days).time().Year()
		c.from = day(time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400)
		c.to = day(time.Date(last, 12, 31, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	}
	return faults
}

func (c *Calendar) addSwaps(swaps []Swap) (faults []error) {
	for _, s := range swaps {
		off, err1 := toDay(s.Off)
		work, err2 := toDay(s.Work)
		switch {
		case err1 != nil || err2 != nil:
			faults = append(faults, fmt.Errorf("calendar: swap of %q for %q: write both as YYYY-MM-DD", s.Off, s.Work))
		case !c.working(off):
			faults = append(faults, fmt.Errorf("calendar: swap: %s is not a working day, so it cannot be given off", s.Off))
		case c.working(work):
			faults = append(faults, fmt.Errorf("calendar: swap: %s is a working day already", s.Work))
		default:
			c.off[off], c.work[work] = true, true
			c.swaps = append(c.swaps, s)
		}
	}
	return faults
}

func (c *Calendar) working(d day) bool {
	if c.work[d] {
		return true
	}
	if c.off[d] || c.weekend[d.weekday()] {
		return false
	}
	_, holiday := c.holidays[d]
	return !holiday
}

// Zone is where the country's days begin and end.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Holidays lists the public holidays in order of date.
func (c *Calendar) Holidays() []Holiday {
	var list []Holiday
	for _, d := range slices.Sorted(maps.Keys(c.holidays)) {
		list = append(list, Holiday{d.String(), c.holidays[d]})
	}
	return list
}

// Swapped lists the swapped working days as written.
func (c *Calendar) Swapped() []Swap { return slices.Clone(c.swaps) }

// Known says whether date lies in the years whose holidays are listed. Outside
// them weekends alone are free, and a computed deadline may be too early: a
// caller that promises one should say so.
func (c *Calendar) Known(date string) bool {
	d, err := toDay(date)
	return err == nil && len(c.holidays) > 0 && d >= c.from && d <= c.to
}

// DateOf gives the country's date at t.
func (c *Calendar) DateOf(t time.Time) string { return t.In(c.zone).Format(time.DateOnly) }

// IsWorkingDay says whether the state works on date.
func (c *Calendar) IsWorkingDay(date string) (bool, error) {
	d, err := toDay(date)
	return err == nil && c.working(d), err
}

// Holiday gives the name of the public holiday on date, zero when there is none.
func (c *Calendar) Holiday(date string) i18n.Text {
	d, err := toDay(date)
	if err != nil {
		return i18n.Text{}
	}
	return c.holidays[d]
}

// AddWorkingDays gives the n-th working day after date; before it when n is
// negative; date itself, worked or not, when n is 0.
func (c *Calendar) AddWorkingDays(date string, n int) (string, error) {
	d, err := toDay(date)
	if err != nil {
		return "", err
	}
	if n > maxDays/2 || n < -maxDays/2 {
		return "", errs.New(errs.Invalid, "calendar.too_far", "days", n)
	}
	return c.add(d, n).String(), nil
}

func (c *Calendar) add(d day, n int) day {
	step := day(1)
	if n < 0 {
		step, n = -1, -n
	}
	for n > 0 {
		d += step
		if c.working(d) {
			n--
		}
	}
	return d
}

// NextWorkingDay gives date when it is worked, else the first working day after
// it: where the Civil Code moves a term that ends on a day off (Art. 148).
func (c *Calendar) NextWorkingDay(date string) (string, error) {
	d, err := toDay(date)
	if err != nil {
		return "", err
	}
	return c.next(d).String(), nil
}

func (c *Calendar) next(d day) day {
	for !c.working(d) {
		d++
	}
	return d
}

// WorkingDaysBetween counts the working days after a up to and including b.
// It undoes AddWorkingDays: when b = AddWorkingDays(a, n) it gives n, for
// negative n as well.
func (c *Calendar) WorkingDaysBetween(a, b string) (int, error) {
	from, err := toDay(a)
	if err != nil {
		return 0, err
	}
	to, err := toDay(b)
	if err != nil {
		return 0, err
	}
	if to-from > maxDays || from-to > maxDays {
		return 0, errs.New(errs.Invalid, "calendar.too_far", "days", int(to-from))
	}
	return c.between(from, to), nil
}

func (c *Calendar) between(a, b day) int {
	n := 0
	for d := a + 1; d <= b; d++ {
		if c.working(d) {
			n++
		}
	}
	for d := a - 1; d >= b; d-- {
		if c.working(d) {
			n--
		}
	}
	return n
}
