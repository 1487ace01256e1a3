package bench

import (
	"context"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

// apply is one mother's way from signing in to the confirmation. Her browser
// reads every page, so its work is part of the figure.
func apply(ctx context.Context, s *demo.Stage, sample string) error {
	who, err := s.App.Identity.Sample(ctx, sample)
	if err != nil {
		return err
	}
	b := play.NewBrowser(s.Base)
	defer b.Close()
	if err := b.SignIn(ctx, sample); err != nil {
		return err
	}
	_, err = b.Apply(ctx, "birth", demo.BirthAnswers(demo.Child(who.Name, "Minh Châu")), nil)
	return err
}
