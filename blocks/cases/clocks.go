package cases

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dinh-gov/dinh/kernel/calendar"
)

// promise is the case's clock: started when the case is accepted, stopped
// while the applicant or somebody else is at turn, ended by the decision.
type promise struct {
	Clock calendar.Clock `json:"clock"`
	Ended bool           `json:"ended"`
}

func parseClock(text string) (promise, error) {
	var p promise
	if text == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("cases: clock: %w", err)
	}
	return p, nil
}

func (p promise) text() (string, error) {
	b, err := json.Marshal(p)
	return string(b), err
}

// paused says whether a dossier status stops the clock (5 supplement, 6
// payment, 8 stopped: "Tạm dừng xử lý").
func paused(status int) bool { return status == 5 || status == 6 || status == 8 }

// move follows the dossier status.
func (p *promise) move(status, days int, now time.Time) {
	switch {
	case p.Ended || status == 1:
	case status == 3 || status == 7 || status >= 9:
		p.Ended = true
	case paused(status):
		if p.Clock.Running() {
			p.Clock = p.Clock.Pause(now)
		}
	case p.Clock.Started.IsZero():
		p.Clock = calendar.Start(now, days)
	case p.Clock.Paused():
		p.Clock = p.Clock.Resume(now)
	}
}

// due is the promised time, zero while there is none.
func (p promise) due(cal *calendar.Calendar) time.Time {
	if p.Ended || !p.Clock.Running() {
		return time.Time{}
	}
	return p.Clock.Due(cal)
}
