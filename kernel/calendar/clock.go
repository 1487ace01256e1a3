package calendar

import "time"

// Clock is one deadline in working days, from a start to a due day, with the
// times it stood still. It holds no calendar: a calendar corrected later moves
// every running deadline, which is what a newly announced holiday does.
type Clock struct {
	Started time.Time `json:"started"`
	Days    int       `json:"days"`
	Pauses  []Pause   `json:"pauses,omitempty"`
}

// Pause is a time in which the clock stood still; To is nil while it does.
type Pause struct {
	From time.Time  `json:"from"`
	To   *time.Time `json:"to,omitempty"`
}

// Start makes a clock that is due at the end of the days-th working day after
// the day of t; days below 0 counts as 0, due the same day.
func Start(t time.Time, days int) Clock {
	return Clock{Started: t.UTC(), Days: min(max(days, 0), maxDays/2)}
}

// Running says whether the clock was started and is not paused.
func (c Clock) Running() bool { return !c.Started.IsZero() && !c.Paused() }

// Paused says whether the clock stands still.
func (c Clock) Paused() bool {
	return len(c.Pauses) > 0 && c.Pauses[len(c.Pauses)-1].To == nil
}

// Pause gives the clock standing still from t on. A paused clock stays as it
// is; a time before the start or the last pause's end counts as that moment.
func (c Clock) Pause(t time.Time) Clock {
	if c.Paused() || c.Started.IsZero() {
		return c
	}
	floor := c.Started
	if n := len(c.Pauses); n > 0 {
		floor = *c.Pauses[n-1].To
	}
	if t.Before(floor) {
		t = floor
	}
	c.Pauses = append(c.Pauses[:len(c.Pauses):len(c.Pauses)], Pause{From: t.UTC()})
	return c
}

// Resume gives the clock running again from t on. A running clock stays as it is.
func (c Clock) Resume(t time.Time) Clock {
	if !c.Paused() {
		return c
	}
	last := len(c.Pauses) - 1
	if t.Before(c.Pauses[last].From) {
		t = c.Pauses[last].From
	}
	t = t.UTC()
	pauses := make([]Pause, len(c.Pauses))
	copy(pauses, c.Pauses)
	pauses[last].To = &t
	c.Pauses = pauses
	return c
}

// Due is the last moment in time: the end, to the microsecond, of the due day
// in the calendar's zone. An open pause has not moved it yet.
func (c Clock) Due(cal *Calendar) time.Time { return cal.endOf(c.dueDay(cal)) }

// DueDate is the day of Due, as people are told it; always a working day.
func (c Clock) DueDate(cal *Calendar) string { return c.dueDay(cal).String() }

// Overdue says whether the due moment is past. Time stands still in a pause: a
// clock that was in time when it was paused never becomes overdue there.
func (c Clock) Overdue(cal *Calendar, now time.Time) bool {
	return !c.Started.IsZero() && c.still(now).After(c.Due(cal))
}

// Remaining counts the working days after today to the due day: 0 on the due
// day itself, the days late as a negative number when overdue, the same all
// through a pause.
func (c Clock) Remaining(cal *Calendar, now time.Time) int {
	today, due := cal.dayOf(c.still(now)), c.dueDay(cal)
	if today <= due {
		return cal.between(today, due)
	}
	return -max(1, cal.between(due, today)) // late on a day off is late already
}

// still gives the moment at which an open pause stopped the clock, else now.
func (c Clock) still(now time.Time) time.Time {
	if c.Paused() && now.After(c.Pauses[len(c.Pauses)-1].From) {
		return c.Pauses[len(c.Pauses)-1].From
	}
	return now
}

// dueDay moves the first due day on by every finished pause that began in time;
// a deadline that was missed stays missed.
func (c Clock) dueDay(cal *Calendar) day {
	due := cal.next(cal.add(cal.dayOf(c.Started), min(max(c.Days, 0), maxDays/2)))
	for _, p := range c.Pauses {
		from := cal.dayOf(p.From)
		if p.To == nil || from > due {
			break
		}
		to := min(cal.dayOf(*p.To), from+maxDays)
		// Resumed on a day off after a pause on the due day: nobody works
		// before the next working day, so it cannot be due earlier.
		due = max(cal.add(due, cal.between(from, to)), cal.next(to))
	}
	return due
}

func (c *Calendar) dayOf(t time.Time) day {
	y, m, d := t.In(c.zone).Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func (c *Calendar) endOf(d day) time.Time {
	y, m, n := d.time().Date()
	return time.Date(y, m, n+1, 0, 0, 0, 0, c.zone).Add(-time.Microsecond)
}
