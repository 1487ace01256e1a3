package bench

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

// step is one form that a mother sends; APPLICATION stands for her own.
type step struct {
	action string
	values url.Values
}

const placeholder = "APPLICATION"

// record lets one mother apply by reading every page, and keeps what she sent.
func record(ctx context.Context, base string) ([]step, error) {
	b := play.NewBrowser(base)
	if err := b.SignIn(ctx, "mother-0001"); err != nil {
		return nil, err
	}
	var way []step
	b.OnSubmit = func(action string, values url.Values) { way = append(way, step{action, values}) }
	a, err := b.Apply(ctx, "birth", demo.BirthAnswers("Nguyễn Minh Châu"), nil)
	if err != nil {
		return nil, err
	}
	for i := range way {
		way[i].action = strings.ReplaceAll(way[i].action, a.ID, placeholder)
	}
	return way, nil
}

// follow lets another mother send the same forms. She opens every page that
// the house leads her to, but her browser need not understand it.
func follow(ctx context.Context, base, sample string, way []step) error {
	b := play.NewBrowser(base)
	if err := b.SignIn(ctx, sample); err != nil {
		return err
	}
	id := ""
	for _, s := range way {
		page, err := b.Submit(ctx, &play.Form{Action: strings.ReplaceAll(s.action, placeholder, id), Method: "post", Values: s.values}, nil, nil)
		if err != nil {
			return err
		}
		if rest, ok := strings.CutPrefix(page.Path, "/apply/"); ok && id == "" {
			id, _, _ = strings.Cut(rest, "/")
		}
		if id == "" {
			return errors.New("no application began: " + page.Heading())
		}
	}
	return nil
}
