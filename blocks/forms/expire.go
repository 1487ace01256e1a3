package forms

import (
	"context"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// DraftLife is how long a draft waits for its person, from their last visit to
// it. Then it goes, with its files: nobody's data lie about for nothing.
const DraftLife = 90 * 24 * time.Hour

// expired is how many drafts one run looks for.
const expired = 500

// ExpireDrafts discards the drafts that waited longer than DraftLife and says
// how many. app runs it once a day.
func (x *Forms) ExpireDrafts(ctx context.Context) (n int, err error) {
	before := x.d.Clock.Now().Add(-DraftLife)
	ids, err := x.store.idle(ctx, before)
	if err != nil {
		return 0, err
	}
	var failed error
	for _, id := range ids {
		gone, err := x.expire(ctx, id, before)
		if gone {
			n++
		}
		failed = errors.Join(failed, err)
	}
	return n, failed
}

// expire discards one draft unless its person came back meanwhile.
func (x *Forms) expire(ctx context.Context, id string, before time.Time) (gone bool, err error) {
	var files []string
	var subject string
	err = x.store.write(ctx, func(ctx context.Context) error {
		gone = false
		r, err := x.store.one(ctx, id)
		if err != nil || r.State != Draft || !r.Updated.Before(before) {
			return err
		}
		if files, err = x.store.held(ctx, id); err != nil {
			return err
		}
		w := &work{row: r}
		w.State, w.draftKey, w.Updated = Discarded, id, x.d.Clock.Now()
		if err := x.seal(ctx, w); err != nil && errs.KindOf(err) != errs.Gone { // a destroyed key left nothing to read
			return err
		}
		if err := x.store.update(ctx, w.row); err != nil {
			return err
		}
		subject, gone = r.subject, true
		return x.store.release(ctx, id, "")
	})
	if err != nil || !gone {
		return false, err
	}
	x.drop(ctx, subject, files)
	return true, nil
}
