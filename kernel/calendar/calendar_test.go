package calendar_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/kernel/calendar"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func vietnam(t testing.TB) *calendar.Calendar {
	t.Helper()
	data, err := os.ReadFile("../../country/calendar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := calendar.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWorkingDays(t *testing.T) {
	c := vietnam(t)
	for date, want := range map[string]bool{
		"2026-01-01": false, // New Year
		"2026-01-02": false, // swapped off
		"2026-01-05": true,
		"2026-01-10": true,  // a Saturday worked in its place
		"2026-01-17": false, // a Saturday like others
		"2026-02-13": true,
		"2026-02-16": false, "2026-02-20": false,
		"2026-02-23": true,
		"2026-04-26": false, "2026-04-27": false, "2026-04-28": true,
		"2026-08-22": true, "2026-08-31": false, "2026-09-01": false, "2026-09-02": false, "2026-09-03": true,
		"2027-02-04": true, "2027-02-05": false, "2027-02-11": false, "2027-02-12": true,
		"2027-05-03": false, "2028-02-29": true, "1969-12-31": true, "1969-12-28": false,
	} {
		if got, err := c.IsWorkingDay(date); err != nil || got != want {
			t.Errorf("IsWorkingDay(%s) = %v, %v; want %v", date, got, err, want)
		}
	}
	if got := c.Holiday("2026-02-17").VI; got != "Tết Nguyên đán (mùng Một)" {
		t.Errorf("Holiday(2026-02-17) = %q", got)
	}
	if !c.Known("2027-12-31") || c.Known("2028-01-01") || c.Known("2025-12-31") || c.Known("nonsense") {
		t.Error("Known must hold for 2026 and 2027 alone")
	}
	if n := len(c.Holidays()); n != 26 {
		t.Errorf("%d holidays, want 26", n)
	}
	if n := len(c.Swapped()); n != 2 {
		t.Errorf("%d swaps, want 2", n)
	}
}

func TestAddWorkingDays(t *testing.T) {
	c := vietnam(t)
	for _, x := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-02-13", 1, "2026-02-23"}, // over Tết
		{"2026-02-13", 0, "2026-02-13"},
		{"2026-02-15", 0, "2026-02-15"},
		{"2026-02-23", -1, "2026-02-13"},
		{"2026-01-08", 2, "2026-01-10"}, // onto the worked Saturday
		{"2026-04-24", 3, "2026-05-04"}, // Giỗ Tổ, its day in lieu, 30 April, 1 May
	} {
		got, err := c.AddWorkingDays(x.from, x.n)
		if err != nil || got != x.want {
			t.Errorf("AddWorkingDays(%s, %d) = %s, %v; want %s", x.from, x.n, got, err, x.want)
		}
	}
	if got, _ := c.NextWorkingDay("2026-02-14"); got != "2026-02-23" {
		t.Errorf("NextWorkingDay(2026-02-14) = %s", got)
	}
	if got, _ := c.NextWorkingDay("2026-02-23"); got != "2026-02-23" {
		t.Errorf("NextWorkingDay(2026-02-23) = %s", got)
	}
}

func TestBadInput(t *testing.T) {
	c := vietnam(t)
	for _, date := range []string{"", "2026-02-30", "17/02/2026", "2026-2-1"} {
		if _, err := c.IsWorkingDay(date); errs.CodeOf(err) != "calendar.bad_date" {
			t.Errorf("IsWorkingDay(%q): %v", date, err)
		}
		if _, err := c.AddWorkingDays(date, 1); errs.CodeOf(err) != "calendar.bad_date" {
			t.Errorf("AddWorkingDays(%q): %v", date, err)
		}
		if _, err := c.WorkingDaysBetween("2026-01-01", date); errs.CodeOf(err) != "calendar.bad_date" {
			t.Errorf("WorkingDaysBetween(%q): %v", date, err)
		}
	}
	if _, err := c.AddWorkingDays("2026-01-01", 1<<30); errs.CodeOf(err) != "calendar.too_far" {
		t.Errorf("AddWorkingDays of a billion: %v", err)
	}
	if _, err := c.WorkingDaysBetween("0001-01-01", "9999-12-31"); errs.CodeOf(err) != "calendar.too_far" {
		t.Errorf("WorkingDaysBetween of ten thousand years: %v", err)
	}
}

func TestParseFaults(t *testing.T) {
	for src, want := range map[string]string{
		"weekend: [sat]":                   "zone is missing",
		"":                                 "zone is missing",
		"zone: Mars/Olympus":               "Mars/Olympus",
		"zone: UTC\nweekend: [saturday]":   "write mon, tue",
		"zone: UTC\nholiday: []":           "holiday",
		"zone: UTC\nholidays: [{date: x}]": "not a date",
		"zone: UTC\nholidays: [{date: 2026-01-01, name: {vi: a}}]":                                                  "vi and en",
		"zone: UTC\nholidays: [{date: 2026-01-01, name: {vi: a, en: b}}, {date: 2026-01-01, name: {vi: a, en: b}}]": "twice",
		"zone: UTC\nweekend: [sat]\nswapped: [{off: 2026-01-03, work: 2026-01-10}]":                                 "cannot be given off",
		"zone: UTC\nweekend: [sat]\nswapped: [{off: 2026-01-05, work: 2026-01-06}]":                                 "working day already",
		"zone: UTC\nweekend: [mon, tue, wed, thu, fri, sat, sun]":                                                   "no day to work",
	} {
		if _, err := calendar.Parse([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v; want %q", src, err, want)
		}
	}
}

var epoch = time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)

func drawDate(t *rapid.T, name string) string {
	return epoch.AddDate(0, 0, rapid.IntRange(0, 900).Draw(t, name)).Format(time.DateOnly)
}

func TestBetweenUndoesAdd(t *testing.T) {
	c := vietnam(t)
	rapid.Check(t, func(t *rapid.T) {
		a, n := drawDate(t, "a"), rapid.IntRange(-200, 200).Draw(t, "n")
		b, err := c.AddWorkingDays(a, n)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.WorkingDaysBetween(a, b); err != nil || got != n {
			t.Fatalf("WorkingDaysBetween(%s, %s) = %d, %v; want %d", a, b, got, err, n)
		}
		if works, _ := c.IsWorkingDay(b); n != 0 && !works {
			t.Fatalf("AddWorkingDays(%s, %d) = %s, a day off", a, n, b)
		}
	})
}

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, time.FixedZone("", 7*3600))
	if err != nil {
		panic(err)
	}
	return t
}

func TestClock(t *testing.T) {
	c := vietnam(t)
	k := calendar.Start(at("2026-02-12 09:00"), 3) // 13, 23, 24 February
	if got := k.DueDate(c); got != "2026-02-24" {
		t.Fatalf("due %s, want 2026-02-24", got)
	}
	if due := k.Due(c); !due.Equal(at("2026-02-25 00:00").Add(-time.Microsecond)) {
		t.Fatalf("due at %v", due)
	}
	for now, want := range map[string]int{
		"2026-02-12 09:00": 3, "2026-02-13 23:59": 2, "2026-02-18 12:00": 2, "2026-02-24 23:59": 0, "2026-02-25 00:00": -1, "2026-02-28 12:00": -3, "2026-03-02 12:00": -4,
	} {
		if got := k.Remaining(c, at(now)); got != want {
			t.Errorf("remaining at %s: %d, want %d", now, got, want)
		}
		if got := k.Overdue(c, at(now)); got != (want < 0) {
			t.Errorf("overdue at %s: %v", now, got)
		}
	}
	p := k.Pause(at("2026-02-13 10:00"))
	if !p.Paused() || p.Running() || k.Paused() {
		t.Fatal("Pause must give a paused copy and leave the original")
	}
	if p.Overdue(c, at("2026-06-01 00:00")) || p.Remaining(c, at("2026-03-10 00:00")) != 2 {
		t.Fatal("a paused clock must stand still")
	}
	r := p.Pause(at("2026-02-14 10:00")).Resume(at("2026-02-26 08:00")) // 23, 24, 25, 26 paused
	if got := r.DueDate(c); got != "2026-03-02" {
		t.Fatalf("after the pause due %s, want 2026-03-02", got)
	}
	if same := r.Pause(at("2026-02-27 08:00")).Resume(at("2026-02-27 17:00")); same.DueDate(c) != r.DueDate(c) {
		t.Fatal("a pause within one day must not move the due day")
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back calendar.Clock
	if err := json.Unmarshal(data, &back); err != nil || !back.Due(c).Equal(r.Due(c)) {
		t.Fatalf("stored and read back: %s, %v", data, err)
	}
	var never calendar.Clock
	if never.Overdue(c, at("2026-02-12 09:00")) || never.Running() || never.Pause(at("2026-02-12 09:00")).Paused() {
		t.Fatal("a clock never started neither runs nor is late")
	}
}

func TestClockCorners(t *testing.T) {
	c := vietnam(t)
	due := func(k calendar.Clock) string { return k.DueDate(c) }
	if got := due(calendar.Start(at("2026-03-07 09:00"), 0)); got != "2026-03-09" {
		t.Errorf("a same-day deadline started on a Saturday is due %s, want the Monday", got)
	}
	friday := calendar.Start(at("2026-03-05 09:00"), 1) // due Friday 6 March
	p := friday.Pause(at("2026-03-06 10:00"))
	if p.Overdue(c, at("2026-03-07 10:00")) {
		t.Error("paused on the due day, it must not be overdue on the Saturday after")
	}
	if got := due(p.Resume(at("2026-03-07 10:00"))); got != "2026-03-09" {
		t.Errorf("resumed on a Saturday it is due %s, want the Monday", got)
	}
	late := friday.Pause(at("2026-03-07 10:00"))
	if got := due(late.Resume(at("2026-03-20 10:00"))); got != "2026-03-06" {
		t.Errorf("a missed deadline moved to %s", got)
	}
	if !late.Overdue(c, at("2026-03-12 10:00")) || late.Remaining(c, at("2026-03-12 10:00")) != -1 {
		t.Error("a missed deadline must stay missed in a pause")
	}
}

// A pause moves the due day by exactly the working days it lasted, and while it
// lasts nothing changes; times in the wrong order do no harm.
func TestClockPauses(t *testing.T) {
	c := vietnam(t)
	rapid.Check(t, func(t *rapid.T) {
		now := epoch.Add(time.Duration(rapid.IntRange(0, 500*24).Draw(t, "start")) * time.Hour)
		k := calendar.Start(now, rapid.IntRange(0, 60).Draw(t, "days"))
		for range rapid.IntRange(0, 4).Draw(t, "pauses") {
			from := now.Add(time.Duration(rapid.IntRange(-48, 40*24).Draw(t, "from")) * time.Hour)
			to := now.Add(time.Duration(rapid.IntRange(-48, 80*24).Draw(t, "to")) * time.Hour)
			k = onePause(t, c, k, from, to)
			now = *k.Pauses[len(k.Pauses)-1].To
		}
	})
}

func onePause(t *rapid.T, c *calendar.Calendar, k calendar.Clock, from, to time.Time) calendar.Clock {
	paused := k.Pause(from)
	stop := paused.Pauses[len(paused.Pauses)-1].From
	if paused.DueDate(c) != k.DueDate(c) {
		t.Fatalf("pausing moved the due day from %s to %s", k.DueDate(c), paused.DueDate(c))
	}
	if to.After(stop) && (paused.Remaining(c, to) != k.Remaining(c, stop) || paused.Overdue(c, to) != k.Overdue(c, stop)) {
		t.Fatalf("the clock ran in a pause: %d left, then %d", k.Remaining(c, stop), paused.Remaining(c, to))
	}
	resumed := paused.Resume(to)
	end := *resumed.Pauses[len(resumed.Pauses)-1].To
	if k.Overdue(c, stop) {
		if resumed.DueDate(c) != k.DueDate(c) {
			t.Fatalf("a missed deadline moved from %s to %s", k.DueDate(c), resumed.DueDate(c))
		}
		return resumed
	}
	if resumed.Overdue(c, end) {
		t.Fatal("in time when paused, overdue when resumed")
	}
	moved, err := c.WorkingDaysBetween(k.DueDate(c), resumed.DueDate(c))
	if err != nil {
		t.Fatal(err)
	}
	lasted, err := c.WorkingDaysBetween(c.DateOf(stop), c.DateOf(end))
	if err != nil {
		t.Fatal(err)
	}
	works, err := c.IsWorkingDay(c.DateOf(end))
	if err != nil {
		t.Fatal(err)
	}
	if moved != lasted && (works || moved != lasted+1) {
		t.Fatalf("paused for %d working days, due moved by %d", lasted, moved)
	}
	return resumed
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("zone: UTC\nweekend: [sat, sun]\nholidays: [{date: 2026-01-01, name: {vi: a, en: b}}]\nswapped: [{off: 2026-01-02, work: 2026-01-03}]"))
	f.Add([]byte("zone: ../../etc/passwd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := calendar.Parse(data)
		if err != nil {
			return
		}
		if _, err := c.AddWorkingDays("2026-01-01", 10); err != nil {
			t.Fatal(err)
		}
	})
}
