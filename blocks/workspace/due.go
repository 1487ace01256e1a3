package workspace

import (
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/kernel/calendar"
)

// promise is how a case stands against its promised day: always words, the
// colour only repeats them.
type promise struct {
	key    string // of the words, without the block's name
	days   int    // working days left, or late
	colour string
}

// promised reads the case's clock at now.
func promised(k cases.Case, cal *calendar.Calendar, now time.Time) (promise, error) {
	switch {
	case k.Final != "":
		return promise{key: "due.ended", colour: "grey"}, nil
	case k.Paused:
		return promise{key: "due.stopped", colour: "purple"}, nil
	case k.Due.IsZero():
		return promise{key: "due.none", colour: "grey"}, nil
	}
	today, day := cal.DateOf(now), cal.DateOf(k.Due)
	switch {
	case today == day:
		return promise{key: "due.today", colour: "yellow"}, nil
	case today > day:
		late, err := cal.WorkingDaysBetween(day, today)
		return plural(promise{key: "due.late", days: max(late, 1), colour: "red"}), err
	}
	left, err := cal.WorkingDaysBetween(today, day)
	return plural(promise{key: "due.left", days: left, colour: "blue"}), err
}

func plural(p promise) promise {
	if p.days == 1 {
		p.key += "_one"
	}
	return p
}
