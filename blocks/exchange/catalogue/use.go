package catalogue

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Month is how often a service was called in one month.
type Month struct {
	Month    string `json:"month"` // 2026-11, by the country's clock
	Answered int64  `json:"answered"`
	Refused  int64  `json:"refused"` // by the exchange; the service was not asked
	Failed   int64  `json:"failed"`  // the service was asked and gave no data
	Clients  int64  `json:"clients"` // systems that got at least one answer
}

// total is all calls of the month.
func (m Month) total() int64 { return m.Answered + m.Refused + m.Failed }

const (
	settled     = 2 * time.Minute // events younger than this may still be on their way
	countWindow = 24 * time.Hour  // what is counted at once when there is much to catch up with
	firstCount  = 366             // days back where counting begins
	shownMonths = 12
)

// Count adds the calls since the last count to the figures. It is run every
// minute; several processes may run it at once, each call is counted once.
func (c *Catalogue) Count(ctx context.Context) error {
	now := c.d.Clock.Now()
	end := now.Add(-settled).Truncate(time.Second)
	from, err := c.countedUntil(ctx)
	if err != nil {
		return err
	}
	started := !from.IsZero()
	if !started {
		from = end.AddDate(0, 0, -firstCount)
	}
	for from.Before(end) {
		if err := ctx.Err(); err != nil {
			return err
		}
		until := windowEnd(from, end)
		uses, err := c.d.Exchange.Uses(ctx, from, until)
		if err != nil {
			return err
		}
		counted, err := c.addUses(ctx, tally{from: from, until: until, first: !started, month: monthOf(from), uses: c.known(uses)})
		if err != nil || !counted { // another process was faster
			return err
		}
		from, started = until, true
	}
	return nil
}

// windowEnd is where a count from a time ends: within the month, before end.
func windowEnd(from, end time.Time) time.Time {
	local := from.In(i18n.Zone())
	next := time.Date(local.Year(), local.Month()+1, 1, 0, 0, 0, 0, local.Location())
	for _, t := range []time.Time{from.Add(countWindow), next} {
		if t.Before(end) {
			end = t
		}
	}
	return end
}

func monthOf(t time.Time) string { return t.In(i18n.Zone()).Format("2006-01") }

// known leaves out calls to addresses that are no service: anybody with a key can
// make them up.
func (c *Catalogue) known(uses []exchange.Use) []exchange.Use {
	offered := map[string]bool{}
	for _, s := range c.d.Exchange.Services() {
		offered[s.ID.String()] = true
	}
	out := uses[:0]
	for _, u := range uses {
		if offered[u.Service] {
			out = append(out, u)
		}
	}
	return out
}

// Use gives the last twelve months of a service, the oldest first, to the caller
// in ctx: anybody when the owner made the figures public, else officers of the
// owner with exchange.RoleGrants. errs.NotFound exchange.unknown_service,
// errs.Forbidden catalogue.use_private.
func (c *Catalogue) Use(ctx context.Context, service string) ([]Month, error) {
	s, err := c.service(ctx, service)
	if err != nil {
		return nil, err
	}
	if !mayCount(auth.From(ctx), s) {
		return nil, errs.New(errs.Forbidden, "catalogue.use_private", "service", s.ID.String())
	}
	now := c.d.Clock.Now().In(i18n.Zone())
	first := time.Date(now.Year(), now.Month()-shownMonths+1, 1, 0, 0, 0, 0, now.Location())
	found, err := c.months(ctx, s.ID.String(), monthOf(first))
	if err != nil {
		return nil, err
	}
	out := make([]Month, shownMonths)
	for i := range out {
		out[i].Month = monthOf(first.AddDate(0, i, 0))
		for _, m := range found {
			if m.Month == out[i].Month {
				out[i] = m
			}
		}
	}
	return out, nil
}

func mayCount(p auth.Principal, s exchange.ServiceInfo) bool {
	return s.PublicStatistics || speaksFor(p, s.ID.Owner())
}
